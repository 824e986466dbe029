"""Flow files for the tests: written as text, loaded from a folder."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from pathlib import Path

from dockerflow.flow.checks import problems
from dockerflow.flow.loading import LoadedFlow, load

IMPORTS = (
    "from dockerflow import FlowSpec, IncludeFile, JSONType, Parameter, catch, conda, conda_base, current, image, "
    "parallel, pypi, pypi_base, resources, retry, step\n"
)


def written(folder: Path, text: str, name: str = "a_flow.py") -> Path:
    path = folder / name
    path.write_text(IMPORTS + textwrap.dedent(text))
    return path


def loaded(folder: Path, text: str) -> LoadedFlow:
    return load(written(folder, text))


def found(folder: Path, text: str) -> list[tuple[str, str]]:
    """The problems of a flow: the line of source that each names, and its message."""
    path = written(folder, text)
    lines = path.read_text().splitlines()
    return [(lines[each.line - 1].strip(), each.message) for each in problems(load(path).flow)]


def graph(steps: dict[str, tuple[list[str], str | None, bool]], package: str = "dockerflow") -> str:
    """The source of a flow from its graph: for each step what follows, over what, and whether it is a join."""
    text = [f"from {package} import FlowSpec, step", "class Graph(FlowSpec):"]
    for name, (following, foreach, join) in steps.items():
        targets = ", ".join([f"self.{each}" for each in following] + ([f"foreach={foreach!r}"] if foreach else []))
        body = f"self.next({targets})" if targets else "pass"
        text += ["    @step", f"    def {name}(self{', inputs' if join else ''}):", f"        {body}"]
    return "\n".join(text) + "\n"


@dataclass(frozen=True)
class Node:
    """One step of a graph of any kind: what follows, and how (`self.next`'s words for it)."""

    following: tuple[str, ...] = ()
    how: str = ""  # `foreach`, `num_parallel` or `condition`
    join: bool = False
    parallel: bool = False
    marks: tuple[str, ...] = ()  # `start`, `end`


def source_of(nodes: dict[str, Node], package: str = "dockerflow") -> str:
    """The source of a flow from its graph. The cases of a switch are the numbers from 0."""
    text = [f"from {package} import FlowSpec, parallel, step", "class Graph(FlowSpec):"]
    for name, node in nodes.items():
        marks = ", ".join(f"{mark}=True" for mark in node.marks)
        text += ["    @parallel"] if node.parallel else []
        text += [f"    @step({marks})" if marks else "    @step"]
        text += [f"    def {name}(self{', inputs' if node.join else ''}):", f"        {_next(node)}"]
    return "\n".join(text) + "\n"


def _next(node: Node) -> str:
    steps = [f"self.{each}" for each in node.following]
    if not steps:
        return "pass"
    if node.how == "condition":
        cases = ", ".join(f"{number}: {step}" for number, step in enumerate(steps))
        return f"self.next({{{cases}}}, condition='x')"
    option = {"foreach": ["foreach='xs'"], "num_parallel": ["num_parallel=2"], "": []}[node.how]
    return f"self.next({', '.join([*steps, *option])})"
