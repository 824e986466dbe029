"""Ctrl-C and its like, as an event among others."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from dockerflow.scheduler.loop import Inbox, Stop

__all__ = ["stop_signals"]

SIGNALS = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM", signal.SIGHUP: "SIGHUP"}


@contextmanager
def stop_signals(inbox: Inbox) -> Iterator[None]:
    """While this lasts, a signal to end puts a Stop into the inbox. A second one is what it always was, but for SIGHUP:
    of a terminal that is closed both the shell and the kernel tell, and nobody is there to be impatient.

    A signal that is ignored stays so: whoever started this in the background does not want it to end by Ctrl-C.
    """

    def stop(number: int, frame: FrameType | None) -> None:
        inbox.put((0, Stop(SIGNALS[signal.Signals(number)])))
        signal.signal(number, signal.SIG_IGN if number == signal.SIGHUP else before[signal.Signals(number)])

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, stop) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
