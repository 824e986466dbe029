"""What `@catch` keeps of a failure, as an artifact.

Standard library only, Python 3.7.
"""

from __future__ import annotations

from typing import Any

__all__ = ["Caught"]


class Caught(Exception):
    """A failure that the flow went on after; true in a condition, while the artifact is None where nothing failed.

    `exception` is the failure's message, `type` the exception's `module.Class` (or the kind of failure, such as
    `out_of_memory`), `stacktrace` its traceback as text, `step` the step that failed. It holds texts alone: it can be
    read where the exception's class is not installed.
    """

    def __init__(self, exception: str, type: str = "", stacktrace: str = "", step: str = "") -> None:
        super().__init__(exception)
        self.exception = exception
        self.type = type
        self.stacktrace = stacktrace
        self.step = step

    def __str__(self) -> str:
        return self.stacktrace or f"{self.type}: {self.exception}"

    def __repr__(self) -> str:
        return f"Caught({self.type}: {self.exception})"

    def __reduce__(self) -> Any:
        return Caught, (self.exception, self.type, self.stacktrace, self.step)
