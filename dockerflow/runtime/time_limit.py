"""End what takes longer than it may.

`limited` raises inside the step's own process, by SIGALRM, so that `@catch` and `@retry` see an exception of the step
and what it had set is kept. Python handles a signal between two of its instructions only: code that never comes back
to Python, or that catches the exception and goes on, is ended by the worker (`server`), some seconds later
(`RunTask.grace`). Whether the step has come back is known by memory that both processes share; what is kept after that
may take its time.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import mmap
import os
import signal
import struct
import time
from contextlib import contextmanager
from types import FrameType
from typing import Callable, Iterator, Optional

from dockerflow.store.records import Failure

__all__ = ["STEP", "forced", "limited"]


_RUNS, _CAME_BACK, _TO_COME = range(3)

# What is shared: one of the three, and when the step began, by a clock that all processes of a machine have in common.
_BEGAN = struct.Struct("d")
_AT = 8
_SIZE = _AT + _BEGAN.size


class CameBack:
    """Whether a task's process has left the step's code: cleared before the fork, set in the child."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._shared = mmap.mmap(-1, _SIZE)

    def share(self, path: str) -> None:
        """From now on with everyone who has this file, which is made: also with programs, not only with forks."""
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if not os.fstat(descriptor).st_size:
                os.write(descriptor, bytes(_SIZE))  # to write to a hole of a mapped file kills when the disk is full
            self._shared = mmap.mmap(descriptor, _SIZE)
        finally:
            os.close(descriptor)

    def clear(self) -> None:
        _BEGAN.pack_into(self._shared, _AT, self._clock())
        self._shared[0] = _RUNS

    def set(self) -> None:
        self._shared[0] = _CAME_BACK

    def prepare(self) -> None:
        """The step has not begun, and its time not either; `clear` begins it."""
        self._shared[0] = _TO_COME

    def left(self, seconds: float) -> float:
        """What the step still has of so many seconds: all of them as long as it has not begun."""
        if self._shared[0] == _TO_COME:
            return seconds
        (began,) = _BEGAN.unpack_from(self._shared, _AT)
        return float(began + seconds - self._clock())

    def __bool__(self) -> bool:
        return self._shared[0] == _CAME_BACK


# Of the task that runs: a worker has one at a time.
STEP = CameBack()


@contextmanager
def limited(seconds: float, error: Callable[[], BaseException]) -> Iterator[None]:
    """Raise `error()` in what runs here when `seconds` are over; 0: never. For the main thread of a process."""
    if not seconds:
        yield
        return

    def over(number: int, frame: Optional[FrameType]) -> None:
        raise error()

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def forced(limit: float, grace: float) -> Failure:
    """Why the worker killed a task."""
    return Failure(
        "timeout",
        f"the process was killed: it did not end within {grace:g} seconds after its time limit of {limit:g} seconds",
        hint="code that does not return to Python, or that catches every exception, cannot be interrupted; give the "
        "step more time with `@timeout`",
    )
