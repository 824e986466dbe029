"""The root of every error a user may see, and the exit codes of the command.

    DockerflowError         also a MetaflowException, so that flows which handle that one handle ours
    ├── FlowError           dockerflow.flow          exit 3   the flow file or a parameter
    ├── EnvironmentsError   dockerflow.environments  exit 4   a spec, a lock, a channel
    ├── ImageError          dockerflow.images        exit 5   a package, a layer, an image
    ├── EngineError         dockerflow.engines       exit 6   Docker, a container
    ├── RunError            dockerflow.scheduler     exit 1   a run that cannot begin
    ├── StoreError          dockerflow.store         exit 7   blobs, journals
    ├── TaggingError        dockerflow.store         exit 2   a tag that a run cannot have or lose
    ├── ArtifactError       dockerflow.artifacts     exit 7   a value that cannot be written or read
    ├── ClientError         dockerflow.client        exit 8   a run, step or task that is not there
    ├── ConfigError         dockerflow.config        exit 9   a configuration file or variable
    └── SetupError          dockerflow.setup         exit 10  what this machine lacks

Exit 0 is success, 1 a run that failed, 2 a wrong command line, 11 a run that was run again and made something else,
70 a mistake of our own, 130 and 143 a run stopped by Ctrl-C and by SIGTERM, 141 a reader of the output that went away.

`inside` looks into other libraries' exceptions, which carry what went wrong in layers.

This module is shipped into step containers: standard library only, Python 3.7.
"""

from __future__ import annotations

from typing import Iterator, List, Optional, Set

__all__ = ["DockerflowError", "MetaflowException", "inside"]


class MetaflowException(Exception):
    """What flows written for Metaflow raise, derive from and catch; `dockerflow.exception` has it for them."""

    headline = "Flow failed"

    def __init__(self, msg: str = "", lineno: Optional[int] = None, source_file: Optional[str] = None) -> None:
        super().__init__(msg)
        self.message = msg
        self.line_no = lineno
        self.source_file = source_file

    def __str__(self) -> str:
        where = [*([self.source_file] if self.source_file else []), *([f"line {self.line_no}"] if self.line_no else [])]
        return f"{':'.join(where)}: {self.message}" if where else str(self.message)


class DockerflowError(MetaflowException):
    """What failed (`message`) and, apart from it, what to try (`hint`).

    The message names things in backticks and says what was found and what was expected; the hint names a command or a
    setting. The command prints the two and exits with `exit_code`; it never prints a traceback of one.
    """

    exit_code = 1

    def __init__(self, message: str, hint: Optional[str] = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message}\n\nhint: {self.hint}"


def inside(error: BaseException) -> Iterator[BaseException]:
    """An exception and all that it was caused by or carries, each once, the outermost first."""
    waiting: List[object] = [error]
    seen: Set[int] = set()
    while waiting:
        each = waiting.pop(0)
        if isinstance(each, BaseException) and id(each) not in seen:
            seen.add(id(each))
            yield each
            waiting += [each.__cause__, each.__context__, getattr(each, "reason", None), *each.args]
