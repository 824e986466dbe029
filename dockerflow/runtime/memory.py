"""What the container's control group says about memory, for version 1 and version 2 of control groups.

https://docs.kernel.org/admin-guide/cgroup-v2.html (memory.events, memory.max) and
https://docs.kernel.org/admin-guide/cgroup-v1/memory.html (memory.oom_control, memory.limit_in_bytes).
"""

from __future__ import annotations

import os
from typing import Optional

ROOT = "/sys/fs/cgroup"

# Version 1 has no word for "no limit": it gives the largest number of pages that fits.
_NO_LIMIT = 1 << 60


def kills(root: str = ROOT) -> int:
    """How many processes the kernel has killed because the limit was reached; 0 where it does not say."""
    counts = _read(root, "memory.events") or _read(root, "memory/memory.oom_control")
    for line in counts.splitlines():
        name, _, count = line.partition(" ")
        if name == "oom_kill":
            return int(count)
    return 0


def limit(root: str = ROOT) -> Optional[int]:
    """The limit in MiB; None where there is none."""
    text = (_read(root, "memory.max") or _read(root, "memory/memory.limit_in_bytes")).strip()
    if not text.isdigit() or int(text) >= _NO_LIMIT:
        return None
    return int(text) >> 20


def volunteer() -> None:
    """Make this process the first that the kernel kills when memory runs out."""
    try:
        with open("/proc/self/oom_score_adj", "w") as stream:
            stream.write("1000")
    except OSError:  # the kernel then chooses by size, and the task is most often the largest
        pass


def _read(root: str, name: str) -> str:
    try:
        with open(os.path.join(root, name)) as stream:
            return stream.read()
    except OSError:
        return ""
