"""Runs as a scheduler would write them, with all that a run can refer to, in any store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dockerflow.store import log, manifest, run_tags, runs, tags
from dockerflow.store.base import Store
from dockerflow.store.journal import JournalWriter
from dockerflow.store.records import (
    AttemptFinished,
    AttemptStarted,
    LogLine,
    RunFinished,
    RunStarted,
    StepRecord,
    TaskCreated,
)

LARGE = 1 << 17
SPEC = "5bec"


@dataclass(frozen=True)
class Made:
    """A run with the values of its tasks, which are of the steps `step_0`, `step_1`, …, a task each, from number 1."""

    flow: str
    run_id: str

    @property
    def pathspec(self) -> str:
        return f"{self.flow}/{self.run_id}"

    def task(self, number: int = 1) -> str:
        return f"{self.pathspec}/step_{number - 1}/{number}"


def large(letter: str, size: int = LARGE) -> bytes:
    """A value that gets a blob of its own; the same for the same letter."""
    return letter.encode() * size


def make(
    store: Store,
    *values: Mapping[str, Any],
    flow: str = "Films",
    run_id: str | None = None,
    status: str | None = "succeeded",
    cut_off: Sequence[str] = (),
    tag: str | None = None,
) -> Made:
    """A run of one task for each of `values`; without a `status` it was killed, in an attempt that had printed
    `cut_off`."""
    made = Made(flow, run_id or runs.new_run_id(store, flow))
    writer = JournalWriter(store, flow, made.run_id)
    lock, code = store.blobs.put([b"lock of " + flow.encode()]), store.blobs.put([b"code of " + flow.encode()])
    steps = [StepRecord(f"step_{number}", (), lock=lock, spec_hash=SPEC) for number in range(len(values) + 1)]
    parameters = manifest.write(store.blobs, {"rate": 0.5, "table": large("p")}, {})
    started = RunStarted(1.0, flow, made.run_id, "anna", parameters, code, tuple(steps), tags=("first",))
    writer.append(started)
    writer.flush()
    for number, each in enumerate(values):
        _task(store, writer, number, each)
    if cut_off:
        _cut_off(store, writer, made, len(values), cut_off)
    if status is not None:
        writer.append(RunFinished(2.0, status))
        writer.close()
    if tag is not None:
        run_tags.mutate(store, started, tags.change(add=[tag]))
    return made


def _task(store: Store, writer: JournalWriter, number: int, values: Mapping[str, Any]) -> None:
    step, task_id = f"step_{number}", str(number + 1)
    printed = log.write(store.blobs, [LogLine(1.0, "stdout", f"task {task_id} of {sorted(values)}")])
    written = manifest.write(store.blobs, values, {}, step)
    writer.append(TaskCreated(1.0, step, task_id))
    writer.append(AttemptStarted(1.0, step, task_id, 0))
    writer.append(AttemptFinished(1.5, step, task_id, 0, ok=True, final=True, manifest=written, log=printed))
    writer.flush()


def _cut_off(store: Store, writer: JournalWriter, made: Made, number: int, texts: Sequence[str]) -> None:
    step, task_id = f"step_{number}", str(number + 1)
    writer.append(TaskCreated(1.0, step, task_id))
    writer.append(AttemptStarted(1.0, step, task_id, 0))
    writer.flush()
    pieces = [log.encode_lines([LogLine(1.0, "stdout", text)]) for text in texts]
    if store.shows_scratch:
        store.put(runs.log_key(made.flow, made.run_id, task_id, 0), b"".join(pieces))
        return
    for index, piece in enumerate(pieces):
        store.put(runs.log_piece(made.flow, made.run_id, task_id, 0, index), piece)
