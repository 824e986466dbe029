"""A run as its journal tells it: tasks, attempts, and how it all ended.

`RunHistory.of` folds records in the order in which they were written; any prefix of a journal gives the history up to
there. Nothing here reads artifacts: `manifest` does, by the hashes that the records carry.
"""

from __future__ import annotations

from dataclasses import field, replace
from typing import Dict, Iterable, List, Mapping, Optional, Tuple

from dockerflow.lazy_dataclasses import dataclass
from dockerflow.store import journal, runs
from dockerflow.store.base import Store
from dockerflow.store.errors import DamagedRecord
from dockerflow.store.records import (
    AttemptFinished,
    AttemptStarted,
    Record,
    RunFinished,
    RunStarted,
    StepRecord,
    TaskCreated,
)

# The status of a run that nobody can end any more.
KILLED = "killed"

# Why a run may have no `started`, and what to do.
UNBEGUN = "a power cut may have emptied its journal, or a newer dockerflow wrote it; `dockerflow runs list` lists more"


@dataclass(frozen=True)
class Attempt:
    """One try of a task. `started` is None where the journal tells of its end alone, `finished` for one that runs or
    was cut off with its scheduler."""

    number: int
    started: Optional[AttemptStarted] = None
    finished: Optional[AttemptFinished] = None


@dataclass(frozen=True)
class TaskHistory:
    created: TaskCreated
    attempts: Tuple[Attempt, ...] = ()

    @property
    def result(self) -> Optional[AttemptFinished]:
        """How the last attempt ended; None while there is none that no other follows."""
        ended = [attempt.finished for attempt in self.attempts if attempt.finished and attempt.finished.final]
        return ended[-1] if ended else None

    @property
    def latest(self) -> Optional[AttemptFinished]:
        """How the latest attempt that has ended did, whether another follows or not."""
        ended = [attempt.finished for attempt in self.attempts if attempt.finished]
        return ended[-1] if ended else None

    @property
    def status(self) -> str:
        """`waiting` (for its first or next attempt), `running`, `succeeded` or `failed`."""
        if self.result:
            return "succeeded" if self.result.ok else "failed"
        return "running" if self.attempts and not self.attempts[-1].finished else "waiting"


@dataclass(frozen=True)
class RunHistory:
    """A run so far. `started` is None while nothing has been written; `tasks` are by id, in order of creation."""

    started: Optional[RunStarted] = None
    finished: Optional[RunFinished] = None
    tasks: Mapping[str, TaskHistory] = field(default_factory=dict)
    tasks_by_step: Mapping[str, Tuple[TaskHistory, ...]] = field(default_factory=dict)

    @staticmethod
    def of(records: Iterable[Record]) -> RunHistory:
        history = RunHistory()
        tasks: Dict[str, TaskHistory] = {}
        attempts: Dict[str, Dict[int, Attempt]] = {}
        for record in records:
            if isinstance(record, RunStarted):
                history = replace(history, started=record)
            elif isinstance(record, RunFinished):
                history = replace(history, finished=record)
            elif isinstance(record, TaskCreated):
                tasks[record.task_id] = TaskHistory(record)
            else:
                _add(attempts.setdefault(record.task_id, {}), record)
        for task_id, numbered in attempts.items():
            if task_id in tasks:
                tasks[task_id] = replace(tasks[task_id], attempts=tuple(numbered[n] for n in sorted(numbered)))
        return replace(history, tasks=tasks, tasks_by_step=_by_step(history.started, tasks))

    @property
    def status(self) -> str:
        """`running`, `succeeded`, `failed` or `stopped`. The journal cannot tell of a kill: see `status_now`."""
        return self.finished.status if self.finished else "running"

    @property
    def steps(self) -> Mapping[str, StepRecord]:
        """The flow's steps when the run began, in the order of the graph."""
        return {step.name: step for step in self.started.steps} if self.started else {}


def read(store: Store, flow: str, run_id: str, listed: Optional[Iterable[str]] = None) -> RunHistory:
    """The history of a run; an empty one where there is no such run. `listed`: see `journal.read`. Raises
    DamagedRecord."""
    return RunHistory.of(journal.read(store, flow, run_id, listed))


def no_beginning(run: str) -> DamagedRecord:
    """The error for a run, as `Flow/ID`, of which `started` is needed and not there."""
    return DamagedRecord(f"run `{run}` has no beginning that could be read", UNBEGUN)


def status_now(store: Store, flow: str, run_id: str, seen: RunHistory) -> str:
    """The status of a run that was read as `seen`, but `killed` for one that has no end and whose scheduler is dead.

    Known for runs of this machine: see `runs.is_alive`.
    """
    if seen.finished is not None or runs.is_alive(store, flow, run_id):
        return seen.status
    again = read(store, flow, run_id)  # it may have ended since it was read
    return again.status if again.finished is not None else KILLED


def _add(attempts: Dict[int, Attempt], record: Record) -> None:
    if isinstance(record, AttemptStarted):
        attempts[record.attempt] = replace(attempts.get(record.attempt, Attempt(record.attempt)), started=record)
    elif isinstance(record, AttemptFinished):
        attempts[record.attempt] = replace(attempts.get(record.attempt, Attempt(record.attempt)), finished=record)


def _by_step(started: Optional[RunStarted], tasks: Mapping[str, TaskHistory]) -> Dict[str, Tuple[TaskHistory, ...]]:
    """Every step of the flow with its tasks, those without tasks too."""
    found: Dict[str, List[TaskHistory]] = {step.name: [] for step in started.steps} if started else {}
    for task in tasks.values():
        found.setdefault(task.created.step, []).append(task)
    return {step: tuple(of_step) for step, of_step in found.items()}
