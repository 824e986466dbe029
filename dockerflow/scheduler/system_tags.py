"""The tags that every run has without being asked: who ran it, when, and with what. Nobody changes them."""

from __future__ import annotations

import platform
import time

import dockerflow
from dockerflow.flow.definition import Project


def system_tags(user: str, project: Project | None, now: float) -> tuple[str, ...]:
    """In the words of Metaflow where it has them; `now` is in seconds since the epoch, the date is that of UTC.

    `runtime:dev` is said of runs that were started by hand, as all are here.
    """
    tags = [
        f"date:{time.strftime('%Y-%m-%d', time.gmtime(now))}",
        f"dockerflow_version:{dockerflow.__version__}",
        f"python_version:{platform.python_version()}",
        "runtime:dev",
        f"user:{user}",
    ]
    if project is not None:
        tags += [f"project:{project.name}", f"project_branch:{project.branch}"]
    return tuple(sorted(tags))
