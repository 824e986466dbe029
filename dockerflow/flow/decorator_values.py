"""From decorators as they were written to the values of `definition`, with a problem for each thing that is wrong.

What cannot be used is left out and reported, never guessed. A number may be written as text (`times="3"`), as in
Metaflow. What libraries come from is in `libraries`.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import keyword
from typing import Any, Callable, Dict, Iterator, Optional, Sequence, Tuple

from dockerflow.flow.decorators import Written
from dockerflow.flow.definition import Catch, Parallel, Resources, Retry, StepDecorator
from dockerflow.flow.libraries import BASES, libraries_of_step
from dockerflow.flow.options import Options, Report, expected, options_of

__all__ = ["decorators_of"]


def decorators_of(
    step: str, written: Sequence[Written], base: Sequence[Written], report: Report
) -> Tuple[StepDecorator, ...]:
    """The decorators of one step; `base` are those that its flow has for every step, the most basic class first."""
    own = dict(_one_of_each(step, written, report))
    values = [_VALUES[name](item, options_of(item, report), report) for name, item in own.items() if name in _VALUES]
    return (*libraries_of_step(base, own, report), *values)


def _one_of_each(step: str, written: Sequence[Written], report: Report) -> Iterator[Tuple[str, Written]]:
    seen: Dict[str, Written] = {}
    for item in written:
        if item.name == "step":
            hint = "name the first step `start` and the last one `end`"
            report.add(item.file, item.line, "`@step` takes no options", hint)
        elif item.name in BASES:
            hint = f"put it on the class, or write `@{item.name.partition('_')[0]}` here"
            report.add(item.file, item.line, f"`@{item.name}` stands on a step", hint)
        elif item.name in seen:
            first = seen[item.name].line
            message = f"step `{step}` has `@{item.name}` twice, the first on line {first}"
            report.add(item.file, item.line, message, "write both into one")
        else:
            seen[item.name] = item
            yield item.name, item


def _retry(written: Written, options: Options, report: Report) -> Retry:
    times = _number(written, options, "times", "a whole number, 0 or more", _whole, report)
    minutes = _number(written, options, "minutes_between_retries", "a number, 0 or more", _not_negative, report)
    return Retry(
        times=Retry.times if times is None else int(times),
        minutes_between_retries=Retry.minutes_between_retries if minutes is None else minutes,
    )


def _resources(written: Written, options: Options, report: Report) -> Resources:
    cpu = _number(written, options, "cpu", "a number of cores above 0", _positive, report)
    memory = _number(written, options, "memory", "a whole number of MiB above 0", _positive_whole, report)
    return Resources(cpu, None if memory is None else int(memory))


def _catch(written: Written, options: Options, report: Report) -> Catch:
    var, show = options.get("var"), options.get("print_exception", True)
    if var is not None and not _artifact_name(var):
        expected(written, "var", 'the name of an artifact, like `"failed"`', var, report)
        var = None
    if not isinstance(show, bool):
        expected(written, "print_exception", "True or False", show, report)
        show = True
    return Catch(var, show)


def _parallel(written: Written, options: Options, report: Report) -> Parallel:
    return Parallel()


_VALUES: Dict[str, Callable[[Written, Options, Report], StepDecorator]] = {
    "retry": _retry,
    "catch": _catch,
    "resources": _resources,
    "parallel": _parallel,
}


def _artifact_name(name: Any) -> bool:
    return isinstance(name, str) and name.isidentifier() and not keyword.iskeyword(name) and not name.startswith("__")


def _whole(number: float) -> bool:
    return number >= 0 and number == int(number)


def _not_negative(number: float) -> bool:
    return number >= 0


def _positive(number: float) -> bool:
    return number > 0


def _positive_whole(number: float) -> bool:
    return number > 0 and number == int(number)


def _number(
    written: Written, options: Options, name: str, what: str, holds: Callable[[float], bool], report: Report
) -> Optional[float]:
    value = options.get(name)
    if value is None:
        return None
    try:
        number = float("nan") if isinstance(value, bool) else float(value)
        if number < float("inf") and holds(number):
            return number
    except (TypeError, ValueError):
        pass
    expected(written, name, what, value, report)
    return None
