"""What follows what in the graph: a finished task is followed by those of the next steps, after a switch by the one
that it chose, a join by its last input.

A new task is queued, or it is taken over with its result from the run that is resumed, or its attempt is adopted that
still goes on: see `resumed`. One of a step with `@cache` waits until it is known whether an earlier run has left a
result for it: see `looked_up`. That what a result asks for can follow, whoever comes here has seen to.
"""

from __future__ import annotations

from collections.abc import Iterator

from dockerflow.runtime.messages import ForeachFrame, Input
from dockerflow.scheduler.joins import Place, SplitFrame
from dockerflow.scheduler.pool import adopt
from dockerflow.scheduler.resumed import counterpart, result_of_origin, running_in_origin, taken_over
from dockerflow.scheduler.state import Gang, Run, Task
from dockerflow.scheduler.values import Command, LookUp, Write
from dockerflow.store.records import AttemptFinished, TaskCreated, Transition


def begin(run: Run, now: float) -> Iterator[Command]:
    yield from _create(run, run.plan.start, (), Place(), now)
    yield from _follow_taken_over(run, now)


def _create(run: Run, step: str, inputs: tuple[Input, ...], place: Place, now: float) -> Iterator[Command]:
    task = _task(run, step, inputs, place)
    found = result_of_origin(run, task)
    if found is None and (running := running_in_origin(run, task)) is not None:
        run.add(task)
        yield Write(created(task, now))
        yield from adopt(run, task, running, now)
    elif found is None and run.plan.steps[step].looked_up:
        run.add(task)
        yield LookUp(task.task_id, step, inputs, place.foreach)
    else:
        yield _added(run, task, found, now)


def _task(run: Run, step: str, inputs: tuple[Input, ...], place: Place) -> Task:
    run.task_count += 1
    indexes = tuple(frame.index for frame in place.foreach)
    return Task(step, str(run.task_count), inputs, place, counterpart(run, step, indexes))


def _added(run: Run, task: Task, found: AttemptFinished | None, now: float) -> Command:
    """The task is to run, or is not because its result was `found`."""
    record = created(task, now)
    if found is not None:
        run.to_follow.append((task, found))
        return taken_over(run, record, found)
    run.add(task)
    run.queue(task)
    return Write(record)


def created(task: Task, now: float) -> TaskCreated:
    foreach = tuple((f.step, f.variable, f.index, f.size) for f in task.place.foreach)
    return TaskCreated(now, task.step, task.task_id, tuple(i.task_id for i in task.inputs), foreach)


def _follow_taken_over(run: Run, now: float) -> Iterator[Command]:
    """Once, at the beginning: all that is taken over follows from there. Not by recursion: a flow's may be long."""
    while run.to_follow:
        task, result = run.to_follow.popleft()
        yield from follow(run, task, result.manifest, result.transition, now)


def follow(run: Run, task: Task, manifest: str | None, transition: Transition | None, now: float) -> Iterator[Command]:
    """Create the tasks that follow a finished one."""
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
