"""A flow as text: steps from top to bottom, branches indented below the step that splits, joins back at its level.

A line is a tuple of (text, kind) pairs; `plain` and `coloured` make strings of it. What ends a split or a switch is
found from the graph alone (a join, or the nearest step that every way to the end passes), so any graph with one end can
be drawn; a step that is reached a second time is named and not drawn again.
"""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterator

from dockerflow.cli.meeting import Joins
from dockerflow.cli.options import METAVARS, shown_default
from dockerflow.cli.words import counted, duration
from dockerflow.environments.spec import default_python
from dockerflow.flow.definition import (
    Card,
    Catch,
    Conda,
    Environment,
    Flow,
    Image,
    Isolation,
    Local,
    ParameterDefinition,
    Pypi,
    Remote,
    Resources,
    Retry,
    Secrets,
    Step,
    Timeout,
)
from dockerflow.flow.errors import place

Line = tuple[tuple[str, str], ...]

# Lines, and in their place whatever makes more of them. Not by `yield from`: a thousand switches are inside each other.
Lines = Iterator["Line | Lines"]

COLOURS = {"step": "1", "flow": "1", "edge": "2", "note": "36", "environment": "32", "place": "2"}


def plain(line: Line) -> str:
    return "".join(text for text, _ in line).rstrip()


def coloured(line: Line) -> str:
    return "".join(f"\x1b[{COLOURS[kind]}m{text}\x1b[0m" if kind in COLOURS else text for text, kind in line)


def draw(flow: Flow, width: int) -> Iterator[Line]:
    """The whole picture: the flow, its parameters and configs, its steps."""
    yield (flow.name, "flow"), (f"  {place(flow.file, flow.line)}", "place")
    yield from _wrapped(flow.doc, "", width)
    if flow.project is not None:
        yield ((f"project {flow.project.name}", "note"),)
    yield ()
    for parameter in flow.parameters:
        yield from _parameter(parameter, width)
    for config in flow.configs:
        note = "  [required]" if config.required else ""
        yield (f"--config {config.name}", "step"), (" PATH", "place"), (note, "note")
        yield from _wrapped(config.help, "    ", width)
    if flow.parameters or flow.configs:
        yield ()
    yield from _one_by_one(_Drawing(flow, width).from_step(flow.start, None, "", ""))


def _one_by_one(lines: Lines) -> Iterator[Line]:
    inside = [lines]
    while inside:
        found = next(inside[-1], None)
        if found is None:
            inside.pop()
        elif isinstance(found, tuple):
            yield found
        else:
            inside.append(found)


def _parameter(parameter: ParameterDefinition, width: int) -> Iterator[Line]:
    note = "required" if parameter.required else shown_default(parameter)
    kind = METAVARS.get(parameter.kind, "TEXT")
    yield (f"--{parameter.name}", "step"), (f" {kind}", "place"), (f"  [{note}]" if note else "", "note")
    yield from _wrapped(parameter.help, "    ", width)


class _Drawing:
    def __init__(self, flow: Flow, width: int) -> None:
        self._steps = flow.steps
        self._preceding = flow.preceding()
        self._width = width
        self._joins = Joins(flow)
        self._drawn: set[str] = set()

    def from_step(
        self, first: str, stop: str | None, margin: str, head: str, case: tuple[str, str] = ("", "")
    ) -> Lines:
        """`first` and what follows it at this level, up to `stop`. `head` stands before the first line, `margin` before
        every other. `case` says for what a switch leads here.
        """
        name: str | None = first
        while name is not None and name != stop:
            if name in self._drawn:
                yield (head, "edge"), (f"→ {name}, drawn above", "edge"), case
                return
            self._drawn.add(name)
            step = self._steps[name]
            follower = self._joins.of(name) if _opens(step) else next(iter(step.next), None)
            goes_on = _opens(step) or (follower is not None and follower != stop)
            yield (head, "edge"), ("● ", "edge"), (name, "step"), self._note(step), case
            yield from self._about(step, margin + ("│ " if goes_on else "  "))
            if goes_on:
                yield ((margin + "│", "edge"),)
            if _opens(step):
                yield self._branches(step, follower, margin)
                if follower is not None and follower != stop:
                    yield ((margin + "│", "edge"),)
            name, head, case = follower, margin, ("", "")

    def _branches(self, step: Step, join: str | None, margin: str) -> Lines:
        for number, branch in enumerate(step.next):
            if number:
                yield ((margin + "│", "edge"),)
            case = _case(step, branch)
            if branch == step.name:
                yield (f"{margin}├── → {branch}, again", "edge"), case
            elif branch == join:
                yield (f"{margin}├── → {branch}", "edge"), case
            else:
                yield self.from_step(branch, join, margin + "│   ", margin + "├── ", case)

    def _note(self, step: Step) -> tuple[str, str]:
        before = self._preceding[step.name]
        if step.join:
            return f"  joins {', '.join(before)}", "note"
        opened = next(
            (self._steps[name] for name in before if self._steps[name].foreach or self._steps[name].gang), None
        )
        if opened is None:
            return "", ""
        return f"  for each of {opened.foreach}" if opened.foreach else "  a gang: several at the same time", "note"

    def _about(self, step: Step, margin: str) -> Iterator[Line]:
        for line in _wrapped(step.doc, "", self._width - len(margin) - 2):
            yield (margin, "edge"), ("  ", ""), *line
        for text in textwrap.wrap(environment(step), max(20, self._width - len(margin) - 2)):
            yield (margin, "edge"), ("  ", ""), (text, "environment")
        said = " · ".join(decorated(step))
        if said:
            yield (margin, "edge"), ("  ", ""), (said, "note")


