"""A user's exception as text, from the user's own frame on.

The frames of dockerflow and of the import system are left out, in the exception and in everything that it was caused
by; an exception that has no other frames keeps them all. An error of dockerflow's own explains itself: what caused it
inside is left out, and its hint, which travels apart.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import os
import traceback
from typing import Iterator, List, Optional

from dockerflow.errors import DockerflowError

__all__ = ["traceback_of", "type_name"]

_OWN = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


def traceback_of(error: BaseException) -> str:
    """The text that Python would print, chain of causes included."""
    captured = traceback.TracebackException.from_exception(error)
    if isinstance(error, DockerflowError):
        captured.stack[:] = [frame for frame in captured.stack if not _hidden(frame.filename)]
        lines = ["Traceback (most recent call last):\n", *captured.stack.format()] if captured.stack else []
        return "".join([*lines, type_name(error), ": ", error.message])
    for each in _chain(captured, []):
        users = [frame for frame in each.stack if not _hidden(frame.filename)]
        if users or isinstance(error, SyntaxError):  # which names its place itself
            each.stack[:] = users
    return "".join(captured.format()).rstrip("\n")


def type_name(error: BaseException) -> str:
    """`module.Class`."""
    kind = type(error)
    return f"{kind.__module__}.{kind.__qualname__}"


def _hidden(file: str) -> bool:
    return file.startswith((_OWN, "<frozen importlib")) or f"{os.sep}importlib{os.sep}" in file


def _chain(
    captured: Optional[traceback.TracebackException], seen: List[traceback.TracebackException]
) -> Iterator[traceback.TracebackException]:
    if captured is None or any(captured is each for each in seen):  # Python 3.8 cannot compare two with `==`
        return
    seen.append(captured)
    yield captured
    for cause in (captured.__cause__, captured.__context__, *(getattr(captured, "exceptions", None) or ())):
        yield from _chain(cause, seen)
