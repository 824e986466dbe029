"""Runs that are in a store, made of what their tasks are to have made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dockerflow.store import manifest, runs
from dockerflow.store.base import Store
from dockerflow.store.journal import JournalWriter
from dockerflow.store.manifest import ArtifactRef
from dockerflow.store.records import AttemptFinished, Failure, Record, RunFinished, RunStarted, StepRecord, TaskCreated


@dataclass(frozen=True)
class Made:
    """A task: what it made, and what it passes on of the first task. `index` is its place in a foreach over 1000."""

    step: str
    values: Mapping[str, Any]
    passes: tuple[str, ...] = ()
    index: int | None = None
    fails: bool = False


def written(store: Store, tasks: Sequence[Made], flow: str = "F") -> str:
    """The id of a run whose tasks are `1`, `2`, and so on; all but the first have the first as their input."""
    run_id = runs.new_run_id(store, flow)
    steps = tuple(StepRecord(step, ()) for step in dict.fromkeys(task.step for task in tasks))
    journal = JournalWriter(store, flow, run_id)
    journal.append(RunStarted(1.0, flow, run_id, "anna", "", "", steps))
    first: Mapping[str, ArtifactRef] = {}
    for number, task in enumerate(tasks, 1):
        passed_on = {name: first[name] for name in task.passes}
        sha256 = manifest.write(store.blobs, task.values, passed_on, task.step)
        first = first or manifest.read(store.blobs, sha256).artifacts
        for record in _records(task, str(number), sha256):
            journal.append(record)
    journal.append(RunFinished(3.0, "succeeded"))
    journal.close()
    return run_id


def _records(task: Made, task_id: str, sha256: str) -> tuple[Record, ...]:
    frames = () if task.index is None else (("start", "xs", task.index, 1000),)
    failure = Failure("exception", "asked to") if task.fails else None
    ended = AttemptFinished(2.0, task.step, task_id, 0, not task.fails, True, manifest=sha256, failure=failure)
    return TaskCreated(1.0, task.step, task_id, () if task_id == "1" else ("1",), frames), ended
