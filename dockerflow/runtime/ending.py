"""Why a task's process ended without a result, as a Failure; and how long a Failure may be."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from typing import Any, Optional

from dockerflow.store.records import Failure

# Of a failure's message or traceback, in characters.
LONGEST = 256 * 1024

# What a shell adds to the number of the signal that has killed a process.
KILLED = 128

MORE_MEMORY = "ask for more with `@resources(memory=…)`"

# As the system calls them; Python 3.7 cannot say it.
_WORDS = {
    "SIGSEGV": "segmentation fault",
    "SIGABRT": "aborted",
    "SIGBUS": "bus error",
    "SIGILL": "illegal instruction",
    "SIGFPE": "arithmetic error",
}

_HINTS = {
    "SIGSEGV": "a library crashed in its native code; stderr has the Python lines that led there",
    "SIGABRT": "a library gave up in its native code; stderr may have its reason",
    "SIGBUS": "a memory-mapped file was cut, or the disk behind it is full",
    "SIGILL": "a library was built for another processor",
}


def failure(status: int, killed_for_memory: bool, limit: Optional[int]) -> Failure:
    """`status` is that of `os.wait`; `limit` is the container's memory in MiB."""
    if not os.WIFSIGNALED(status):
        code = os.WEXITSTATUS(status)
        return Failure(
            "exit",
            f"the process exited with status {code} before the step had ended",
            hint="let the step return, or raise an exception to fail it",
            status=code,
        )
    number = os.WTERMSIG(status)
    name, as_status = _name(number), KILLED + number
    if name == "SIGKILL" and killed_for_memory:
        return Failure("out_of_memory", _out_of_memory(limit), hint=MORE_MEMORY, status=as_status)
    words = f" ({_WORDS[name]})" if name in _WORDS else ""
    return Failure("signal", f"the process was killed by {name}{words}", hint=_HINTS.get(name, ""), status=as_status)


def _out_of_memory(limit: Optional[int]) -> str:
    if limit is None:
        return "the task was killed because the machine ran out of memory"
    return f"the task was killed because it reached the container's memory limit of {limit} MiB"


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return f"signal {number}"


def clipped(failure: Failure) -> Failure:
    """Without what is so long that nobody reads it: an exception may carry gigabytes of text, and a message may not."""
    texts: Any = {name: _clipped(text) for name, text in vars(failure).items() if isinstance(text, str)}
    return replace(failure, **texts)


def _clipped(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST // 2] + " [...] " + text[-LONGEST // 2 :]
