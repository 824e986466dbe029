"""The scheduler's core: told what happened, it says what to do.

`advance` never waits, reads a clock, or touches a container or a file: the loop does, and passes the time in. So a run
of ten thousand tasks can be replayed in a test as a list of events. `Run` is changed in place and belongs to the one
who calls `advance`: copying it for every event would make the cost of a task grow with the width of the run.

Which worker does what is in `pool`. Here is what follows what:
- a finished task is followed by those of the next steps, after a switch by the one that it chose, a join by its last
  input;
- a task whose result is there already, in the run that is resumed, does not run: see `resumed`;
- a failed attempt is followed by another, as often as the step retries, then by `@catch`; one that was lost with its
  container is no failure of the step's, and is repeated a few times beyond that;
- a worker that lost a task to a crash is not used again: the next attempt gets a fresh container;
- the tasks of a gang begin together, and what becomes of them is known when all have ended: see `gangs`;
- after a failure that nothing catches, or when the store is lost, no new attempt starts; those that run may end, and
  their results are kept.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import replace

from dockerflow.runtime.messages import ForeachFrame, Input, TaskResult
from dockerflow.scheduler import gangs
from dockerflow.scheduler.joins import Place, SplitFrame
from dockerflow.scheduler.pool import assign, start_workers, stop_idle
from dockerflow.scheduler.resumed import result_of_origin, taken_over
from dockerflow.scheduler.state import End, Gang, Run, Task, Worker
from dockerflow.scheduler.values import (
    Begin,
    Command,
    Event,
    Finish,
    KillWorker,
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
from dockerflow.store.records import AttemptFinished, AttemptStarted, Failure, RunFinished, TaskCreated, Transition

# Failures after which the worker's process or container cannot be trusted with another task.
CRASHES = frozenset({"signal", "out_of_memory", "timeout", "lost"})

# A worker that ends before it is ready is started again; so many times in a row for one step, then the run fails.
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
            yield from _create(run, run.plan.start, (), Place(), now)
            yield from _follow_taken_over(run, now)
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


# ---- tasks


def _create(run: Run, step: str, inputs: tuple[Input, ...], place: Place, now: float) -> Iterator[Command]:
    task = _task(run, step, inputs, place)
    yield _added(run, task, result_of_origin(run, task), now)


def _task(run: Run, step: str, inputs: tuple[Input, ...], place: Place) -> Task:
    run.task_count += 1
    return Task(step, str(run.task_count), inputs, place)


def _added(run: Run, task: Task, found: AttemptFinished | None, now: float) -> Command:
    """The task is to run, or is not because its result was `found`."""
    foreach = tuple((f.step, f.variable, f.index, f.size) for f in task.place.foreach)
    created = TaskCreated(now, task.step, task.task_id, tuple(i.task_id for i in task.inputs), foreach)
    if found is not None:
        run.to_follow.append((task, found))
        return taken_over(run, created, found)
    run.add(task)
    _queue(run, task).append(task)
    return Write(created)


def _follow_taken_over(run: Run, now: float) -> Iterator[Command]:
    """Once, at the beginning: all that is taken over follows from there. Not by recursion: a flow's may be long."""
    while run.to_follow:
        task, result = run.to_follow.popleft()
        yield from _follow(run, task, result.manifest, result.transition, now)


def _queue_again(run: Run, tasks: list[Task]) -> None:
    """Before those that were not tried yet."""
    for task in reversed(tasks):
        _queue(run, task).appendleft(task)


def _queue(run: Run, task: Task) -> deque[Task]:
    return run.queued.setdefault(run.plan.workers(task.step), deque())


