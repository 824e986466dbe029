"""What the scheduler's core is told (events) and what it asks for (commands). Frozen values, no behaviour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import NamedTuple, Union

from dockerflow.flow.definition import Project
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.runtime.messages import ForeachFrame, Input, RunTask, Secret, TaskResult
from dockerflow.scheduler.capacity import NOTHING, UNLIMITED, Share
from dockerflow.store.records import AttemptFinished, Failure, Record, TaskCreated

# Attempts of one task that may be lost with their containers before that counts as its failure.
LOST_RETRIES = 2

# The host of a plan that names none, and how many attempts run at once where nothing limits them.
LOCAL = "local"
ANY_NUMBER = 1 << 62

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
    share: Share = NOTHING  # what an attempt takes of its host
    workers: str = ""  # the step whose workers run its tasks, where that is another one with the same containers
    hosts: tuple[str, ...] = ()  # where its tasks may run, the best first; empty: on all, in the plan's order
    looked_up: bool = False  # a result that an earlier run has left for others is taken for a task's, if there is one


class Counterpart(NamedTuple):
    """Which task of a run another run's task corresponds to: that of the same step at the same place in the foreaches,
    created there as the same, counted from 0; a recursion creates several at one place.
    """

    step: str
    indexes: tuple[int, ...]  # in the foreaches, outermost first
    number: int


@dataclass(frozen=True)
class Running:
    """An attempt of another run that goes on in its container. `task_id` and `attempt` are that run's."""

    worker: str  # the container's name
    host: str
    task_id: str
    attempt: int


@dataclass(frozen=True)
class HostPlan:
    """What a host has, and how many attempts may run there at once."""

    capacity: Share = UNLIMITED
    max_workers: int = ANY_NUMBER


@dataclass(frozen=True)
class Plan:
    """What is the same for the whole run. `parameters` is the manifest of the run's parameters.

    `origin` has the results of the run that is resumed which may be taken over, `running` its attempts that go on and
    may be adopted. `max_workers` is the limit over all hosts.
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
    running: Mapping[Counterpart, Running] = field(default_factory=dict)
    hosts: Mapping[str, HostPlan] = field(default_factory=lambda: {LOCAL: HostPlan()})
    # Asked for several times in each event, and always the same.
    _shares: dict[tuple[str, str], Share] = field(default_factory=dict, init=False, repr=False, compare=False)

    def workers(self, step: str) -> str:
        """The step by whose name the workers go that run this one's tasks."""
        return self.steps[step].workers or step

    def share(self, step: str, host: str) -> Share:
        """What an attempt of the step takes of the host: no more than there is."""
        if (step, host) not in self._shares:
            self._shares[step, host] = self.steps[step].share.capped(self.hosts[host].capacity)
        return self._shares[step, host]


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


@dataclass(frozen=True)
class HostAway:
    """The host has not answered for so long that it is given up: its workers that run are told to be gone one by one,
    and the run does not wait for it."""

    host: str
    reason: str


@dataclass(frozen=True)
class HostBack:
    """A host that was given up answers again."""

    host: str


@dataclass(frozen=True)
class LookedUp:
    """The result of the run `run_id` which may be taken for a task's; None: it is to run."""

    task_id: str
    result: AttemptFinished | None = None
    run_id: str = ""


Event = Union[
    Begin, WorkerReady, WorkerGone, TaskReturned, RetryDue, StopRequested, StoreLost, HostAway, HostBack, LookedUp
]

# ---- commands


@dataclass(frozen=True)
class StartWorker:
    worker: int
    step: str
    host: str
    ahead: bool = field(default=False, compare=False)  # no task waits for it yet


@dataclass(frozen=True)
class Assign:
    """`control` is the worker that has the first task of the gang that the task is of; its address goes with it."""

    worker: int
    task: RunTask
    control: int | None = None


@dataclass(frozen=True)
class Adopt:
    """Take over the container in which an attempt of another run goes on, as this worker. What it returns is the result
    of `task`, whose attempt has begun with that."""

    worker: int
    task: RunTask
    running: Running


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
    """Put a task into the journal that does not run: its result is another run's, by its origin's id one that was
    looked up."""

    task: TaskCreated
    result: AttemptFinished


@dataclass(frozen=True)
class LookUp:
    """Find a result for a task of a step with `@cache`; the answer is an event, before which the task does not run."""

    task_id: str
    step: str
    inputs: tuple[Input, ...]
    foreach: tuple[ForeachFrame, ...]


@dataclass(frozen=True)
class WaitForRetry:
    task_id: str
    seconds: float


@dataclass(frozen=True)
class Finish:
    """The run is over: no event is expected any more. `status` as in `store.records.RunFinished`."""

    status: str
    reason: str = ""


Command = Union[StartWorker, Assign, Adopt, StopWorker, KillWorker, Write, TakeOver, LookUp, WaitForRetry, Finish]
