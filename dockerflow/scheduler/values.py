"""What the scheduler's core is told (events) and what it asks for (commands). Frozen values, no behaviour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import NamedTuple, Union

from dockerflow.flow.definition import Project
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.runtime.messages import RunTask, Secret, TaskResult
from dockerflow.scheduler.capacity import NOTHING, UNLIMITED, Share
from dockerflow.store.records import AttemptFinished, Failure, Record, TaskCreated

# Attempts of one task that may be lost with their containers before that counts as its failure.
LOST_RETRIES = 2

# Tasks that one foreach may make, unless the user says otherwise.
MAX_NUM_SPLITS = 100_000


@dataclass(frozen=True)
class StepPlan:
    """What the core needs to know of one step; what it has in common with `flow.definition.Step` means the same."""

    name: str
    next: tuple[str, ...]
    foreach: str | None = None
    join: bool = False
    retries: int = 0  # attempts beyond the first
    retry_seconds: float = 0.0  # pause before each of them
    lost_retries: int = 0  # attempts in addition, at once, after those that were lost with their container
    catches: bool = False  # @catch turns the last failure into success
    condition: str | None = None
    gang: bool = False
    time_limit: float = 0.0  # seconds; 0: none
    secrets: tuple[Secret, ...] = ()
    fresh_containers: bool = False  # a worker of the step has one task
    share: Share = NOTHING  # what an attempt takes of the host
    workers: str = ""  # the step whose workers run its tasks, where that is another one with the same containers


class Counterpart(NamedTuple):
    """Which task of a run another run's task corresponds to: that of the same step at the same place in the foreaches,
    created there as the same, counted from 0; a recursion creates several at one place.
    """

    step: str
    indexes: tuple[int, ...]  # in the foreaches, outermost first
    number: int


@dataclass(frozen=True)
class Plan:
    """What is the same for the whole run. `parameters` is the manifest of the run's parameters.

    `origin` has the results of the run that is resumed which may be taken over.
    """

    flow: str
    run_id: str
    steps: Mapping[str, StepPlan]
    parameters: str
    max_workers: int
    max_num_splits: int = MAX_NUM_SPLITS
    user: str = ""
    namespace: str = ""
    tags: tuple[str, ...] = ()
    start: str = "start"
    project: Project | None = None
    origin_run_id: str | None = None
    origin: Mapping[Counterpart, AttemptFinished] = field(default_factory=dict)
    capacity: Share = UNLIMITED  # what the host has

    def workers(self, step: str) -> str:
        """The step by whose name the workers go that run this one's tasks."""
        return self.steps[step].workers or step

    def share(self, step: str) -> Share:
        """What an attempt of the step takes: no more than there is."""
        return self.steps[step].share.capped(self.capacity)


# ---- events


@dataclass(frozen=True)
class Begin:
    """The run starts."""


@dataclass(frozen=True)
class WorkerReady:
    worker: int


@dataclass(frozen=True)
class WorkerGone:
    """The worker ended, asked to or not. `deterministic`: another one would fail in the same way.

    `log` is what the attempt had printed that it was busy with, if it was.
    """

    worker: int
    failure: Failure
    deterministic: bool = False
    log: str | None = None


@dataclass(frozen=True)
class TaskReturned:
    """A worker has returned an attempt's result. `log` is the blob with what the attempt printed."""

    worker: int
    result: TaskResult
    log: str | None = None


@dataclass(frozen=True)
class RetryDue:
    """The pause before a task's next attempt is over."""

    task_id: str


@dataclass(frozen=True)
class StopRequested:
    """The user wants the run to end. `logs` are the blobs with what running attempts had printed, by worker;
    `returned` are the results that came in while they were ended."""

    reason: str
    logs: Mapping[int, str | None] = field(default_factory=dict)
    returned: tuple[TaskReturned, ...] = ()


@dataclass(frozen=True)
class StoreLost:
    """The store is away for longer than one waits for it: nothing that begins now could read or write it."""

    reason: str


Event = Union[Begin, WorkerReady, WorkerGone, TaskReturned, RetryDue, StopRequested, StoreLost]

# ---- commands


@dataclass(frozen=True)
class StartWorker:
    worker: int
    step: str
    ahead: bool = field(default=False, compare=False)  # no task waits for it yet


@dataclass(frozen=True)
class Assign:
    """`control` is the worker that has the first task of the gang that the task is of; its address goes with it."""

    worker: int
    task: RunTask
    control: int | None = None


@dataclass(frozen=True)
class StopWorker:
    """Let the worker end by itself; it has no task."""

    worker: int


@dataclass(frozen=True)
class KillWorker:
    worker: int


@dataclass(frozen=True)
class Write:
    """Put a record into the journal. `retry_in` goes with a failed attempt that another follows, in seconds."""

    record: Record
    retry_in: float | None = None


@dataclass(frozen=True)
class TakeOver:
    """Put a task into the journal that does not run: its result is another run's."""

    task: TaskCreated
    result: AttemptFinished


@dataclass(frozen=True)
class WaitForRetry:
    task_id: str
    seconds: float


@dataclass(frozen=True)
class Finish:
    """The run is over: no event is expected any more. `status` as in `store.records.RunFinished`."""

    status: str
    reason: str = ""


Command = Union[StartWorker, Assign, StopWorker, KillWorker, Write, TakeOver, WaitForRetry, Finish]
