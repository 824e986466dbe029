"""What Python does at the end of a program, for a step: its threads may finish, and its exit handlers are called.

A task's process ends by force as soon as its result is known, so this comes before: a step that hands work to a pool
and goes on would otherwise lose it. Handlers that the flow's import has registered are not called: what they clean up
is the worker's, and of use to the tasks that follow. Daemon threads are waited for by nobody, as ever.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import atexit
import sys
import threading

__all__ = ["begin", "end"]


def begin() -> None:
    """At the start of a task's process: from now on exit handlers are the step's own."""
    atexit._clear()


def end() -> None:
    """After a step that succeeded. As with Python itself, a thread that never ends makes this wait for ever.

    `_shutdown` is what the interpreter calls: only it tells the pools of `concurrent.futures` that no work follows.
    """
    for finish in (threading._shutdown, atexit._run_exitfuncs):  # type: ignore[attr-defined]
        try:
            finish()
        except BaseException:  # noqa: BLE001 - a handler of the user's; Python itself prints it and goes on
            sys.excepthook(*sys.exc_info())
