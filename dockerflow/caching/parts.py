"""The parts of a key, in the order in which they are compared: what of a step and of one of its tasks a result depends
on.

    code      what the step reaches: see `code`
    inputs    the hash of each artifact of each task that it receives
    foreach   the lists that it is inside of, and its place in each
    configs   the value of each config: it may decide what the flow is, which cannot be seen in a step alone
    image     the image of each platform on which it may run
    options   what its decorators say that can make a difference, and the project's branch

Not among them: how often and how long it may be tried, its limits and where it runs; the values of secrets, which
leave no trace.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from dockerflow.caching.key import CannotTell, Part, Parts, hash_of
from dockerflow.flow.custom import custom_on
from dockerflow.flow.definition import Card, Catch, Environment, Flow, Project, Resources, Secrets, SecretSource, Step
from dockerflow.flow.graph import graph_of
from dockerflow.flow.view import FOREACH_ITEMS, INTERNAL
from dockerflow.runtime.messages import ForeachFrame, Input
from dockerflow.store.records import StepRecord

__all__ = ["Read", "configs", "current", "foreach", "image", "inputs", "options", "place"]

# The hashes of a task's artifacts by name, from the hash of its manifest.
Read = Callable[[str], Mapping[str, str]]


def inputs(read: Read, given: Sequence[Input], parameters: Iterable[str]) -> Part:
    """All artifacts but the parameters, which count where they are read."""
    left_out = INTERNAL.union(parameters)
    items: dict[str, str] = {}
    for number, each in enumerate(given):
        items[f"{number}/{each.step}"] = ""
        found = read(each.manifest)
        items.update((f"{number}/{each.step}/{name}", found[name]) for name in found.keys() - left_out)
    return Part("inputs", items)


def foreach(read: Read, frames: Sequence[ForeachFrame]) -> Part:
    items: dict[str, str] = {}
    for number, frame in enumerate(frames):
        found = read(frame.manifest)
        values = found.get(FOREACH_ITEMS) or found.get(frame.variable)
        if values is None:
            raise CannotTell("foreach", f"the list `{frame.variable}` of step `{frame.step}` is not in the store")
        items[f"{number}/{frame.step}/{frame.variable}"] = values
        items[f"{number}/index"] = str(frame.index)
    return Part("foreach", items)


def current(flow: Flow, tags: Iterable[str], user: str, namespace: str) -> dict[str, str]:
    """What `flow.reads` writes down of `current`, as parameters are: it counts where a step has asked for it. Not the
    number of the attempt, which is no run's."""
    said = {
        "graph": json.dumps(graph_of(flow), default=repr),
        "namespace": namespace,
        "parameter_names": sorted(flow.given_names()),
        "tags": sorted(tags),
        "username": user,
    }
    return {f"current.{name}": hash_of("current", name, value) for name, value in said.items()}


def place(frames: Sequence[ForeachFrame]) -> str:
    """Which of its step's tasks one is, in a word that can be a name in the store."""
    return "-".join(str(frame.index) for frame in frames) or "alone"


def configs(values: Mapping[str, Any]) -> Part:
    return Part("configs", {name: _hash("configs", f"the config `{name}`", value) for name, value in values.items()})


def image(step: StepRecord) -> Part:
    """Engines call an image by one of its two digests; where both are known, the first is the same for all of them."""
    found = {
        each.platform or "any platform": each.config_digest or each.manifest_digest for each in (step, *step.elsewhere)
    }
    if not all(found.values()):
        raise CannotTell("image", f"step `{step.name}` has no image whose digest is known")
    return Part("image", found)


def options(step: Step, function: Any, project: Project | None) -> Part:
    """`function` is the step's, on which decorators stand that users have written."""
    return Part("options", dict(_options(step, function, project)))


def _options(step: Step, function: Any, project: Project | None) -> Iterator[tuple[str, str]]:
    for name, value in (step.decorator(Environment) or Environment()).vars:
        yield f"environment/{name}", hash_of("option", value)
    caught = (step.decorator(Catch) or Catch()).var
    if caught is not None:
        yield "catch/var", caught
    secrets = (step.decorator(Secrets) or Secrets()).sources
    if secrets:
        yield "secrets", hash_of("option", [_said(each) for each in secrets])
    gpus = (step.decorator(Resources) or Resources()).gpu
    if gpus:
        yield "resources/gpu", str(gpus)
    cards = [each for each in step.decorators if isinstance(each, Card)]
    for number, card in enumerate(cards):
        said = [card.type, card.id, list(card.options), card.timeout, card.customize, card.save_errors]
        yield f"card/{number}", _hash("options", "what `@card` is given", said)
    for number, custom in enumerate(custom_on(function)):
        name = type(custom).__qualname__
        yield f"{name}/{number}", _hash("options", f"what `@{name}` is given", list(custom.get_args_kwargs()))
    if project is not None:
        yield "project", f"{project.flow_name} {'production' if project.production else ''}".strip()


def _said(source: SecretSource) -> list[object]:
    """Which secrets: not their values, and of a file not where it is."""
    return [source.kind, PurePath(source.name).name, source.variable, sorted(name for name, _ in source.values)]


def _hash(part: str, what: str, value: Any) -> str:
    try:
        return hash_of("option", value)
    except (TypeError, ValueError, RecursionError):
        raise CannotTell(part, f"{what} is no plain value") from None


def ordered(parts: Iterable[Part]) -> Parts:
    """As keys have them."""
    order = ("code", "inputs", "foreach", "configs", "image", "options")
    return tuple(sorted(parts, key=lambda part: order.index(part.name)))
