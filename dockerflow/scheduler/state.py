"""The state of one run: its unfinished tasks, its workers, and what waits for what. Only the core changes it."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import field
from typing import Literal

from dockerflow.lazy_dataclasses import dataclass
from dockerflow.runtime.messages import Input, TaskResult
from dockerflow.scheduler.joins import Joins, Place
from dockerflow.scheduler.reach import Reach
from dockerflow.scheduler.rooms import Hosts
from dockerflow.scheduler.values import Counterpart, Plan
from dockerflow.store.records import AttemptFinished, Failure


@dataclass
class Task:
    step: str
    task_id: str
    inputs: tuple[Input, ...]
    place: Place
    counterpart: Counterpart | None = None  # in a run that resumes another
    attempt: int = 0
    lost: int = 0  # attempts that do not count: they were lost with their container
    began: float = 0.0  # the attempt that runs
    host: str = ""  # where that is, or was
    avoid: str = ""  # the host that lost the last attempt
    adopted: bool = False  # its first attempt was another run's
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
    host: str = ""  # where it waits for room, and runs
    avoid: str = ""  # the host that lost the last attempt


@dataclass
class Worker:
    number: int
    step: str  # by whose name it goes, see `Plan.workers`
    host: str
    state: Literal["starting", "idle", "busy", "ending"] = "starting"
    task: Task | None = None
    killed: bool = False
    tried: bool = False  # it has had a task
    adopted: bool = False  # it is another run's container, for the one task
    failed_before: int = 0  # starts of its step there, in a row


@dataclass
class Run:
    """`reach` knows which steps may still have tasks, `hosts` what the running attempts take of each."""

    plan: Plan
    tasks: dict[str, Task] = field(default_factory=dict)  # created and not finished
    queued: dict[str, deque[Task]] = field(default_factory=dict)  # by whose workers run them; absent where none is
    avoiding: Counter[tuple[str, str]] = field(default_factory=Counter)  # how many of them avoid a host, where some do
    kept_for: str | None = None  # the step that waits for more room than there is
    kept_on: str = ""  # the host on which that is kept
    live: dict[str, int] = field(default_factory=dict)  # unfinished tasks by step; a step without is absent
    workers: dict[int, Worker] = field(default_factory=dict)
    joins: Joins = field(default_factory=Joins)
    failed_starts: Counter[tuple[str, str]] = field(default_factory=Counter)  # in a row, by the workers' step and host
    created: Counter[tuple[str, tuple[int, ...]]] = field(default_factory=Counter)  # in a run that resumes another
    taken_over: set[str] = field(default_factory=set)  # ids of the tasks whose results were
    to_follow: deque[tuple[Task, AttemptFinished]] = field(default_factory=deque)  # taken over, not yet followed
    task_count: int = 0
    worker_count: int = 0
    busy: int = 0
    failure: str = ""  # why the run has failed, once it has
    reached_end: bool = False
    finished: bool = False
    reach: Reach = field(init=False)
    hosts: Hosts = field(init=False)
    gang_steps: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self.reach = Reach(self.plan.steps)
        self.hosts = Hosts(self.plan)
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

    def queue(self, task: Task, *, first: bool = False) -> None:
        step = self.plan.workers(task.step)
        queue = self.queued.setdefault(step, deque())
        (queue.appendleft if first else queue.append)(task)
        if task.avoid:
            self.avoiding[step, task.avoid] += 1

    def take(self, step: str, number: int = 0) -> Task:
        """The oldest queued task, or another of the first."""
        queue = self.queued[step]
        task = queue[number]
        del queue[number]
        if not queue:
            del self.queued[step]
        self._avoids_no_more(step, task)
        return task

    def take_all(self, step: str) -> deque[Task]:
        tasks = self.queued.pop(step)
        for task in tasks:
            self._avoids_no_more(step, task)
        return tasks

    def _avoids_no_more(self, step: str, task: Task) -> None:
        if task.avoid:
            self.avoiding[step, task.avoid] -= 1
            if not self.avoiding[step, task.avoid]:
                del self.avoiding[step, task.avoid]

    def occupy(self, worker: Worker, task: Task) -> None:
        worker.state, worker.task, worker.tried = "busy", task, True
        task.host = worker.host
        host = self.hosts.there[worker.host]
        host.busy += 1
        host.used += self.plan.share(task.step, host.name)
        self.busy += 1

    def release(self, worker: Worker, task: Task) -> None:
        """Of its task. Whoever releases it says what it is now."""
        host = self.hosts.there[worker.host]
        host.busy -= 1
        host.used -= self.plan.share(task.step, host.name)
        self.busy -= 1
        worker.task = None