def _returned(run: Run, worker: Worker, result: TaskResult, log: str | None, now: float) -> Iterator[Command]:
    task = worker.task
    if task is None or worker.state != "busy":
        return
    run.release(worker)
    worker.state = "ending" if worker.killed else "idle"
    result = _checked(run, result)
    crashed = result.failure is not None and result.failure.kind in CRASHES
    if crashed or run.plan.steps[task.step].fresh_containers:
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
                yield from _follow(run, end.task, end.result.manifest, end.result.transition, now)
        return
    task, culprit = ends[0].task, gangs.culprit(failed)
    step = run.plan.steps[task.step]
    # Of a gang only the first to fail is lost still, see `gangs.verdict`: what others then raise is because of that.
    lost = any(_failure(end.result).kind == "lost" for end in failed) and task.lost < step.lost_retries
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
        transition=result.transition,
    )


# ---- the graph


def _follow(run: Run, task: Task, manifest: str | None, transition: Transition | None, now: float) -> Iterator[Command]:
    """Create the tasks that follow a finished one. What it asks for can be: see `_checked`."""
    step = run.plan.steps[task.step]
    finished = Input(task.step, task.task_id, manifest or "")
    if not step.next:
        run.reached_end = True
    elif step.foreach is not None:
        size = transition.size if transition and transition.size else 0
        for index in range(size):
            frame = ForeachFrame(task.step, step.foreach, index, size, finished.manifest)
            place = task.place.inside(SplitFrame(task.task_id, index, size, foreach=True), frame)
            yield from _enter(run, step.next[0], place, finished, now)
    elif step.gang:
        yield from _create_gang(run, task, finished, transition.size if transition and transition.size else 0, now)
    elif step.condition is not None:
        for name in transition.steps if transition else ():
            yield from _enter(run, name, task.place, finished, now)
    elif len(step.next) > 1:
        for branch, name in enumerate(step.next):
            place = task.place.inside(SplitFrame(task.task_id, branch, len(step.next), foreach=False))
            yield from _enter(run, name, place, finished, now)
    else:
        yield from _enter(run, step.next[0], task.place, finished, now)


def _create_gang(run: Run, task: Task, finished: Input, size: int, now: float) -> Iterator[Command]:
    (name,) = run.plan.steps[task.step].next
    places = [
        task.place.inside(
            SplitFrame(task.task_id, index, size, foreach=True),
            ForeachFrame(task.step, "", index, size, finished.manifest),
        )
        for index in range(size)
    ]
    tasks = [_task(run, name, (finished,), place) for place in places]
    gang = Gang(tasks)
    found = [result_of_origin(run, member) for member in tasks]
    for member, result in zip(tasks, found, strict=True):
        member.gang = gang
        yield _added(run, member, result if all(found) else None, now)  # what they did, they did together


def _enter(run: Run, name: str, place: Place, finished: Input, now: float) -> Iterator[Command]:
    if not run.plan.steps[name].join:
        yield from _create(run, name, (finished,), place, now)
        return
    inputs = run.joins.arrive(name, place, finished)
    if inputs is not None:
        yield from _create(run, name, inputs, place.outside(), now)


# ---- workers


def _ready(run: Run, number: int) -> None:
    worker = run.workers[number]
    run.failed_starts.pop(worker.step, None)
    if worker.state == "starting":
        worker.state = "idle"


def _gone(run: Run, worker: Worker, event: WorkerGone, now: float) -> Iterator[Command]:
    if worker.state == "busy" and worker.task is not None:
        end = _cut_off(worker.task, event.failure, event.log, now)
        run.release(worker)
        yield from _ended(run, end, now)
    elif worker.state == "starting":
        starts = run.failed_starts[worker.step] = run.failed_starts.get(worker.step, 0) + 1
        if event.deterministic or starts >= STARTS:
            run.broken[worker.step] = event.failure


def _schedule(run: Run, now: float) -> Iterator[Command]:
    for step in run.broken.keys() & run.queued.keys():
        yield from _cannot_start(run, step, run.broken[step], now)
    if not run.failure:
        yield from assign(run, now)
        yield from start_workers(run)
    yield from stop_idle(run)


def _cannot_start(run: Run, step: str, failure: Failure, now: float) -> Iterator[Command]:
    """The tasks for the workers that no engine gives fail, without a retry, and with them the run."""
    tasks = run.queued.pop(step)
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
