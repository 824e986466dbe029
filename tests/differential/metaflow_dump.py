"""Print what a run of Metaflow left, as JSON lines: step, foreach indices, whether it succeeded, artifacts by `repr`.

Run in a process of its own, with Metaflow's configuration in the environment: `python metaflow_dump.py Flow run_id`.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from metaflow import Run, namespace

# What Metaflow stores beside the user's artifacts.
OWN = {"name"}
USERS_PRIVATE = {"_private"}


def shown(value: Any) -> str:
    """A value as text; a caught exception by what a flow can ask of it, included files by their content."""
    if hasattr(value, "stacktrace"):
        return f"caught {value.type}"
    return repr(value)


def main(flow: str, run_id: str) -> None:
    namespace(None)
    for step in Run(f"{flow}/{run_id}"):
        for task in step:
            data = {artifact.id: artifact for artifact in task.artifacts}
            for name in USERS_PRIVATE:
                try:
                    data[name] = task[name]
                except KeyError:
                    continue
            try:
                stack = task["_foreach_stack"].data
            except KeyError:
                stack = []
            artifacts = {name: shown(item.data) for name, item in data.items() if name not in OWN}
            indices = [frame.index for frame in stack or []]
            print(json.dumps([step.id, indices, bool(task.successful), artifacts]))


main(*sys.argv[1:])
