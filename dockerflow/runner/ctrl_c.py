"""Ctrl-C while a coroutine waits for a command: it ends the run, as it does in a terminal.

A notebook and `asyncio` turn the signal into a cancellation, which a timeout is as well, and one that must not end the
run. So the signal itself is looked at: it is passed on to the commands that are waited for, and then is what it was.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

__all__ = ["passed_on"]

_waited_for: list[Callable[[], None]] = []
_before: Any = None


@contextmanager
def passed_on(interrupt: Callable[[], None]) -> Iterator[None]:
    """While this lasts, Ctrl-C calls `interrupt` first. In other threads than the main one nobody hears of it."""
    global _before
    if threading.current_thread() is not threading.main_thread() or not callable(signal.getsignal(signal.SIGINT)):
        yield
        return
    if not _waited_for:
        _before = signal.signal(signal.SIGINT, _pass_on)
    _waited_for.append(interrupt)
    try:
        yield
    finally:
        _waited_for.remove(interrupt)
        if not _waited_for and signal.getsignal(signal.SIGINT) is _pass_on:
            signal.signal(signal.SIGINT, _before)


def _pass_on(number: int, frame: FrameType | None) -> None:
    for interrupt in dict.fromkeys(_waited_for):  # once, however many wait for the same
        interrupt()
    _before(number, frame)
