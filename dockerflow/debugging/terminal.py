"""Between the user's terminal and that of a session in a container.

The user's is raw while the session lasts, so that every key gets there, Ctrl-C too; it is put back whatever raises, as
the signals to end do.
Where standard input is no terminal, its lines are what the session reads, and the session ends with them.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import termios
import threading
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from dockerflow.attached import STDERR, Attached, Demultiplexer

_READ = 64 * 1024


def is_terminal() -> bool:
    """Whether the user sits at both ends."""
    return os.isatty(0) and os.isatty(1)


def size() -> tuple[int, int]:
    """Lines and columns."""
    found = shutil.get_terminal_size()
    return found.lines, found.columns


@contextmanager
def put_back() -> Iterator[None]:
    """The user's terminal, if there is one, is at the end of the `with` as it was before."""
    if not os.isatty(0):
        yield
        return
    before = termios.tcgetattr(0)
    try:
        yield
    finally:
        with suppress(termios.error):  # it was closed
            termios.tcsetattr(0, termios.TCSAFLUSH, before)


@contextmanager
def raw() -> Iterator[None]:
    """The user's terminal hands on every key until the end of the `with`."""
    with put_back():
        tty.setraw(0)
        yield


@contextmanager
def _heeding(number: int, act: Callable[[], None]) -> Iterator[None]:
    def heed(number: int, frame: FrameType | None) -> None:
        act()

    before: Any = signal.signal(number, heed)
    try:
        yield
    finally:
        signal.signal(number, before)


def connect(attached: Attached, resize: Callable[[int, int], None] | None) -> None:
    """Pass on what is typed and what is said, until nothing more is said. `resize` is there for a terminal."""
    ended, end = os.pipe()
    changed, change = os.pipe()
    os.set_blocking(change, False)
    listening = threading.Thread(target=_listen, args=(attached, resize is None, end), daemon=True)
    try:
        with _heeding(signal.SIGWINCH, lambda: _note(change)):
            listening.start()
            _pass_on(attached, resize, ended, changed)
        listening.join()
    finally:
        attached.close()
        for each in (ended, changed, change):
            os.close(each)


def _note(change: int) -> None:
    with suppress(BlockingIOError):
        os.write(change, b"w")


def _pass_on(attached: Attached, resize: Callable[[int, int], None] | None, ended: int, changed: int) -> None:
    waiting = [0, ended, changed]
    while True:
        ready, _, _ = select.select(waiting, [], [])
        if ended in ready:
            return
        if changed in ready:
            os.read(changed, _READ)
            if resize is not None:
                resize(*size())
        if 0 in ready:
            typed = os.read(0, _READ)
            with suppress(OSError):  # the session has ended: that is heard, too
                attached.send(typed) if typed else attached.end_input()
            if not typed:
                waiting.remove(0)


def _listen(attached: Attached, multiplexed: bool, end: int) -> None:
    streams = Demultiplexer()
    try:
        while received := attached.receive():
            for stream, part in streams.feed(received) if multiplexed else [(1, received)]:
                _write(2 if stream == STDERR else 1, part)
    except OSError:  # nobody reads what it says
        attached.close()
    finally:
        os.close(end)


def _write(descriptor: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
