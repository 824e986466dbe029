"""What can go wrong between Python and a command that runs a flow.

    RunnerError
    ├── UnknownArgument   no option of the command and no parameter of the flow; also a ValueError
    ├── UnusableValue     a value that cannot stand on a command line; also a TypeError
    ├── NoFlow            no such file, or no cell with the flow; also a FileNotFoundError
    ├── NoOutput          what was printed is not there any more; also a FileNotFoundError
    └── NotStarted        the command ended before there was a run; also a RuntimeError

A run that fails is none of them: `ExecutingRun.status` says so. The built-in classes are those that Metaflow raises.
"""

from __future__ import annotations

from dockerflow.errors import DockerflowError

__all__ = ["NoFlow", "NoOutput", "NotStarted", "RunnerError", "UnknownArgument", "UnusableValue"]


class RunnerError(DockerflowError):
    exit_code = 2


class UnknownArgument(RunnerError, ValueError):
    pass


class UnusableValue(RunnerError, TypeError):
    pass


class NoFlow(RunnerError, FileNotFoundError):
    pass


class NoOutput(RunnerError, FileNotFoundError):
    pass


class NotStarted(RunnerError, RuntimeError):
    exit_code = 1
