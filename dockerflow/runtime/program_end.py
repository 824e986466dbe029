"""What Python does at the end of a program, for a step: its threads may finish, and its exit handlers are called.

A task's process ends by force as soon as its result is known, so this comes before: a step that hands work to a pool
and goes on would otherwise lose it. Handlers that the flow's import has registered are not called: what they clean up
is the worker's, and of use to the tasks that follow; but those of the standard library are, which keep what a step has
left in its hands. Daemon threads are waited for by nobody, as ever.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import atexit
import sys
import threading
import weakref
from typing import Callable, List, Tuple

__all__ = ["begin", "end"]

# What modules of the standard library register when they are imported, perhaps by the flow. (Since Python 3.9 the pools
# have a way of their own, which is part of `threading._shutdown`; to call theirs twice does no harm.)
_LOGS = (("logging", "shutdown"),)
_POOLS = (("concurrent.futures.thread", "_python_exit"), ("concurrent.futures.process", "_python_exit"))

# After so long it is said what is waited for, in seconds.
PATIENCE = 10.0


def begin() -> None:
    """At the start of a task's process: from now on exit handlers are the step's own."""
    atexit._clear()
    for finalizer in list(weakref.finalize._registry):  # type: ignore[attr-defined]
        finalizer.atexit = False
    atexit.register(weakref.finalize._exitfunc)  # type: ignore[attr-defined]
    for handler in _handlers(_LOGS + _POOLS):
        atexit.register(handler)


def end(succeeded: bool = True) -> None:
    """After a step. As with Python itself, a thread that never ends makes this wait for ever, but not after a failure:
    another attempt may be due.

    `_shutdown` is what the interpreter calls: only it tells the pools of `concurrent.futures` that no work follows.
    """
    if succeeded:
        _finish(_shutdown)
    else:
        for handler in _handlers(_POOLS):
            atexit.unregister(handler)
    _finish(atexit._run_exitfuncs)


def _handlers(named: Tuple[Tuple[str, str], ...]) -> List[Callable[[], object]]:
    return [getattr(sys.modules[module], name) for module, name in named if module in sys.modules]


def _finish(finish: Callable[[], object]) -> None:
    try:
        finish()
    except BaseException:  # noqa: BLE001 - a handler of the user's; Python itself prints it and goes on
        sys.excepthook(*sys.exc_info())


def _shutdown() -> None:
    """Wait for threads; say so where it takes long, since the step itself is over."""
    if threading.active_count() == 1:
        threading._shutdown()  # type: ignore[attr-defined]
        return
    waiting = threading.Timer(PATIENCE, _tell)
    waiting.daemon = True
    waiting.start()
    threading._shutdown()  # type: ignore[attr-defined]
    waiting.cancel()


def _tell() -> None:
    threads = [each for each in threading.enumerate() if not each.daemon and each is not threading.main_thread()]
    names = ", ".join(each.name for each in threads)
    print(f"the step has ended, and its task waits for its threads: {names}", file=sys.stderr, flush=True)
