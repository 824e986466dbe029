"""What can be wrong with a flow file, its parameters, or the way a step uses the flow.

    FlowError
    ├── ExpressionError     something written of a config has no value
    ├── FlowFileError       the file is missing, does not import, or holds no flow that can be chosen
    ├── InvalidFlow         the graph, the decorators or the parameters' definitions are wrong; carries every problem
    ├── NoSuchAttribute     a flow asks `metaflow` for a name that dockerflow does not have; also an AttributeError
    ├── NoSuchImport        the same in an import statement; also an ImportError
    ├── ParameterError      a value given on the command line is missing, unknown or of the wrong type; of configs, too
    ├── StandInUsed         the flow file uses, while it is read, a library that this machine lacks
    └── StepError           a step called `self.next`, `self.merge_artifacts` or the like in a way that cannot work
        ├── MissingInMerge      an artifact to be merged is in no input
        ├── TimeoutException    a step took longer than its `@timeout`; Metaflow's name, by which flows catch it
        └── UnhandledInMerge    the inputs have different values of an artifact

Standard library only, Python 3.7.
"""

from __future__ import annotations

import os
from typing import Optional, Sequence

from dockerflow.errors import DockerflowError
from dockerflow.flow.definition import Problem

__all__ = [
    "ExpressionError",
    "FlowError",
    "FlowFileError",
    "InvalidFlow",
    "MissingInMerge",
    "NoSuchAttribute",
    "NoSuchImport",
    "ParameterError",
    "StandInUsed",
    "StepError",
    "TimeoutException",
    "UnhandledInMerge",
    "place",
]


class FlowError(DockerflowError):
    exit_code = 3


class ExpressionError(FlowError):
    """`config.a.b` or a `config_expr` cannot be evaluated."""


class FlowFileError(FlowError):
    """The flow file cannot be read. `traceback`, if there is one, begins at the user's own frame."""

    def __init__(self, message: str, hint: Optional[str] = None, traceback: str = "") -> None:
        super().__init__(f"{message}\n\n{traceback.rstrip()}" if traceback else message, hint)
        self.traceback = traceback


class InvalidFlow(FlowError):
    """Every problem of one flow, in the order of their lines."""

    def __init__(self, flow: str, problems: Sequence[Problem]) -> None:
        count = "a problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__("\n\n".join([f"flow `{flow}` has {count}", *map(_shown, problems)]))
        self.problems = tuple(problems)


class NoSuchAttribute(FlowError, AttributeError):
    """Something of Metaflow that dockerflow does not have."""


class NoSuchImport(FlowError, ImportError):
    """The same, asked for by an import statement, which may be in a `try`."""


class ParameterError(FlowError):
    """One or more parameters without a usable value; the message names them all."""


class StandInUsed(FlowError):
    """A library that is missing on this machine was needed while the flow file was read."""


class StepError(FlowError):
    """A step's code asked the flow for something that cannot be."""


class TimeoutException(StepError):
    """Raised in a step whose time is over."""


class UnhandledInMerge(StepError):
    """`self.merge_artifacts` met artifacts that differ between its inputs; `artifact_names` are theirs."""

    def __init__(self, message: str, hint: Optional[str] = None, artifact_names: Sequence[str] = ()) -> None:
        super().__init__(message, hint)
        self.artifact_names = list(artifact_names)


class MissingInMerge(StepError):
    """`self.merge_artifacts` was to include artifacts that no input has; `artifact_names` are theirs."""

    def __init__(self, message: str, hint: Optional[str] = None, artifact_names: Sequence[str] = ()) -> None:
        super().__init__(message, hint)
        self.artifact_names = list(artifact_names)


def place(file: str, line: int = 0) -> str:
    """`flow.py:12`, or the file alone; relative to the working directory where it is below that."""
    try:
        relative = os.path.relpath(file) if os.path.isabs(file) else file  # also `--with …`, which is no path
        shown = file if relative.startswith(os.pardir) else relative
    except (OSError, ValueError):  # no working directory any more, or another drive
        shown = file
    return f"{shown}:{line}" if line else shown


def _shown(problem: Problem) -> str:
    text = f"{place(problem.file, problem.line)}: {problem.message}"
    return text if problem.hint is None else f"{text}\n  hint: {problem.hint}"