def _case(step: Step, branch: str) -> tuple[str, str]:
    """For which values of its condition a switch leads to `branch`."""
    if step.condition is None:
        return "", ""
    values = " or ".join(repr(value) for value, target in step.cases if target == branch)
    return f"  if {step.condition} is {values}", "note"


def _opens(step: Step) -> bool:
    """Whether there is more than one way on from this step, or several tasks go it."""
    return step.split or step.foreach is not None or step.gang or step.condition is not None


def environment(step: Step) -> str:
    """`python 3.11: pandas 1.5.3, numpy; pypi: rich; file environment.yml`, or `python 3.11, no libraries`."""
    image, conda, pypi = step.decorator(Image), step.decorator(Conda) or Conda(), step.decorator(Pypi) or Pypi()
    if image is not None:
        return f"image {image.image}"
    if conda.disabled or pypi.disabled:
        conda, pypi = Conda(), Pypi()
    if conda.lock is not None:
        return f"lock {os.path.basename(conda.lock)}"
    files = [os.path.basename(file) for file in (conda.file, pypi.file) if file is not None]
    asked = conda.python or pypi.python
    python = [f"python {asked or default_python()}"] if asked or not files else []
    parts = [_listed("", conda.libraries), _listed("pypi: ", pypi.packages), *(f"file {file}" for file in files)]
    return ": ".join([*python, "; ".join(filter(None, parts))]) if any(parts) else f"{python[0]}, no libraries"


def _listed(kind: str, packages: tuple[tuple[str, str], ...]) -> str:
    names = ", ".join(f"{name} {version}".strip() for name, version in packages)
    return kind + names if names else ""


def decorated(step: Step) -> Iterator[str]:
    """What the step's other decorators say, each in a few words."""
    retry, caught, resources = step.decorator(Retry), step.decorator(Catch), step.decorator(Resources)
    if retry is not None:
        yield f"retry {counted(retry.times, 'time')}"
    if caught is not None:
        yield f"catch as {caught.var}" if caught.var else "catch"
    yield from _conditions(step)
    yield from _place(step)
    if resources is not None and resources.cpu is not None:
        yield f"{resources.cpu:g} CPU"
    if resources is not None and resources.memory is not None:
        yield f"{resources.memory} MiB"
    if resources is not None and resources.gpu:
        yield f"{resources.gpu} GPU"


def _place(step: Step) -> Iterator[str]:
    remote = step.decorator(Remote)
    if remote is not None:
        yield f"on {' or '.join(remote.hosts)}" if remote.hosts else "on another host"
    elif step.decorator(Local) is not None:
        yield "on this machine"


def _conditions(step: Step) -> Iterator[str]:
    timeout, variables, secrets = step.decorator(Timeout), step.decorator(Environment), step.decorator(Secrets)
    isolation = step.decorator(Isolation)
    if timeout is not None:
        yield f"timeout {duration(timeout.limit)}"
    if isolation is not None and isolation.level is not None:
        yield f"a fresh {isolation.level} per task" if isolation.level != "fork" else "forked tasks"
    if variables is not None and variables.vars:
        yield f"sets {', '.join(name for name, _ in variables.vars)}"
    if secrets is not None and secrets.sources:
        yield f"secrets from {counted(len(secrets.sources), 'source')}"
    cards = [each for each in step.decorators if isinstance(each, Card)]
    if cards:
        yield counted(len(cards), "card")


def _wrapped(text: str, indent: str, width: int) -> Iterator[Line]:
    for paragraph in textwrap.dedent(text).strip().split("\n\n") if text.strip() else []:
        for line in textwrap.wrap(" ".join(paragraph.split()), max(20, width - len(indent))):
            yield ((indent + line, ""),)
