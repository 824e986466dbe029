"""Whether a process of this machine still lives, by what was written down of it.

Its number alone does not tell: numbers are used again, and mean something else in another container or after a new
start of the machine. Standard library only, Python 3.7.
"""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["began", "kernel"]


def kernel() -> str:
    """This start of this machine, and the processes that one sees here; empty where that cannot be known."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip() + os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def began(pid: int) -> str:
    """When a process began, in the kernel's ticks. Empty for one that is gone."""
    try:
        state, *rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (OSError, ValueError):
        return ""
    return "" if state in "ZX" else rest[18]
