"""From decorators as they were written to the values of `definition`, with a problem for each thing that is wrong.

What cannot be used is left out and reported, never guessed. A number may be written as text (`times="3"`), as in
Metaflow.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import difflib
import keyword
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from dockerflow.flow.decorators import Written
from dockerflow.flow.definition import Catch, Conda, Problem, Resources, Retry, StepDecorator

__all__ = ["Report", "decorators_of"]

# What can be written in each decorator. Metaflow has options that mean nothing here: see `_UNSUPPORTED`.
OPTIONS: Dict[str, Tuple[str, ...]] = {
    "conda": ("libraries", "packages", "python", "channels", "disabled"),
    "conda_base": ("libraries", "packages", "python", "channels", "disabled"),
    "retry": ("times", "minutes_between_retries"),
    "catch": ("var", "print_exception"),
    "resources": ("cpu", "memory", "gpu", "disk", "shared_memory"),
}
_UNSUPPORTED = ("gpu", "shared_memory")

Options = Dict[str, Any]


class Report:
    """Collects the problems of one flow while it is read."""

    def __init__(self) -> None:
        self.problems: List[Problem] = []

    def add(self, file: str, line: int, message: str, hint: Optional[str] = None) -> None:
        self.problems.append(Problem(file, line, message, hint))


def decorators_of(
    step: str, written: Sequence[Written], base: Sequence[Written], report: Report
) -> Tuple[StepDecorator, ...]:
    """The decorators of one step; `base` are the flow's `@conda_base`, the most basic class first."""
    own = dict(_one_of_each(step, written, report))
    values = [_VALUES[name](item, _options(item, report), report) for name, item in own.items() if name in _VALUES]
    conda = _conda(base, own.get("conda"), report)
    return tuple(values) if conda is None else (conda, *values)


def _one_of_each(step: str, written: Sequence[Written], report: Report) -> Iterator[Tuple[str, Written]]:
    seen: Dict[str, Written] = {}
    for item in written:
        if item.name in ("step", "conda_base"):
            report.add(item.file, item.line, *_MISPLACED[item.name])
        elif item.name in seen:
            first = seen[item.name].line
            message = f"step `{step}` has `@{item.name}` twice, the first on line {first}"
            report.add(item.file, item.line, message, "write both into one")
        else:
            seen[item.name] = item
            yield item.name, item


_MISPLACED = {
    "step": ("`@step` takes no options", "name the first step `start` and the last one `end`"),
    "conda_base": ("`@conda_base` stands on a step", "put it on the class, or write `@conda` here"),
}


def _options(written: Written, report: Report) -> Options:
    """The known options, with unknown ones reported."""
    at = written.file, written.line
    known = OPTIONS[written.name]
    if written.arguments:
        hint = f"write `@{written.name}({known[0]}=...)`"
        report.add(*at, f"`@{written.name}` is given a value without its option's name", hint)
    for name in written.options:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean `{near[0]}`?" if near else "it has " + ", ".join(f"`{option}`" for option in known)
            report.add(*at, f"`@{written.name}` has no option `{name}`", hint)
        elif name in _UNSUPPORTED and written.options[name]:
            report.add(*at, f"`{name}` of `@{written.name}` is not supported", f"leave `{name}` out")
    return {name: value for name, value in written.options.items() if name in known and value is not None}


def _conda(base: Sequence[Written], own: Optional[Written], report: Report) -> Optional[Conda]:
    """All `@conda_base` and the step's `@conda`, each over the ones before it."""
    merged: Options = {}
    libraries: Dict[str, str] = {}
    channels: Tuple[str, ...] = ()
    for written in [*base, *([] if own is None else [own])]:
        # The problems of a `@conda_base` are those of the flow, not of each step: the reader reports them once.
        options = _conda_options(written, report if written is own else Report())
        libraries.update(options.pop("libraries"))
        first = options.pop("channels")
        channels = first + tuple(channel for channel in channels if channel not in first)
        merged.update(options)
    if not base and own is None:
        return None
    python, disabled = merged.get("python"), merged.get("disabled", False)
    return Conda(tuple(sorted(libraries.items())), python, channels, disabled)


def check_conda_base(written: Written, report: Report) -> None:
    _conda_options(written, report)


def _conda_options(written: Written, report: Report) -> Options:
    options = _options(written, report)
    libraries = {
        **_libraries(written, options, "libraries", report),
        **_libraries(written, options, "packages", report),
    }
    found: Options = {"libraries": libraries, "channels": _channels(written, options, report)}
    python = options.get("python")
    if isinstance(python, str) and python.strip():
        found["python"] = python.strip()
    elif python is not None:
        _expected(written, "python", 'a version in quotes, like `"3.11"`', python, report)
    if isinstance(options.get("disabled"), bool):
        found["disabled"] = options["disabled"]
    elif "disabled" in options:
        _expected(written, "disabled", "True or False", options["disabled"], report)
    return found


def _libraries(written: Written, options: Options, name: str, report: Report) -> Dict[str, str]:
    libraries = options.get(name, {})
    if not isinstance(libraries, Mapping):
        _expected(written, name, 'a dictionary from package to version, like `{"pandas": "2.2.3"}`', libraries, report)
        return {}
    found = {}
    for package, version in libraries.items():
        if not isinstance(package, str) or not package.strip():
            _expected(written, name, "names of packages in quotes as its keys", package, report)
        elif not isinstance(version, str):
            expected = f'a version in quotes for `{package}`, like `"1.5.3"`, or `""` for any'
            _expected(written, name, expected, version, report)
        else:
            found[package.strip()] = version.strip()
    return found


def _channels(written: Written, options: Options, report: Report) -> Tuple[str, ...]:
    channels = options.get("channels", ())
    if isinstance(channels, (list, tuple)) and all(isinstance(channel, str) for channel in channels):
        return tuple(channels)
    _expected(written, "channels", 'a list of names or URLs, like `["conda-forge"]`', channels, report)
    return ()


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
        _expected(written, "var", 'the name of an artifact, like `"failed"`', var, report)
        var = None
    if not isinstance(show, bool):
        _expected(written, "print_exception", "True or False", show, report)
        show = True
    return Catch(var, show)


_VALUES: Dict[str, Callable[[Written, Options, Report], StepDecorator]] = {
    "retry": _retry,
    "catch": _catch,
    "resources": _resources,
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
    written: Written, options: Options, name: str, expected: str, holds: Callable[[float], bool], report: Report
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
    _expected(written, name, expected, value, report)
    return None


def _expected(written: Written, name: str, expected: str, found: Any, report: Report) -> None:
    text = repr(found)
    shown = text if len(text) <= 60 else text[:57] + "..."
    report.add(written.file, written.line, f"`{name}` of `@{written.name}` is `{shown}`; expected {expected}")
