"""Standard output and standard error as a command needs them."""

from __future__ import annotations

import errno
import io
import os
import select
import sys
from contextlib import suppress
from typing import IO, Any, TextIO

CLEARED = "\r\x1b[K"  # what puts the next text in place of the line on a terminal
PIPE_CLOSED = 141  # 128 + SIGPIPE: the exit code of any program whose reader went away


def accept_any_text() -> None:
    """A name or a line that the stream's encoding lacks is shown with `?`, and never ends a run; of a command that was
    started without a stream, as by `>&-`, what belongs there goes nowhere."""
    sys.stdout, sys.stderr = (stream or open(os.devnull, "w") for stream in (sys.stdout, sys.stderr))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


def is_gone(error: OSError) -> bool:
    """Whether the error says that nobody reads any more: a pipe's reader went away, or the terminal was closed."""
    return isinstance(error, BrokenPipeError) or error.errno == errno.EIO


def discard(stream: IO[str]) -> None:
    """Nobody reads any more: let what the stream still holds go nowhere, so that Python's own last flush is quiet."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def forget_unread(stream: TextIO) -> None:
    """After Ctrl-C nobody waits for a reader who stands still: what the stream still holds goes nowhere then."""
    with suppress(OSError):
        if not select.select([], [stream.fileno()], [], 0)[1]:
            discard(stream)


class _Whole(io.FileIO):
    """Writes all that it is given, also where a write is interrupted, or nobody may be waited for in it."""

    def write(self, data: Any) -> int:
        rest = memoryview(data).cast("B")
        size = len(rest)
        while rest:
            written: int | None = super().write(rest)
            if written is None:
                select.select([], [self], [])
            rest = rest[written or 0 :]
        return size


def direct(stream: TextIO) -> TextIO:
    """The same file without buffer and lock: a thread that waits for the reader keeps no other from ending the
    command. As it is, where it is no file."""
    try:
        file = stream.fileno()
    except OSError:
        return stream
    stream.flush()
    return io.TextIOWrapper(_Whole(file, "w", closefd=False), stream.encoding, stream.errors, write_through=True)


def drawable(stream: TextIO) -> bool:
    """Whether the stream is a terminal on which a picture can be kept up to date."""
    return stream.isatty() and os.environ.get("TERM") not in ("dumb", "unknown")


def coloured(stream: TextIO) -> bool:
    """Whether colours belong on this stream: a terminal that can, and a user who did not say no (https://no-color.org)."""
    return drawable(stream) and not os.environ.get("NO_COLOR")
