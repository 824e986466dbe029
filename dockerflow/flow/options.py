"""The options of decorators as they were written: which ones there are, and what is reported of those that are wrong.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import difflib
import os
from typing import Any, Dict, List, Optional, Tuple

from dockerflow.flow.decorators import Written
from dockerflow.flow.definition import Problem

__all__ = ["Options", "Report", "expected", "file_option", "options_of", "true_or_false"]

_CONDA = ("libraries", "packages", "python", "channels", "file", "lock", "disabled")
_PYPI = ("packages", "python", "file", "extras", "disabled")

# What can be written in each decorator. Metaflow has options that mean nothing here: see `_UNSUPPORTED`.
OPTIONS: Dict[str, Tuple[str, ...]] = {
    "conda": _CONDA,
    "conda_base": _CONDA,
    "pypi": _PYPI,
    "pypi_base": _PYPI,
    "retry": ("times", "minutes_between_retries"),
    "catch": ("var", "print_exception"),
    "parallel": (),
    "resources": ("cpu", "memory", "gpu", "disk", "shared_memory"),
}
_UNSUPPORTED = ("gpu", "shared_memory")

Options = Dict[str, Any]


class Report:
    """Collects the problems of one flow while it is read. `files`: whether the files that it names should be here."""

    def __init__(self, files: bool = False) -> None:
        self.problems: List[Problem] = []
        self.files = files

    def add(self, file: str, line: int, message: str, hint: Optional[str] = None) -> None:
        self.problems.append(Problem(file, line, message, hint))


def options_of(written: Written, report: Report) -> Options:
    """The known options, with unknown ones reported."""
    at = written.file, written.line
    known = OPTIONS[written.name]
    if written.arguments:
        hint = f"write `@{written.name}({known[0]}=...)`" if known else f"write `@{written.name}` alone"
        report.add(*at, f"`@{written.name}` is given a value without its option's name", hint)
    for name in written.options:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            names = ", ".join(f"`{option}`" for option in known)
            hint = f"did you mean `{near[0]}`?" if near else f"it has {names}" if known else "it takes no options"
            report.add(*at, f"`@{written.name}` has no option `{name}`", hint)
        elif name in _UNSUPPORTED and written.options[name]:
            report.add(*at, f"`{name}` of `@{written.name}` is not supported", f"leave `{name}` out")
    return {name: value for name, value in written.options.items() if name in known and value is not None}


def expected(written: Written, name: str, what: str, found: Any, report: Report) -> None:
    text = repr(found)
    shown = text if len(text) <= 60 else text[:57] + "..."
    report.add(written.file, written.line, f"`{name}` of `@{written.name}` is `{shown}`; expected {what}")


def true_or_false(written: Written, options: Options, name: str, report: Report) -> Optional[bool]:
    value = options.get(name)
    if value is None or isinstance(value, bool):
        return value
    expected(written, name, "True or False", value, report)
    return None


def file_option(written: Written, options: Options, name: str, example: str, report: Report) -> Optional[str]:
    """The absolute path of the file that an option names; a relative one is seen from the file it is written in."""
    value = options.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip():
        expected(written, name, f'the path of a file, like `"{example}"`', value, report)
        return None
    path = os.path.join(os.path.dirname(os.path.abspath(written.file)), os.path.expanduser(value.strip()))
    if report.files and not os.path.isfile(path):
        _no_file(written, name, value.strip(), path, report)
    return os.path.normpath(path)


def _no_file(written: Written, name: str, value: str, path: str, report: Report) -> None:
    folder = os.path.dirname(path)
    if os.path.isdir(path):
        what, hint = "is a folder", "name the file in it"
    else:
        what = "is not there"
        there = os.listdir(folder) if os.path.isdir(folder) else []
        near = difflib.get_close_matches(os.path.basename(path), sorted(there), 1, 0.75)
        hint = f"did you mean `{near[0]}`?" if near else f"it is looked for in `{folder}`"
    report.add(written.file, written.line, f"`{value}`, the `{name}` of `@{written.name}`, {what}", hint)
