"""What is known of a task besides its artifacts and its logs: the entries of `task.metadata`.

The names are Metaflow's where it has them. An entry of an attempt has the time of its beginning or its end.
"""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple

from dockerflow.store.history import Attempt, RunHistory, TaskHistory
from dockerflow.store.records import AttemptFinished, RunStarted, StepRecord

# Metaflow's name for the type of an entry, where that is not the entry's own name.
_TYPES = {"attempt_ok": "internal_attempt_status"}

# Where runs of ours go on: beside who started them.
RUNTIME = "dev"


class Metadata(NamedTuple):
    """One entry. `created_at` is in milliseconds since the epoch, as in Metaflow."""

    name: str
    value: str
    created_at: int
    type: str
    task: Any


Fact = Tuple[float, str, Any]  # seconds since the epoch, name, value; one without a value is left out


def metadata_of(task: Any, facts: Iterator[Fact]) -> List[Metadata]:
    return [
        Metadata(name, str(value), int(time * 1000), _TYPES.get(name, name), task)
        for time, name, value in facts
        if value not in (None, "")
    ]


def facts_of(history: RunHistory, task: TaskHistory, attempts: Tuple[Attempt, ...]) -> Iterator[Fact]:
    """Of the task, and of these of its attempts, the oldest first."""
    created, started = task.created, history.started
    step = history.steps.get(created.step, StepRecord(created.step, ()))
    path = ",".join(f"{_inside(history, frame[0])}:{frame[2]}" for frame in created.foreach)
    control = "control" if is_control(history, task) else None
    of_task = {**_of_run(started), "foreach-execution-path": path, "internal_task_type": control}
    yield from ((created.time, name, value) for name, value in of_task.items())
    for attempt in attempts:
        yield from _of_beginning(attempt, step, created.time)
        origin = created.origin_run_id or (started.origin_run_id if started is not None else None)
        if origin:
            yield _begin(attempt, created.time), "origin-run-id", origin
            yield _begin(attempt, created.time), "origin-task-id", created.origin_task_id
        if attempt.finished:
            yield from ((attempt.finished.time, name, value) for name, value in _of_end(attempt.finished).items())


def environment_of(step: StepRecord) -> Dict[str, str]:
    """The image that a step's tasks run in, and the lock that it was made from."""
    found = {
        "image": step.image,
        "config-digest": step.config_digest,
        "manifest-digest": step.manifest_digest,
        "repository-digest": step.repository_digest,
        "base-image": step.base_image,
        "base-digest": step.base_digest,
        "python-version": step.python_version,
        "lock": step.lock,
        "spec-hash": step.spec_hash,
    }
    return {name: value for name, value in found.items() if value}


def is_control(history: RunHistory, task: TaskHistory) -> bool:
    """Whether it is number 0 of a gang, and the others are told of it."""
    frames = task.created.foreach
    if not frames or frames[-1][2] != 0:
        return False
    maker = history.steps.get(frames[-1][0])
    if maker is None or task.created.step not in maker.next:
        return False
    before = [history.tasks[each] for each in task.created.inputs if each in history.tasks]
    asked = [each.result.transition for each in before if each.result and each.result.transition]
    return maker.gang or any(each.gang for each in asked)


def _of_run(started: Optional[RunStarted]) -> Dict[str, Any]:
    if started is None:
        return {}
    return {
        "user": started.user,
        "runtime": RUNTIME,
        "script-name": started.flow_file,
        "dockerflow_version": started.version,
        "code-package": started.code,
    }


def _inside(history: RunHistory, splitting: str) -> str:
    """The first step inside a foreach, by which Metaflow calls it."""
    step = history.steps.get(splitting)
    return step.next[0] if step and step.next else splitting


def _begin(attempt: Attempt, otherwise: float) -> float:
    if attempt.started:
        return attempt.started.time
    return attempt.finished.time if attempt.finished else otherwise


def _of_beginning(attempt: Attempt, step: StepRecord, otherwise: float) -> Iterator[Fact]:
    time = _begin(attempt, otherwise)
    yield time, "attempt", attempt.number
    yield time, "python_version", step.python_version
    for name, value in environment_of(step).items():
        yield time, name, value
    if attempt.started:
        yield time, "container", attempt.started.container
        yield time, "host", attempt.started.host


def _of_end(ended: AttemptFinished) -> Dict[str, Any]:
    return {
        "attempt_ok": ended.ok,
        "attempt-done": ended.attempt,
        "caught": ended.caught or None,
        "seconds": ended.seconds,
        "user-seconds": ended.user_seconds,
        "system-seconds": ended.system_seconds,
        "peak-memory": ended.peak_memory,
    }
