"""Which worker does what: tasks to workers of their step, workers for tasks, and some ahead of time.

- A step's tasks go to workers of that step, one at a time each, oldest first; those of a gang all at once.
- At most `max_workers` attempts run at once; a worker is started where one is wanted.
- Where a worker has one task only, the next ones are on their way while all that may run do.
- When every queued task has a worker, others are started for the steps that may follow: that hides their start-up.
- The workers of a step end when no task can reach it any more.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator

from dockerflow.runtime.messages import Gang, RunTask
from dockerflow.scheduler import gangs
from dockerflow.scheduler.state import Run, Task, Worker
from dockerflow.scheduler.values import Assign, Command, StartWorker, StopWorker, Write
from dockerflow.store.records import AttemptStarted

# So many workers at most wait for tasks that are still to come, in a linear flow for the next steps.
AHEAD = 2


def assign(run: Run, now: float) -> Iterator[Command]:
    while (workers := gangs.ready(run)) is not None:
        for worker in workers:
            yield from _assign(run, worker, workers[0].number, now)
    most = gangs.limit_for_others(run)
    for worker in list(run.workers.values()):
        if run.busy >= most:
            return
        if worker.state == "idle" and worker.step in run.queued and not gangs.is_next(run, worker.step):
            yield from _assign(run, worker, None, now)


def _assign(run: Run, worker: Worker, control: int | None, now: float) -> Iterator[Command]:
    task = _next_task(run, worker.step)
    worker.state, worker.task = "busy", task
    task.began, task.failed = now, None
    run.busy += 1
    yield Write(AttemptStarted(now, task.step, task.task_id, task.attempt, container=str(worker.number)))
    yield Assign(worker.number, _message(run, task), control)


def _next_task(run: Run, step: str) -> Task:
    queue = run.queued[step]
    task = queue.popleft()
    if not queue:
        del run.queued[step]
    return task


def start_workers(run: Run) -> Iterator[Command]:
    """Workers for what is queued; when each queued task has one, ahead of time for the steps that may follow."""
    for step in list(run.queued):
        for _ in range(gangs.lacking(run, step)):
            yield _start(run, step)
    coming = Counter(worker.step for worker in run.workers.values() if worker.state in ("starting", "idle"))
    queued = {step: queue for step, queue in run.queued.items() if not gangs.is_next(run, step)}
    awaited = {step: min(coming[step], len(queue)) for step, queue in queued.items()}
    free = gangs.limit_for_others(run) - run.busy - sum(awaited.values())
    for step, queue in queued.items():
        wanted = len(queue) - awaited[step]
        for _ in range(min(max(free, _spare(run, step) - awaited[step]), wanted)):
            yield _start(run, step)
        free -= wanted
        if free < 0:
            return
    yield from _start_ahead(run)


def _spare(run: Run, step: str) -> int:
    """How many workers may be on their way for tasks that have to wait: those of other tasks end with them."""
    return AHEAD if run.plan.steps[step].fresh_containers else 0


def _start_ahead(run: Run) -> Iterator[Command]:
    """The nearest steps first, as long as few workers wait for tasks that are still to come."""
    served = {worker.step for worker in run.workers.values()}
    waiting = sum(w.state in ("starting", "idle") and w.step not in run.queued for w in run.workers.values())
    nearest = deque(run.live)
    seen = set(nearest)
    while nearest and waiting < AHEAD:
        for follower in run.plan.steps[nearest.popleft()].next:
            if follower not in seen:
                seen.add(follower)
                nearest.append(follower)
                if follower not in served and follower not in run.broken and waiting < AHEAD:
                    waiting += 1
                    yield _start(run, follower)


def _start(run: Run, step: str) -> Command:
    run.worker_count += 1
    run.workers[run.worker_count] = Worker(run.worker_count, step)
    return StartWorker(run.worker_count, step)


def stop_idle(run: Run) -> Iterator[Command]:
    """End the workers of steps that will have no task any more."""
    for worker in run.workers.values():
        if worker.state in ("idle", "starting") and not _may_be_wanted(run, worker.step):
            worker.state = "ending"
            yield StopWorker(worker.number)


def _may_be_wanted(run: Run, step: str) -> bool:
    return not run.failure and (step in run.live or not run.reaches[step].isdisjoint(run.live))


def _message(run: Run, task: Task) -> RunTask:
    plan, step = run.plan, run.plan.steps[task.step]
    return RunTask(
        flow=plan.flow,
        run_id=plan.run_id,
        step=task.step,
        task_id=task.task_id,
        attempt=task.attempt,
        last_attempt=task.attempt >= step.retries,
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
