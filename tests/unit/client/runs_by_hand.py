"""Runs written to a store record by record, as the scheduler would."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dockerflow.store import code_package, log, manifest, runs
from dockerflow.store.base import Store
from dockerflow.store.journal import JournalWriter
from dockerflow.store.records import (
    AttemptFinished,
    AttemptStarted,
    Failure,
    LogLine,
    RunFinished,
    RunStarted,
    StepRecord,
    TaskCreated,
)

FLOW = "Films"

STEPS = (
    StepRecord("start", ("each",), foreach="films", image="dockerflow/step:aa", config_digest="sha256:aa"),
    StepRecord("each", ("join",), image="dockerflow/step:bb", lock="cc"),
    StepRecord("join", ("end",), join=True),
    StepRecord("end", ()),
)


@dataclass
class RunByHand:
    """A run that is being written. Time passes by one second with each record."""

    store: Store
    run_id: str
    tags: tuple[str, ...] = ()
    now: float = 1_700_000_000.0
    host: str = "local"
    journal: JournalWriter = field(init=False)

    def __post_init__(self) -> None:
        code = self.store.blobs.put([code_package.pack(__file__)])
        self.journal = JournalWriter(self.store, FLOW, self.run_id)
        started = RunStarted(
            self.tick(), FLOW, self.run_id, "anna", "", code, STEPS, flow_file="runs_by_hand.py", tags=self.tags
        )
        self.journal.append(started)
        self.journal.flush()

    def tick(self) -> float:
        self.now += 1
        return self.now

    def create(self, step: str, task_id: str, inputs: tuple[str, ...] = (), index: int | None = None) -> None:
        foreach = () if index is None else (("start", "films", index, 2),)
        self.journal.append(TaskCreated(self.tick(), step, task_id, inputs, foreach))
        self.journal.flush()

    def attempt(
        self,
        step: str,
        task_id: str,
        values: Mapping[str, Any],
        number: int = 0,
        failure: Failure | None = None,
        caught: bool = False,
        final: bool = True,
        lines: tuple[LogLine, ...] = (),
    ) -> None:
        """One attempt from its start to its end."""
        self.journal.append(AttemptStarted(self.tick(), step, task_id, number, f"box-{number}", self.host))
        ended = AttemptFinished(
            self.tick(),
            step,
            task_id,
            number,
            ok=failure is None or caught,
            final=final,
            manifest=manifest.write(self.store.blobs, values, {}),
            failure=failure,
            caught=caught,
            log=log.write(self.store.blobs, lines) if lines else None,
            seconds=2.5,
            peak_memory=1024,
        )
        self.journal.append(ended)
        self.journal.flush()

    def finish(self, status: str = "succeeded", reason: str = "") -> None:
        self.journal.append(RunFinished(self.tick(), status, reason))
        self.journal.close()


def successful_run(store: Store, tags: tuple[str, ...] = ()) -> str:
    """start (task 1), each (2 and 3), join (4), end (5); the id of the run."""
    run = RunByHand(store, runs.new_run_id(store, FLOW), tags)
    run.create("start", "1")
    printed = (LogLine(1.5, "stdout", "hello"), LogLine(2.5, "stderr", "oh"), LogLine(3.0, "stdout", ""))
    run.attempt("start", "1", {"films": ["Alien", "Brazil"], "_hidden": 1}, lines=printed)
    for index, task_id in enumerate(("2", "3")):
        run.create("each", task_id, ("1",), index)
    for index, task_id in enumerate(("2", "3")):
        run.attempt("each", task_id, {"film": ["Alien", "Brazil"][index]})
    run.create("join", "4", ("2", "3"))
    run.attempt("join", "4", {"count": 2})
    run.create("end", "5", ("4",))
    run.attempt("end", "5", {"count": 2, "best": "Brazil"})
    run.finish()
    return run.run_id
