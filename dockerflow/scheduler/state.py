"""The state of one run: its unfinished tasks, its workers, and what waits for what. Only the core changes it."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import field
from typing import Literal

from dockerflow.lazy_dataclasses import dataclass
from dockerflow.runtime.messages import Input, TaskResult
from dockerflow.scheduler.capacity import NOTHING, Share
from dockerflow.scheduler.joins import Joins, Place
from dockerflow.scheduler.reach import Reach
from dockerflow.scheduler.values import Plan
from dockerflow.store.records import AttemptFinished, Failure


@dataclass
class Task:
    step: str
    task_id: str
    inputs: tuple[Input, ...]
    place: Place
    attempt: int = 0
    lost: int = 0  # attempts that do not count: they were lost with their container
    began: float = 0.0  # the attempt that runs
    fallback: Failure | None = None
    failed: AttemptFinished | None = None  # the record of the last attempt, until another begins
    gang: Gang | None = None

    @property
    def retries(self) -> int:
        """How many of its step's it has used."""
        return self.attempt - self.lost


@dataclass
class End:
    """An attempt of a task that has ended. `log` is the blob with what it had printed."""

    task: Task
    result: TaskResult
    log: str | None


@dataclass
class Gang:
    """Tasks that run at the same time, in the order of their numbers, and end as one."""

    tasks: list[Task]
    ends: list[End] = field(default_factory=list)  # of this attempt, in the order of time


@dataclass
class Worker:
    number: int
    step: str  # by whose name it goes, see `Plan.workers`
    state: Literal["starting", "idle", "busy", "ending"] = "starting"
    task: Task | None = None
    killed: bool = False
    tried: bool = False  # it has had a task


@dataclass
class Run:
    """`reach` knows which steps may still have tasks. `used` is what the running attempts take of the host."""

    plan: Plan
    tasks: dict[str, Task] = field(default_factory=dict)  # created and not finished
    queued: dict[str, deque[Task]] = field(default_factory=dict)  # by whose workers run them; absent where none is
    live: dict[str, int] = field(default_factory=dict)  # unfinished tasks by step; a step without is absent
    workers: dict[int, Worker] = field(default_factory=dict)
    joins: Joins = field(default_factory=Joins)
    failed_starts: dict[str, int] = field(default_factory=dict)  # in a row, by the workers' step
    broken: dict[str, Failure] = field(default_factory=dict)  # the workers' steps for which none will ever be ready
    created: Counter[tuple[str, tuple[int, ...]]] = field(default_factory=Counter)  # while results are taken over
    taken_over: set[str] = field(default_factory=set)  # ids of the tasks whose results were
    to_follow: deque[tuple[Task, AttemptFinished]] = field(default_factory=deque)  # taken over, not yet followed
    task_count: int = 0
    worker_count: int = 0
    busy: int = 0
    used: Share = NOTHING
    failure: str = ""  # why the run has failed, once it has
    reached_end: bool = False
    finished: bool = False
    reach: Reach = field(init=False)
    gang_steps: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self.reach = Reach(self.plan.steps)
        self.gang_steps = frozenset(name for step in self.plan.steps.values() if step.gang for name in step.next)

    def add(self, task: Task) -> None:
        self.tasks[task.task_id] = task
        self.live[task.step] = self.live.get(task.step, 0) + 1
        self.reach.add(task.step)

    def forget(self, task: Task) -> None:
        del self.tasks[task.task_id]
        self.live[task.step] -= 1
        if not self.live[task.step]:
            del self.live[task.step]
            self.reach.remove(task.step)

    def occupy(self, worker: Worker, task: Task) -> None:
        worker.state, worker.task, worker.tried = "busy", task, True
        self.busy += 1
        self.used += self.plan.share(task.step)

    def release(self, worker: Worker) -> None:
        """Whoever releases it says what it is now."""
        self.busy -= 1
        self.used -= self.plan.share(worker.step)
        worker.task = None
