"""Workers that exist only as numbers: drives the core as the loop does, without a container, a file or a clock."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from dockerflow.runtime.messages import RunTask, TaskResult
from dockerflow.scheduler import values as v
from dockerflow.scheduler.core import advance
from dockerflow.scheduler.state import Run
from dockerflow.store.records import AttemptFinished, RunFinished, TaskCreated, Transition

Outcome = Callable[[RunTask], TaskResult]


def plan(*steps: v.StepPlan, max_workers: int = 4) -> v.Plan:
    return v.Plan("F", "1", {step.name: step for step in steps}, "parameters", max_workers)


def linear(*names: str) -> tuple[v.StepPlan, ...]:
    return tuple(v.StepPlan(name, names[i + 1 : i + 2]) for i, name in enumerate(names))


def succeed(sizes: Mapping[str, int] | None = None) -> Outcome:
    """Every attempt succeeds; `sizes` says how many splits a foreach step makes."""

    def outcome(task: RunTask) -> TaskResult:
        size = (sizes or {}).get(task.step)
        transition = None if size is None else Transition((), "xs", size)
        manifest = f"m{task.task_id}"
        return TaskResult(task.step, task.task_id, task.attempt, ok=True, manifest=manifest, transition=transition)

    return outcome


@dataclass
class Simulation:
    """`turn` takes the next possible event, chosen by `rng` where several could come first."""

    plan: v.Plan
    outcome: Outcome
    rng: random.Random = field(default_factory=lambda: random.Random(0))
    known: Callable[[v.LookUp], v.LookedUp] = lambda asked: v.LookedUp(asked.task_id)
    history: list[v.Command] = field(default_factory=list)
    busy_at_most: int = 0

    def __post_init__(self) -> None:
        self.core = Run(self.plan)
        self.starting: list[int] = []
        self.working: dict[int, RunTask] = {}
        self.ending: list[int] = []
        self.waiting: list[str] = []
        self.asked: list[v.LookUp] = []
        self.hosts: dict[int, str] = {}  # by worker
        self.finished: v.Finish | None = None

    def run(self, turns: int = 1_000_000) -> v.Finish:
        self.tell(v.Begin())
        for _ in range(turns):
            if self.finished is not None:
                return self.finished
            self.turn()
        raise AssertionError("the run does not end")

    def turn(self) -> None:
        events: list[tuple[list[object] | dict[int, RunTask], object]] = []
        events += [(self.starting, n) for n in self.starting[:3]]
        events += [(self.working, n) for n in list(self.working)[:3]]
        events += [(self.ending, n) for n in self.ending[:3]]
        events += [(self.waiting, t) for t in self.waiting[:3]]
        events += [(self.asked, a) for a in self.asked[:3]]
        assert events, f"nothing can happen any more: {self.core}"
        source, item = self.rng.choice(events)
        if source is self.starting:
            self.starting.remove(item)
            self.tell(v.WorkerReady(item))
        elif source is self.working:
            self.tell(v.TaskReturned(item, self.outcome(self.working.pop(item))))
        elif source is self.ending:
            self.ending.remove(item)
            self.tell(v.WorkerGone(item, v.Failure("lost", "ended")))
        elif source is self.asked:
            self.asked.remove(item)
            self.tell(self.known(item))
        else:
            self.waiting.remove(item)
            self.tell(v.RetryDue(item))

    def tell(self, event: v.Event) -> None:
        for command in advance(self.core, event, now=0.0):
            self.history.append(command)
            self.carry_out(command)
        self.busy_at_most = max(self.busy_at_most, len(self.working))

    def carry_out(self, command: v.Command) -> None:
        match command:
            case v.StartWorker(worker, _, host):
                self.starting.append(worker)
                self.hosts[worker] = host
            case v.Adopt(worker, task, running):
                self.working[worker] = task
                self.hosts[worker] = running.host
            case v.Assign(worker, task):
                assert worker not in self.working, "a worker has one task at a time"
                self.working[worker] = task
            case v.StopWorker(worker):
                self.stop(worker)
            case v.KillWorker(worker):
                self.working.pop(worker, None)
                if worker not in self.ending:
                    self.ending.append(worker)
            case v.LookUp():
                self.asked.append(command)
            case v.WaitForRetry(task_id):
                self.waiting.append(task_id)
            case v.Finish():
                self.finished = command

    def stop(self, worker: int) -> None:
        assert worker not in self.working, "a busy worker is not stopped"
        if worker in self.starting:
            self.starting.remove(worker)
        self.ending.append(worker)

    def lose(self, host: str) -> None:
        """Give it up. That its workers are gone is told in the turns that follow."""
        self.tell(v.HostAway(host, "no answer"))
        for worker in [each for each in self.working if self.hosts[each] == host]:
            del self.working[worker]
            self.ending.append(worker)

    # ---- what happened

    def records(self, kind: type) -> list:
        return [c.record for c in self.history if isinstance(c, v.Write) and isinstance(c.record, kind)]

    def created(self) -> list[str]:
        return [record.step for record in self.records(TaskCreated)]

    def assigned(self, step: str) -> list[RunTask]:
        return [c.task for c in self.history if isinstance(c, v.Assign) and c.task.step == step]

    def ended(self) -> list[AttemptFinished]:
        return self.records(AttemptFinished)

    def outcome_record(self) -> RunFinished:
        (record,) = self.records(RunFinished)
        return record
