"""What a flow's steps import from `metaflow` that dockerflow does not have: told before the flow runs.

Only what is certain: an import that stands in a step itself, in no `try` and no `if`. What the file imports at its top
fails when it is read. Standard library only, Python 3.7.
"""

from __future__ import annotations

import ast
from typing import Any, Iterable, Iterator, Tuple

from dockerflow.flow.definition import Flow, Problem
from dockerflow.flow.metaflow_names import is_there, way_out

__all__ = ["missing_names"]


def missing_names(flow: Flow) -> Iterator[Problem]:
    """One problem for each name, in the order of the files' lines."""
    steps = {(step.file, step.name) for step in flow.steps.values()}
    for file in sorted({file for file, _ in steps}):
        for function in _functions(file):
            if (file, function.name) in steps:
                for line, name in _missing(function.body):
                    hint = way_out(name.rpartition(".")[2])
                    yield Problem(file, line, f"`{name}` is not in dockerflow", hint)


def _functions(file: str) -> Iterator[Any]:
    """The methods of a file's classes."""
    try:
        with open(file, "rb") as source:
            tree = ast.parse(source.read())
    except (OSError, SyntaxError, ValueError):  # it has no source
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield from (each for each in node.body if isinstance(each, ast.FunctionDef))


def _missing(body: Iterable[ast.stmt]) -> Iterator[Tuple[int, str]]:
    for node in body:
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names if alias.name.split(".")[0] == "metaflow"]
            yield from ((node.lineno, name) for name in names if not is_there(name))
        elif isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").split(".")[0] == "metaflow":
            module = str(node.module)
            names = [f"{module}.{alias.name}" for alias in node.names if not is_there(module, alias.name)]
            yield from ((node.lineno, name) for name in (names if is_there(module) else [module]))
        elif isinstance(node, (ast.With, ast.For, ast.While)):
            yield from _missing(node.body)
