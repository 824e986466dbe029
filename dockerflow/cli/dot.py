"""A flow as a graph in the DOT language, which Graphviz and others draw (https://graphviz.org/doc/info/lang.html)."""

from __future__ import annotations

from collections.abc import Iterator

from dockerflow.flow.definition import Flow, Step
from dockerflow.flow.graph import type_of

__all__ = ["dot"]


def dot(flow: Flow) -> str:
    """The whole graph, with a line for each step and each way from one to another."""
    lines = [f"digraph {quoted(flow.name)} {{", '  node [fontname="Helvetica"];', '  edge [fontname="Helvetica"];']
    lines += [f"  {line}" for step in flow.steps.values() for line in _node(flow, step)]
    lines += [f"  {line}" for step in flow.steps.values() for line in _edges(step)]
    return "\n".join([*lines, "}"])


def quoted(text: str) -> str:
    """A text as DOT has it: it knows `\\"` and, in labels, escapes of its own."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _node(flow: Flow, step: Step) -> Iterator[str]:
    if step.condition is not None:
        what, shape = f"switch: {step.condition}", "hexagon"
    else:
        what, shape = type_of(flow, step), "box"
    yield f"{quoted(step.name)} [shape={shape}, label={quoted(f'{step.name}{chr(10)}{what}')}];"


def _edges(step: Step) -> Iterator[str]:
    if step.condition is not None:
        for value, name in step.cases:
            yield f"{quoted(step.name)} -> {quoted(name)} [label={quoted(str(value))}];"
        return
    label = f"foreach: {step.foreach}" if step.foreach else "num_parallel" if step.gang else ""
    for name in step.next:
        yield f"{quoted(step.name)} -> {quoted(name)}{f' [label={quoted(label)}]' if label else ''};"
