"""What the container's control group says about the number of its processes, for version 1 and version 2.

https://docs.kernel.org/admin-guide/cgroup-v2.html (pids.events, pids.max); version 1 has the same files in a folder of
their own. Threads count as processes.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import os

ROOT = "/sys/fs/cgroup"


def refusals(root: str = ROOT) -> int:
    """How often a process or a thread was refused because there were too many; 0 where nobody says."""
    words = _read(root, "pids.events").split()
    return int(words[1]) if words[:1] == ["max"] and words[1:2] and words[1].isdigit() else 0


def hint(root: str = ROOT) -> str:
    """What to tell whose process was refused."""
    limit = _read(root, "pids.max").strip()
    most = f"{int(limit):,}" if limit.isdigit() else "so many"
    return (
        f"the task's container may have {most} processes and threads, and this task wanted more: end those that are "
        "done, and make pools smaller"
    )


def _read(root: str, name: str) -> str:
    for path in (os.path.join(root, name), os.path.join(root, "pids", name)):
        try:
            with open(path) as stream:
                return stream.read()
        except OSError:
            continue
    return ""
