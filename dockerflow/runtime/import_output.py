"""What the flow's file prints while it is imported, so that it can stand in the log of every attempt.

A worker imports the flow once and runs many tasks, but whose log a line is in must not depend on which task came first:
so each has it at its beginning, as where each task is a program of its own. It also goes on to the worker's
diagnostics at once: an import that crashes must not take along what it said. What native code and other processes print
during the import is there alone.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import Any, Iterator, List, Tuple

from dockerflow.runtime.channel import write

__all__ = ["Printed", "listening", "repeat"]

Printed = List[Tuple[str, bytes]]  # stream and text


@contextmanager
def listening() -> Iterator[Printed]:
    """A list that is filled while Python's two output streams are written to."""
    printed: Printed = []
    streams = [(name, getattr(sys, name)) for name in ("stdout", "stderr")]
    for name, stream in streams:
        stream.write = _noting(name, stream.write, printed)
    try:
        yield printed
    finally:
        for _, stream in streams:
            del stream.write  # what hid it goes, the method of its class is back


def repeat(printed: Printed) -> None:
    """Print it once more, in a task's process."""
    for name, text in printed:
        write(1 if name == "stdout" else 2, text)


def _noting(name: str, original: Any, printed: Printed) -> Any:
    def noted(text: str) -> Any:
        printed.append((name, str(text).encode("utf-8", "backslashreplace")))
        return original(text)

    return noted
