"""`Runner` and `NBRunner` where no run can be started: in steps. A flow's file may import them there.

Standard library only, Python 3.7.
"""

from __future__ import annotations

from typing import Any

from dockerflow.errors import DockerflowError

__all__ = ["NBRunner", "Runner"]


class Runner:
    """Raises DockerflowError when it is called."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        raise DockerflowError(
            f"`{type(self).__name__}` starts runs, and a step cannot: there is neither the command nor an engine in it",
            "start the flow beside this one, in a program or a notebook; a step reads what a run left with `Run`",
        )


class NBRunner(Runner):
    pass
