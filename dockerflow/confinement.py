"""What no container of ours may do, as the engine's API wants it said.

Workers and the compiler of step images run code that their user did not write: packages from a channel, and in a worker
the user's own. Each adds what it needs besides: mounts, limits of memory, a network.
"""

from __future__ import annotations

from typing import Any

# Who a container's processes are when the caller is root: nobody, in every distribution.
UNPRIVILEGED = "65534:65534"

# A fork bomb ends here. A process with many threads needs some: each counts.
PIDS = 4096


def options() -> dict[str, Any]:
    """Arguments of the SDK's `create_host_config`.

    No `ulimits`: where one is given, Podman takes none from its own configuration and raises the number of open files
    to 2**20 (`podman-create(1)`, `--ulimit`; seen in 4.3), which not every root may. A worker sets its own.
    """
    return {
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        "read_only": True,
        "pids_limit": PIDS,
    }
