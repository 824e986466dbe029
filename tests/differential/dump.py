"""Print what a client answers about runs, as JSON lines; the same script reads Metaflow's store and ours.

Run in a process of its own, with the settings of the store in the environment:

    python dump.py metaflow|dockerflow Flow RUN_ID...

Only names that both clients publish are used. Ids differ from run to run: a run is shown as `<run 1>`, in the order
given, and a task by its key: the step, its numbers in the foreaches around it, and which of several it is where a step
runs again, `train[0,2]#1`.
"""

from __future__ import annotations

import importlib
import json
import re
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

Facts = dict[str, Callable[[], Any]]

client: Any = importlib.import_module(sys.argv[1])

UNLISTED = "_private"


class Names:
    """What ids are called: the same on both sides."""

    def __init__(self, flow: str, run_ids: list[str]) -> None:
        self._flow = flow
        self._runs = {run_id: f"<run {number}>" for number, run_id in enumerate(run_ids, 1)}
        self._tasks: dict[str, str] = {}

    def number(self, run: Any) -> None:
        """Give each task of a run its key. Tasks come newest first."""
        for step in run:
            seen: dict[str, int] = {}
            for task in oldest_first(step):
                place = ",".join(map(str, indices(task)))
                key = f"{step.id}[{place}]" if place else step.id
                again = seen[key] = seen.get(key, -1) + 1
                self._tasks[task.pathspec] = f"{key}#{again}" if again else key

    def key(self, task: Any) -> str:
        return self._tasks[task.pathspec]

    def told(self, text: str) -> str:
        """A text with no id of this run, this process or this tool in it."""
        text = re.sub(
            rf"\b{self._flow}/(\d+)/\w+/\d+", lambda found: self._tasks.get(found[0], found[0]), text, flags=re.ASCII
        )
        for run_id, name in self._runs.items():
            text = text.replace(run_id, name)
        return re.sub(r"\b0x[0-9a-f]+", "0x…", text).replace(client.__name__, "<tool>")


def oldest_first(step: Any) -> list[Any]:
    tasks = list(step)[::-1]
    return sorted(tasks, key=taken_over)


def taken_over(task: Any) -> tuple[bool, int]:
    """What a resumed run takes over comes first, in the order of the earlier run: it is taken over in none."""
    origin = task.origin_pathspec
    return origin is None, 0 if origin is None else int(origin.rpartition("/")[2])


def indices(task: Any) -> list[int]:
    """The task's numbers in the foreaches around it, outermost first."""
    path = task.metadata_dict.get("foreach-execution-path") or ""
    return [int(part.rpartition(":")[2]) for part in path.split(",") if part]


def shown(value: Any) -> str:
    """A value as text; a caught exception by what a flow can ask of it."""
    if hasattr(value, "stacktrace") and hasattr(value, "type"):
        return f"caught {value.type}: {value.exception}"
    return repr(value)


def newest_first(above: Any) -> bool:
    """Which of two branches begins first is nobody's promise; the client's order is that of time."""
    times = [child.created_at for child in above]
    return times == sorted(times, reverse=True)


def of_run(run: Any, names: Names) -> Facts:
    return {
        "successful": lambda: run.successful,
        "finished": lambda: run.finished,
        "user tags": lambda: sorted(run.user_tags),
        "system tags": lambda: sorted(run.system_tags),
        "steps": lambda: sorted(step.id for step in run),
        "newest first": lambda: newest_first(run),
        "end task": lambda: run.end_task and names.key(run.end_task),
        "origin": lambda: run.origin_pathspec,
    }


def of_step(step: Any, names: Names) -> Facts:
    return {
        "tasks": lambda: sorted(names.key(task) for task in step),
        "newest first": lambda: newest_first(step),
        "finished": lambda: step.finished_at is not None,
        "parent steps": lambda: sorted(one.id for one in step.parent_steps),
        "child steps": lambda: sorted(one.id for one in step.child_steps),
    }


def of_task(task: Any, names: Names) -> Facts:
    return {
        "successful": lambda: bool(task.successful),
        "finished": lambda: bool(task.finished),
        "ended": lambda: task.finished_at is not None,
        "attempts": lambda: sorted(entry.value for entry in task.metadata if entry.name == "attempt"),
        "current attempt": lambda: task.current_attempt,
        "index": lambda: task.index,
        "exception": lambda: None if task.exception is None else shown(task.exception),
        "stdout": lambda: task.stdout,
        "stderr": lambda: task.stderr,
        "stderr tells of the exception": lambda: task.exception is None or _last_line(task.exception) in task.stderr,
        "parents": lambda: sorted(map(names.key, task.parent_tasks)),
        "children": lambda: sorted(map(names.key, task.child_tasks)),
        "user tags": lambda: sorted(task.user_tags),
        "origin": lambda: task.origin_pathspec,
        "origin run": lambda: task.metadata_dict.get("origin-run-id"),
        "origin task": lambda: "origin-task-id" in task.metadata_dict,
        "artifacts": lambda: sorted(artifact.id for artifact in task),
        **{f"artifact {name}": partial(_artifact, task, name) for name in _names(task)},
    }


def _names(task: Any) -> list[str]:
    """An artifact whose name begins with an underscore is not listed; one is asked for by name."""
    return [*(artifact.id for artifact in task), *([UNLISTED] if UNLISTED in task else [])]


def _artifact(task: Any, name: str) -> str:
    return shown(task[name].data)


def _last_line(failure: Any) -> str:
    return (str(failure.exception).strip().splitlines() or [""])[-1]


def told(value: Any, names: Names) -> Any:
    if isinstance(value, str):
        return names.told(value)
    if isinstance(value, list):
        return [told(one, names) for one in value]
    return {name: told(one, names) for name, one in value.items()} if isinstance(value, dict) else value


def main(flow: str, *run_ids: str) -> None:
    client.namespace(None)
    names = Names(flow, list(run_ids))
    runs = [client.Run(f"{flow}/{run_id}") for run_id in run_ids]
    for run in runs:
        names.number(run)
    for number, run in enumerate(runs, 1):
        prefix = f"run {number}"
        say(prefix, of_run(run, names), names)
        for step in run:
            say(f"{prefix} · step {step.id}", of_step(step, names), names)
            for task in oldest_first(step):
                say(f"{prefix} · {names.key(task)}", of_task(task, names), names)


def say(what: str, facts: Facts, names: Names) -> None:
    """Print facts, one a line: what it is of, its name, its value; an error is an answer, too."""
    for name, ask in facts.items():
        try:
            answer = told(ask(), names)
        except Exception as error:  # noqa: BLE001 - whatever a client raises
            answer = f"raises {type(error).__name__}"
        print(json.dumps([what, name, answer]))


if __name__ == "__main__":
    main(*sys.argv[2:])
