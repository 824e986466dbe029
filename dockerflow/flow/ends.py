"""Which step comes first and which last.

They are called `start` and `end`, or are marked with `@step(start=True)` and `@step(end=True)`, and are one and the
same in a flow of one step. Whether anything leads to the first or follows the last is `checks`' business.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import difflib
from typing import Any, List, Mapping, Tuple

from dockerflow.flow.decorators import Written, written_on
from dockerflow.flow.options import Report

__all__ = ["ends_of"]

_OPTIONS = ("start", "end", "node_info")  # the last is Metaflow's, for its extensions


def ends_of(functions: Mapping[str, Any], report: Report) -> Tuple[str, str]:
    """The names of the first and the last of the steps; one of them may not be there."""
    marks = {name: _marks(function, report) for name, function in functions.items()}
    if len(functions) == 1:
        (only,) = functions
        return only, only
    first = [(name, mark) for name, found in marks.items() for mark in found if mark.options.get("start")]
    last = [(name, mark) for name, found in marks.items() for mark in found if mark.options.get("end")]
    return _end("start", first, functions, report), _end("end", last, functions, report)


def _marks(function: Any, report: Report) -> List[Written]:
    """`@step(...)` on a step, with what is wrong with it reported."""
    marks = [written for written in written_on(function) if written.name == "step"]
    for mark in marks:
        for name in mark.options:
            if name not in _OPTIONS:
                near = difflib.get_close_matches(name, _OPTIONS, 1)
                hint = f"did you mean `{near[0]}`?" if near else "it has `start` and `end`"
                report.add(mark.file, mark.line, f"`@step` has no option `{name}`", hint)
    return marks


def _end(which: str, marked: List[Tuple[str, Written]], functions: Mapping[str, Any], report: Report) -> str:
    if not marked:
        return which
    name, mark = marked[0]
    for other, again in marked[1:]:
        message = f"step `{other}` is marked with `{which}=True`, and so is step `{name}` on line {mark.line}"
        report.add(again.file, again.line, message, "a flow has one of them: take the mark from one of the two")
    if name != which and which in functions:
        message = f"step `{name}` is marked with `{which}=True`, and another step is called `{which}`"
        report.add(mark.file, mark.line, message, f"give `{which}` another name, or remove the mark")
    return name
