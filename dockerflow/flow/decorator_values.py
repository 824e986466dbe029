"""From decorators as they were written to the values of `definition`, with a problem for each thing that is wrong.

What cannot be used is left out and reported, never guessed. A number may be written as text (`times="3"`), as in
Metaflow. What libraries come from is in `libraries`, where secrets come from in `secret_sources`, what decorators for
the place where a step runs mean in `elsewhere`, and those of whole flows are in `flow_values`.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import keyword
import re
from typing import Any, Callable, Dict, Iterator, List, Sequence, Tuple

from dockerflow.flow.decorators import Written
from dockerflow.flow.definition import (
    Cache,
    Card,
    Catch,
    Environment,
    Isolation,
    Parallel,
    Retry,
    StepDecorator,
    Timeout,
)
from dockerflow.flow.elsewhere import OF_PLACES, placed, resources
from dockerflow.flow.flow_values import OF_FLOWS
from dockerflow.flow.libraries import BASES, libraries_of_step
from dockerflow.flow.options import Options, Report, expected, not_negative, number, options_of, true_or_false, whole
from dockerflow.flow.secret_sources import secrets

__all__ = ["SEVERAL", "decorators_of", "is_variable"]

# What `@isolation` may ask to be fresh for each task.
LEVELS = ("fork", "interpreter", "container")

# A step may have several of these.
SEVERAL = ("card",)

_CARD_ID = re.compile(r"[a-zA-Z0-9_]+")


def decorators_of(
    step: str, written: Sequence[Written], base: Sequence[Written], report: Report
) -> Tuple[StepDecorator, ...]:
    """The decorators of one step; `base` are those that its flow has for every step, the most basic class first."""
    every = list(_one_of_each(step, written, report))
    own = {item.name: item for item in every if item.name not in SEVERAL}
    values = [_VALUES[item.name](item, options_of(item, report), report) for item in every if item.name in _VALUES]
    of_places = [item for item in every if item.name in OF_PLACES]
    return placed(of_places, (*libraries_of_step(base, own, report), *values), report)


def _one_of_each(step: str, written: Sequence[Written], report: Report) -> Iterator[Written]:
    seen: Dict[str, Written] = {}
    for item in written:
        if item.name == "step":  # see `ends`
            continue
        if item.name in BASES:
            hint = f"put it on the class, or write `@{item.name.partition('_')[0]}` here"
            report.add(item.file, item.line, f"`@{item.name}` stands on a step", hint)
        elif item.name in OF_FLOWS:
            report.add(item.file, item.line, f"`@{item.name}` stands on a step", "put it on the class of the flow")
        elif item.name in seen and item.name not in SEVERAL:
            first = seen[item.name].line
            message = f"step `{step}` has `@{item.name}` twice, the first on line {first}"
            report.add(item.file, item.line, message, "write both into one")
        else:
            seen[item.name] = item
            yield item


def _retry(written: Written, options: Options, report: Report) -> Retry:
    times = number(written, options, "times", "a whole number, 0 or more", whole, report)
    minutes = number(written, options, "minutes_between_retries", "a number, 0 or more", not_negative, report)
    return Retry(
        times=Retry.times if times is None else int(times),
        minutes_between_retries=Retry.minutes_between_retries if minutes is None else minutes,
    )


def _catch(written: Written, options: Options, report: Report) -> Catch:
    var, show = options.get("var"), options.get("print_exception", True)
    if var is not None and not _artifact_name(var):
        expected(written, "var", 'the name of an artifact, like `"failed"`', var, report)
        var = None
    if not isinstance(show, bool):
        expected(written, "print_exception", "True or False", show, report)
        show = True
    return Catch(var, show)


def _timeout(written: Written, options: Options, report: Report) -> Timeout:
    units = ("seconds", "minutes", "hours")
    seconds, minutes, hours = [
        number(written, options, name, "a number, 0 or more", not_negative, report) for name in units
    ]
    found = Timeout(seconds or 0.0, minutes or 0.0, hours or 0.0)
    wrong = any(
        options.get(name) is not None and value is None for name, value in zip(units, (seconds, minutes, hours))
    )
    if not found.limit and not wrong and not written.arguments:
        hint = "write `@timeout(seconds=30)`; `minutes` and `hours` are added to it"
        report.add(written.file, written.line, "`@timeout` names no time", hint)
    return found


def _isolation(written: Written, options: Options, report: Report) -> Isolation:
    level = options.get("level")
    if level not in LEVELS:
        expected(written, "level", '"fork", "interpreter" or "container"', level, report)
        level = None
    return Isolation(level)


def _environment(written: Written, options: Options, report: Report) -> Environment:
    """Values become texts as Metaflow makes them."""
    given = options.get("vars", {})
    if not isinstance(given, dict):
        expected(written, "vars", 'a dictionary from variable to value, like `{"LEVEL": "debug"}`', given, report)
        return Environment()
    found: List[Tuple[str, str]] = []
    for name, value in given.items():
        text = str(value)
        if not is_variable(name):
            expected(written, "vars", "names of variables as its keys", name, report)
        elif "\0" in text:
            expected(written, "vars", f"a value of `{name}` without a null character", text, report)
        else:
            found.append((name, text))
    return Environment(tuple(sorted(found)))


def is_variable(name: Any) -> bool:
    """Whether an environment variable can have this name."""
    return isinstance(name, str) and bool(name) and not set("=\0") & set(name)


def _card(written: Written, options: Options, report: Report) -> Card:
    kind, card_id, given = options.get("type", "default"), options.get("id"), options.get("options", {})
    if not isinstance(kind, str) or not kind:
        expected(written, "type", 'a type of card, like `"blank"`', kind, report)
        kind = "default"
    if card_id is not None and not (isinstance(card_id, str) and _CARD_ID.fullmatch(card_id)):
        expected(written, "id", "a text of letters, digits and `_`", card_id, report)
        card_id = None
    if not isinstance(given, dict):
        expected(written, "options", "a dictionary", given, report)
        given = {}
    seconds = number(written, options, "timeout", "a number of seconds, 0 or more", not_negative, report)
    number(written, options, "refresh_interval", "a number of seconds, 0 or more", not_negative, report)
    return Card(
        type=kind,
        id=card_id,
        options=tuple(given.items()),
        timeout=Card.timeout if seconds is None else seconds,
        customize=true_or_false(written, options, "customize", report) or False,
        save_errors=true_or_false(written, options, "save_errors", report) is not False,
    )


def _cache(written: Written, options: Options, report: Report) -> Cache:
    return Cache()


def _parallel(written: Written, options: Options, report: Report) -> Parallel:
    return Parallel()


_VALUES: Dict[str, Callable[[Written, Options, Report], StepDecorator]] = {
    "retry": _retry,
    "catch": _catch,
    "resources": resources,
    "timeout": _timeout,
    "isolation": _isolation,
    "environment": _environment,
    "secrets": secrets,
    "cache": _cache,
    "card": _card,
    "parallel": _parallel,
    "pytorch_parallel": _parallel,
}


def _artifact_name(name: Any) -> bool:
    return isinstance(name, str) and name.isidentifier() and not keyword.iskeyword(name) and not name.startswith("__")
