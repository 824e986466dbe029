"""Wait for what py-rattler does in the background.

Its functions are coroutines whose results are delivered by threads of its own. Such a thread may still be giving back
its Python thread state when `run` has returned already; if the interpreter ends just then, the process dies of a
segmentation fault (https://github.com/PyO3/pyo3-async-runtimes/issues/40; seen in one of sixteen short processes on a
loaded machine). So the interpreter's end is held up until those threads have let go.
"""

from __future__ import annotations

import asyncio
import atexit
import ctypes
import threading
import time
from collections.abc import Coroutine
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")

# They let go within microseconds; the limit is for a thread state that is not theirs and stays.
PATIENCE = 1.0  # seconds


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """The coroutine's result, from any thread that has no event loop of its own running."""
    _hold_up_the_end()
    return asyncio.run(coroutine)


@cache
def _hold_up_the_end() -> None:
    atexit.register(_wait_for_foreign_threads)


def _wait_for_foreign_threads() -> None:
    deadline = time.monotonic() + PATIENCE
    while _thread_states() > len(threading.enumerate()) and time.monotonic() < deadline:
        time.sleep(0.001)


def _thread_states() -> int:
    """How many threads the interpreter knows of, those that it did not start among them."""
    interpreter = ctypes.PYFUNCTYPE(ctypes.c_void_p)(("PyInterpreterState_Get", ctypes.pythonapi))
    first = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)(("PyInterpreterState_ThreadHead", ctypes.pythonapi))
    after = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)(("PyThreadState_Next", ctypes.pythonapi))
    state, count = first(interpreter()), 0
    while state:
        state, count = after(state), count + 1
    return count
