"""Which worker does what: tasks to workers of their step, workers for tasks, and some ahead of time.

- A step's tasks go to workers of that step, one at a time each, oldest first; those of a gang all at once. Steps whose
  containers would be the same have their workers in common. These go by the name of the first of the steps, and what is
  said of a step's workers and tasks below is said of all of them (`Plan.workers`).
- At most `max_workers` attempts run at once, and no more than the host has memory and cores for, as far as their steps
  ask for some; a worker is started where one is wanted.
- What waits for memory or cores is not passed by: others get what it leaves over.
- Where a worker has one task only, the next ones are on their way while all that may run do.
- When every queued task has a worker, others are started for the tasks that may follow: that hides their start-up.
- The workers of a step end when no task can reach it any more, and but for one when only single tasks can.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from itertools import islice

from dockerflow.lazy_dataclasses import dataclass
from dockerflow.runtime.messages import Gang, RunTask
from dockerflow.scheduler import gangs
from dockerflow.scheduler.capacity import NOTHING, Share
from dockerflow.scheduler.state import Run, Task, Worker
from dockerflow.scheduler.values import Assign, Command, StartWorker, StopWorker, Write
from dockerflow.store.records import AttemptStarted

# So many workers at most wait for their first task while it is still to come, in a linear flow for the next steps.
AHEAD = 2

# So many of the steps that may follow are looked at for that.
NEAREST = 16


def assign(run: Run, now: float) -> Iterator[Command]:
    while (workers := gangs.ready(run)) is not None:
        for worker in workers:
            yield from _assign(run, worker, workers[0].number, now)
    most = gangs.limit_for_others(run)
    idle = [worker for worker in run.workers.values() if worker.state == "idle" and _has_tasks(run, worker.step)]
    free = _room_beside_the_waiting(run) if idle else NOTHING
    for worker in idle:
        share = run.plan.share(worker.step)
        if run.busy < most and worker.step in run.queued and share.fits(free):
            free -= share
            yield from _assign(run, worker, None, now)


def _has_tasks(run: Run, step: str) -> bool:
    """Whether a worker of the step can have one for itself."""
    return step in run.queued and not gangs.is_next(run, step)


def _room_beside_the_waiting(run: Run) -> Share:
    """What of the host is free without what the first step needs that waits for more of it than there is: small tasks
    would otherwise pass by a large one for ever."""
    free = gangs.room_for_others(run)
    for step in islice(run.queued, run.plan.max_workers):
        share = run.plan.share(step)
        if not share.fits(free) and _has_tasks(run, step):
            return free - share
    return free


def _assign(run: Run, worker: Worker, control: int | None, now: float) -> Iterator[Command]:
    task = _next_task(run, worker.step)
    run.occupy(worker, task)
    task.began, task.failed = now, None
    yield Write(AttemptStarted(now, task.step, task.task_id, task.attempt, container=str(worker.number)))
    yield Assign(worker.number, _message(run, task), control)


def _next_task(run: Run, step: str) -> Task:
    queue = run.queued[step]
    task = queue.popleft()
    if not queue:
        del run.queued[step]
    return task


def start_workers(run: Run) -> Iterator[Command]:
    """Workers for what is queued; when each queued task has one, ahead of time for the steps that may follow.

    The loop ends where no attempt is left to give, so its length does not depend on how many steps are queued.
    """
    for step in gangs.queued(run):
        for _ in range(gangs.lacking(run, step)):
            yield _start(run, step)
    there = _Workers.of(run)
    left = gangs.limit_for_others(run) - run.busy - there.awaited(run)
    free = gangs.room_for_others(run)
    complete = True
    for step, queue in run.queued.items():
        if gangs.is_next(run, step):
            continue
        share = run.plan.share(step)
        starting, coming = min(there.starting[step], len(queue)), min(there.coming(step), len(queue))
        able = share.goes_into(free, len(queue))
        wanted = max(able, 0 if step in there.steps else 1) - coming
        left -= coming - starting
        started = max(0, min(wanted, max(left, _spare(run, step) - coming)))
        for _ in range(started):
            yield _start(run, queue[0].step)
        left -= max(0, wanted)
        free -= share.times(coming + started)
        complete = complete and coming + started == len(queue)
        if left < 0:
            return
    if complete:
        yield from _start_ahead(run)


@dataclass(frozen=True)
class _Workers:
    """How many there are for a step's tasks, by step; `steps` have some, be they busy."""

    starting: Counter[str]
    idle: Counter[str]
    steps: frozenset[str]

    @classmethod
    def of(cls, run: Run) -> _Workers:
        starting = Counter(worker.step for worker in run.workers.values() if worker.state == "starting")
        idle = Counter(worker.step for worker in run.workers.values() if worker.state == "idle")
        busy = (worker.step for worker in run.workers.values() if worker.state == "busy")
        return cls(starting, idle, frozenset((*starting, *idle, *busy)))

    def coming(self, step: str) -> int:
        return self.starting[step] + self.idle[step]

    def awaited(self, run: Run) -> int:
        """How many tasks will begin as soon as a worker is ready that is starting."""
        return sum(min(count, len(run.queued[step])) for step, count in self.starting.items() if _has_tasks(run, step))


