"""By which process a container was made that is of no run, as a label of it says: so what a killed one has left can be
told from what somebody uses.
"""

from __future__ import annotations

import os

from dockerflow.store import living

__all__ = ["DEBUG", "SPIN", "is_gone", "this_process"]

# Labels with a maker: of a debugging session's container, and of a step's that is run again without a run.
DEBUG = "dockerflow.debug"
SPIN = "dockerflow.spin"


def this_process() -> str:
    """`<pid>/<when it began>@<machine>`."""
    pid = os.getpid()
    return f"{pid}/{living.began(pid)}@{living.kernel()}"


def is_gone(maker: str) -> bool:
    """Whether it ran here and is no more. Of one of another machine, nobody here can know: no."""
    process, _, machine = maker.partition("@")
    pid, _, began = process.partition("/")
    if not (machine and began and pid.isdecimal()) or machine != living.kernel():
        return False
    return living.began(int(pid)) != began
