"""A flow's graph as plain values: what `current.graph` and `dockerflow show --json` give.

Names and types are those of Metaflow's `current.graph`, without what says nothing here (who inserted a decorator,
which extensions of Metaflow are installed) and without constants, which the class has.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import os
from typing import Any, Dict, List, Tuple

from dockerflow.flow.balance import matching_joins
from dockerflow.flow.definition import Flow, Step

__all__ = ["graph_of", "type_of"]


def graph_of(flow: Flow) -> Dict[str, Any]:
    """The graph of a flow that `checks` finds nothing wrong with."""
    joins = matching_joins(flow)
    return {
        "name": flow.name,
        "file": os.path.basename(flow.file),
        "doc": flow.doc,
        "start_step": flow.start,
        "end_step": flow.end,
        "parameters": [
            {"name": each.attribute, "type": "IncludeFile" if each.kind == "file" else "Parameter"}
            for each in flow.parameters
        ],
        "steps": {step.name: _step(flow, step, joins) for step in flow.steps.values()},
        "graph_structure": _structure(flow, joins),
    }


def type_of(flow: Flow, step: Step) -> str:
    """`start`, `end`, `linear`, `join`, or what a step splits into: `split-static`, `split-foreach`, `split-parallel`,
    `split-switch`.
    """
    if step.name == flow.end:
        return "end"
    if step.condition is not None:
        return "split-switch"
    if step.foreach is not None or step.gang:
        return "split-parallel" if step.gang else "split-foreach"
    if step.split:
        return "split-static"
    return "join" if step.join else "start" if step.name == flow.start else "linear"


def _step(flow: Flow, step: Step, joins: Dict[str, str]) -> Dict[str, Any]:
    kind = type_of(flow, step)
    found: Dict[str, Any] = {
        "name": step.name,
        "type": kind,
        "line": step.line,
        "source_file": step.file,
        "doc": step.doc,
        "decorators": [{"name": each.name, "attributes": _plain(vars(each))} for each in step.decorators],
        "next": list(_following(step)),
    }
    if kind == "split-foreach":
        found["foreach_artifact"] = step.foreach
    elif kind == "split-switch":
        found["condition"] = step.condition
        found["switch_cases"] = dict(step.cases)
    if step.name in joins:
        found["matching_join"] = joins[step.name]
    return found


def _following(step: Step) -> Tuple[str, ...]:
    """The step of each case, in a switch."""
    return step.next if step.condition is None else tuple(target for _, target in step.cases)


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return value


def _structure(flow: Flow, joins: Dict[str, str]) -> List[Any]:
    """The steps in a list, branches in lists of their own behind the step that splits; those of a switch go on to the
    end of what it is in.
    """
    known: Dict[Tuple[str, str], List[Any]] = {}  # what two ways have in common is there once

    def block(name: str, stop: str) -> List[Any]:
        if (name, stop) not in known:
            known[name, stop] = list(listed(name, stop))
        return known[name, stop]

    def listed(name: str, stop: str) -> Any:
        while name != stop:
            step = flow.steps[name]
            yield name
            if step.condition is not None:
                yield [block(each, stop) for each in _following(step) if each != name]
                return
            if step.split or step.foreach is not None:
                yield [block(each, joins[name]) for each in step.next]
                name = joins[name]
            elif step.next:
                name = step.next[0]
            else:
                return

    return [*block(flow.start, flow.end), flow.end]