def _spare(run: Run, step: str) -> int:
    """How many workers may be on their way for tasks that have to wait: those of other tasks end with them."""
    return AHEAD if run.plan.steps[step].fresh_containers else 0


def _start_ahead(run: Run) -> Iterator[Command]:
    """For the nearest steps first, as long as few workers wait for a first task that is still to come: those that have
    had one are kept for steps further on, and are no reason not to start others."""
    there = Counter(worker.step for worker in run.workers.values() if _can_go_on(run, worker))
    waiting = sum(_awaits_its_first(worker) and worker.step not in run.queued for worker in run.workers.values())
    for step, most in islice(_expected(run), NEAREST):
        workers = run.plan.workers(step)
        of_use = max(1, run.plan.share(step).goes_into(run.plan.capacity, min(most, run.plan.max_workers)))
        while waiting < AHEAD and there[workers] < of_use and workers not in run.broken:
            there[workers] += 1
            waiting += 1
            yield _start(run, step, ahead=True)
        if waiting >= AHEAD:
            return


def _awaits_its_first(worker: Worker) -> bool:
    return worker.state in ("starting", "idle") and not worker.tried


def _can_go_on(run: Run, worker: Worker) -> bool:
    """Whether it can have a task after the one that it has, if it has one."""
    if worker.task is None:
        return worker.state != "ending"
    return not (run.plan.steps[worker.task.step].fresh_containers or worker.killed)


def _expected(run: Run) -> Iterator[tuple[str, int]]:
    """The steps that may follow, the nearest first, each with how many workers of its kind can be of use by then.

    What follows directly may run side by side: the branches of a split, and of a foreach two tasks at least.
    """
    wanted: Counter[str] = Counter()
    for live in run.live:
        for follower in run.plan.steps[live].next:
            workers = run.plan.workers(follower)
            wanted[workers] += 2 if run.plan.steps[live].foreach else 1
            yield follower, wanted[workers]
    nearest = deque(follower for live in run.live for follower in run.plan.steps[live].next)
    seen = {*run.live, *nearest}
    while nearest:
        for follower in run.plan.steps[nearest.popleft()].next:
            if follower not in seen:
                seen.add(follower)
                nearest.append(follower)
                yield follower, 1


def _start(run: Run, step: str, ahead: bool = False) -> Command:
    run.worker_count += 1
    run.workers[run.worker_count] = Worker(run.worker_count, run.plan.workers(step))
    return StartWorker(run.worker_count, step, ahead)


def stop_idle(run: Run) -> Iterator[Command]:
    """End the workers of steps that will have no task any more, or fewer at once than there are workers for."""
    there = Counter(worker.step for worker in run.workers.values() if worker.state != "ending")
    wanted = {step: _wanted(run, step, count) for step, count in there.items()}
    for worker in run.workers.values():
        if worker.state in ("idle", "starting") and there[worker.step] > wanted[worker.step]:
            there[worker.step] -= 1
            worker.state = "ending"
            yield StopWorker(worker.number)


def _wanted(run: Run, step: str, most: int) -> int:
    return 0 if run.failure else run.reach.at_once(step, most)


def _message(run: Run, task: Task) -> RunTask:
    plan, step = run.plan, run.plan.steps[task.step]
    return RunTask(
        flow=plan.flow,
        run_id=plan.run_id,
        step=task.step,
        task_id=task.task_id,
        attempt=task.attempt,
        last_attempt=task.retries >= step.retries,
        parameters=plan.parameters,
        inputs=task.inputs,
        foreach=task.place.foreach,
        fallback=task.fallback,
        user=plan.user,
        namespace=plan.namespace,
        tags=plan.tags,
        origin_run_id=plan.origin_run_id,
        time_limit=step.time_limit,
        secrets=step.secrets,
        project=plan.project,
        gang=_gang(task),
    )


def _gang(task: Task) -> Gang | None:
    """Where the first of them can be reached is not known here: see `values.Assign`."""
    if task.gang is None:
        return None
    tasks = task.gang.tasks
    return Gang(gangs.number(task), len(tasks), tasks[0].task_id, address="")
