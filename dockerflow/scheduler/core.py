"""The scheduler's core: told what happened, it says what to do.

`advance` never waits, reads a clock, or touches a container or a file: the loop does, and passes the time in. So a run
of ten thousand tasks can be replayed in a test as a list of events. `Run` is changed in place and belongs to the one
who calls `advance`: copying it for every event would make the cost of a task grow with the width of the run.

Which worker does what is in `pool`, which are started in `staffing`, and which tasks follow a finished one in
`following`. Here is what comes of attempts, workers and hosts:
- a failed attempt is followed by another, as often as the step retries, then by `@catch`; one that was lost with its
  container is no failure of the step's, and is repeated a few times beyond that;
- a worker that lost a task to a crash is not used again: the next attempt gets a fresh container;
- on a host that is given up nothing is started until it is back; its tasks run elsewhere when their workers are gone;
- the tasks of a gang begin together, and what becomes of them is known when all have ended: see `gangs`;
- after a failure that nothing catches, or when the store is lost, no new attempt starts; those that run may end, and
  their results are kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from dockerflow.runtime.messages import TaskResult
from dockerflow.scheduler import gangs
from dockerflow.scheduler.following import begin, follow
from dockerflow.scheduler.looked_up import answered
from dockerflow.scheduler.pool import assign, stop_idle
from dockerflow.scheduler.staffing import start_workers
from dockerflow.scheduler.state import End, Run, Task, Worker
from dockerflow.scheduler.values import (
    Begin,
    Command,
    Event,
    Finish,
    HostAway,
    HostBack,
    KillWorker,
    LookedUp,
    RetryDue,
    StepPlan,
    StopRequested,
    StopWorker,
    StoreLost,
    TaskReturned,
    WaitForRetry,
    WorkerGone,
    WorkerReady,
    Write,
)
from dockerflow.store.records import AttemptFinished, AttemptStarted, Failure, RunFinished, Transition

# Failures after which the worker's process or container cannot be trusted with another task.
CRASHES = frozenset({"signal", "out_of_memory", "timeout", "lost"})

# A worker that ends before it is ready is started again; so many times in a row for one step on one host, then none is
# started there any more. Those that were started side by side count once: one broken connection ends them all.
STARTS = 3


def advance(run: Run, event: Event, now: float) -> list[Command]:
    """What to do after `event`, in order. `now` is in seconds since the epoch."""
    if run.finished:
        return []
    commands = list(_react(run, event, now))
    if not run.finished:
        commands += _schedule(run, now)
        commands += _finish_if_done(run, now)
    return commands


def _react(run: Run, event: Event, now: float) -> Iterator[Command]:
    match event:
        case Begin():
            yield from begin(run, now)
        case WorkerReady(worker):
            _ready(run, worker)
        case TaskReturned(worker, result, log):
            yield from _returned(run, run.workers[worker], result, log, now)
        case WorkerGone(worker):
            yield from _gone(run, run.workers.pop(worker), event, now)
        case RetryDue(task_id):
            _queue_again(run, gangs.with_its_gang(run.tasks[task_id]))
        case StopRequested():
            yield from _stop(run, event, now)
        case StoreLost(reason):
            run.failure = run.failure or reason
        case LookedUp():
            yield from answered(run, event, now)
        case HostAway() | HostBack():
            yield from _host_changed(run, event)


# ---- tasks


def _queue_again(run: Run, tasks: list[Task]) -> None:
    """Before those that were not tried yet."""
    for task in reversed(tasks):
        run.queue(task, first=True)


def _returned(run: Run, worker: Worker, result: TaskResult, log: str | None, now: float) -> Iterator[Command]:
    task = worker.task
    if task is None or worker.state != "busy":
        return
    run.release(worker, task)
    worker.state = "ending" if worker.killed else "idle"
    result = _checked(run, result)
    crashed = result.failure is not None and result.failure.kind in CRASHES
    if crashed or worker.adopted or run.plan.steps[task.step].fresh_containers:
        worker.state = "ending"
        yield StopWorker(worker.number)
    yield from _ended(run, End(task, result, log), now)


def _checked(run: Run, result: TaskResult) -> TaskResult:
    """The result, failed if what it asks for cannot follow. Whatever a worker says was in the hands of user code."""
    failure = _fault(run, run.plan.steps[result.step], result.transition) if result.ok else None
    return result if failure is None else replace(result, ok=False, failure=failure)


def _fault(run: Run, step: StepPlan, transition: Transition | None) -> Failure | None:
    if step.condition is not None:
        return _fault_of_switch(step, transition.steps if transition else ())
    if step.foreach is not None:
        return _fault_of_foreach(step, (transition.size if transition else None) or 0, run.plan.max_num_splits)
    if step.gang:
        return gangs.fault(run.plan, step, transition)
    return None


def _fault_of_foreach(step: StepPlan, size: int, most: int) -> Failure | None:
    if 1 <= size <= most:
        return None
    return Failure(
        "exception",
        f"the foreach over `{step.foreach}` makes {size:,} tasks; there may be 1 to {most:,}",
        hint="put several items into one task, or raise the limit with `--max-num-splits`",
    )


def _fault_of_switch(step: StepPlan, chosen: tuple[str, ...]) -> Failure | None:
    if len(chosen) == 1 and chosen[0] in step.next:
        return None
    found = " and ".join(f"`{name}`" for name in chosen) or "no step"
    expected = ", ".join(f"`{name}`" for name in step.next)
    return Failure("exception", f"the switch on `{step.condition}` chose {found}; expected one of {expected}")


def _ended(run: Run, end: End, now: float) -> Iterator[Command]:
    if end.task.gang is None:
        yield from _settle(run, [end], now)
        return
    yield from gangs.member_ended(run, end.task.gang, end)
    if gangs.is_over(end.task.gang):
        yield from _settle(run, gangs.verdict(end.task.gang), now)


def _settle(run: Run, ends: list[End], now: float) -> Iterator[Command]:
    """What comes of an attempt of one task, or of all tasks of a gang."""
    failed = [end for end in ends if not end.result.ok]
    if not failed:
        yield from _conclude(run, ends, now)
        if not run.failure:
            for end in ends:
                yield from follow(run, end.task, end.result.manifest, end.result.transition, now)
        return
    task, culprit = ends[0].task, gangs.culprit(failed)
    step = run.plan.steps[task.step]
    # Of a gang only the first to fail is lost still, see `gangs.verdict`: what others then raise is because of that.
    lost = any(_failure(end.result).kind == "lost" for end in failed)
    if lost:
        _go_elsewhere(task)
    lost = lost and task.lost < step.lost_retries + task.adopted
    exhausted = not lost and task.retries >= step.retries
    # What the step raises is caught in the task's own process; after a crash @catch acts in one more attempt.
    falls_back = step.catches and task.fallback is None
    if run.failure or (exhausted and not falls_back):
        yield from _conclude(run, ends, now)
        run.failure = run.failure or _reason(culprit)
        return
    for end in ends:
        if lost:
            end.task.lost += 1
        else:
            end.task.fallback = _failure(end.result) if exhausted else None
    yield from _try_again(run, ends, 0.0 if lost or exhausted else step.retry_seconds, now)


def _go_elsewhere(task: Task) -> None:
    """A host that lost an attempt may lose another."""
    if task.gang is None:
        task.avoid = task.host
    else:
        gangs.lost(task.gang)


def _try_again(run: Run, ends: list[End], pause: float, now: float) -> Iterator[Command]:
    for end in ends:
        end.task.attempt += 1
        end.task.failed = _record(end, now, final=False)
        yield Write(end.task.failed, retry_in=pause)
    if pause:
        yield WaitForRetry(ends[0].task.task_id, pause)
    else:
        _queue_again(run, [end.task for end in ends])


def _conclude(run: Run, ends: list[End], now: float) -> Iterator[Command]:
    for end in ends:
        yield Write(_record(end, now, final=True))
        run.forget(end.task)


def _cut_off(task: Task, failure: Failure, log: str | None, now: float) -> End:
    """The end of an attempt whose worker can no longer say how long it took."""
    seconds = max(0.0, now - task.began)  # clocks are set back now and then
    return End(task, TaskResult(task.step, task.task_id, task.attempt, ok=False, failure=failure, seconds=seconds), log)


def _failure(result: TaskResult) -> Failure:
    return result.failure or Failure("lost", "the attempt failed without a reason")


def _reason(end: End) -> str:
    return f"task {end.task.step}/{end.task.task_id} failed: {_failure(end.result).message}"


def _record(end: End, now: float, *, final: bool) -> AttemptFinished:
    task, result = end.task, end.result
    return AttemptFinished(
        time=now,
        step=task.step,
        task_id=task.task_id,
        attempt=result.attempt,
        ok=result.ok,
        final=final,
        manifest=result.manifest,
        failure=result.failure,
        caught=result.caught,
        log=end.log,
        seconds=result.seconds,
        user_seconds=result.user_seconds,
        system_seconds=result.system_seconds,
        peak_memory=result.peak_memory,
        read=result.read,
        transition=result.transition,
    )


# ---- workers


def _ready(run: Run, number: int) -> None:
    worker = run.workers[number]
    run.failed_starts.pop((worker.step, worker.host), None)
    if worker.state == "starting":
        worker.state = "idle"


def _gone(run: Run, worker: Worker, event: WorkerGone, now: float) -> Iterator[Command]:
    if worker.state == "busy" and worker.task is not None:
        end = _cut_off(worker.task, event.failure, event.log, now)
        run.release(worker, worker.task)
        yield from _ended(run, end, now)
    elif worker.state == "starting":
        failed = run.failed_starts[worker.step, worker.host]
        if failed == worker.failed_before:  # else another did that was started beside it, maybe for the same reason
            failed = run.failed_starts[worker.step, worker.host] = failed + 1
        if event.deterministic or failed >= STARTS:
            run.hosts.broken(worker.step, worker.host, event.failure)


def _host_changed(run: Run, event: HostAway | HostBack) -> Iterator[Command]:
    if isinstance(event, HostAway):
        yield from _give_up(run, event.host, event.reason)
    else:
        _take_back(run, event.host)


def _give_up(run: Run, host: str, reason: str) -> Iterator[Command]:
    """Nothing is started there. Its workers are told to end, which they do when it is back, if not before."""
    run.hosts.give_up(host, reason)
    for worker in run.workers.values():
        if worker.host == host and worker.state in ("starting", "idle"):
            worker.state = "ending"
            yield StopWorker(worker.number)


def _take_back(run: Run, host: str) -> None:
    run.hosts.take_back(host)
    for step, broken in list(run.failed_starts):
        if broken == host:
            del run.failed_starts[step, broken]


def _schedule(run: Run, now: float) -> Iterator[Command]:
    if not run.hosts.without.isdisjoint(run.queued):
        for step in [step for step in run.queued if step in run.hosts.without]:
            yield from _cannot_start(run, step, run.hosts.why_none(step), now)
    for step, failure in list(gangs.cannot_begin(run)):
        yield from _cannot_start(run, step, failure, now)
    if not run.failure:
        yield from assign(run, now)
        yield from start_workers(run)
    yield from stop_idle(run)


def _cannot_start(run: Run, step: str, failure: Failure, now: float) -> Iterator[Command]:
    """The tasks for the workers that no engine gives fail, without a retry, and with them the run."""
    tasks = run.take_all(step)
    run.failure = run.failure or f"step {tasks[0].step} cannot start: {failure.message}"
    for task in tasks:
        result = TaskResult(task.step, task.task_id, task.attempt, ok=False, failure=failure)
        yield Write(AttemptStarted(now, task.step, task.task_id, task.attempt))
        yield Write(_record(End(task, result, None), now, final=True))
        run.forget(task)


# ---- the end


def _finish_if_done(run: Run, now: float) -> Iterator[Command]:
    if run.failure and not run.busy:
        yield from _finish(run, "failed", run.failure, now)
    elif not run.task_count:  # a host was given up before the run has begun
        return
    elif not run.tasks and run.reached_end:
        yield from _finish(run, "succeeded", "", now)
    elif not run.tasks:
        yield from _finish(run, "failed", "no task is left, and the end was not reached", now)


def _stop(run: Run, event: StopRequested, now: float) -> Iterator[Command]:
    stopped = Failure("stopped", f"the run was stopped: {event.reason}")
    for each in event.returned:
        yield from _returned(run, run.workers[each.worker], each.result, each.log, now)
    for worker in run.workers.values():
        yield KillWorker(worker.number)
        if worker.state == "busy" and worker.task is not None:
            end = _cut_off(worker.task, stopped, event.logs.get(worker.number), now)
            yield Write(_record(end, now, final=True))
    for end in gangs.unsettled(run):
        yield Write(_record(End(end.task, replace(end.result, ok=False, failure=stopped), end.log), now, final=True))
    yield from _finish(run, "stopped", event.reason, now)


def _finish(run: Run, status: str, reason: str, now: float) -> Iterator[Command]:
    run.finished = True
    for task in run.tasks.values():
        if task.failed is not None:  # it waited for an attempt that will not be
            yield Write(replace(task.failed, time=now, final=True))
    yield Write(RunFinished(now, status, reason))
    yield Finish(status, reason)
