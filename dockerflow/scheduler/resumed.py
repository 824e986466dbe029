"""Which results of an earlier run a resumed run takes over.

A task is not run again if its counterpart in the origin succeeded and all its inputs were taken over too: then it would
receive the same. What it asked for must still be what the step may ask for, since the flow may have been edited. So a
resumed run begins with the tasks that are taken over, and nothing is taken over later. By the same rules an attempt is
adopted that still goes on in its container, but for those of gangs.

Pure, like the core: what may be taken over comes in with the plan. `reusable` makes that from a run's history.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace

from dockerflow.scheduler.state import Run, Task
from dockerflow.scheduler.values import Counterpart, Running, StepPlan, TakeOver
from dockerflow.store.history import RunHistory, TaskHistory
from dockerflow.store.records import AttemptFinished, TaskCreated, Transition


def result_of_origin(run: Run, task: Task) -> AttemptFinished | None:
    """The result to take over for a new task; None for one that is to run."""
    found = run.plan.origin.get(task.counterpart) if task.counterpart else None
    if found is None or not _inherits(run, task):
        return None
    return found if fits(run, found.transition, run.plan.steps[task.step]) else None


def running_in_origin(run: Run, task: Task) -> Running | None:
    """The attempt to adopt for a new task, which would receive the same."""
    found = run.plan.running.get(task.counterpart) if task.counterpart else None
    return found if found and found.host in run.plan.hosts and _inherits(run, task) else None


def counterpart(run: Run, step: str, indexes: tuple[int, ...]) -> Counterpart | None:
    """Of a task that is created now, for which nothing else may be asked; None in a run that resumes none."""
    if not run.plan.origin and not run.plan.running:
        return None
    number = run.created[step, indexes]
    run.created[step, indexes] += 1
    return Counterpart(step, indexes, number)


def _inherits(run: Run, task: Task) -> bool:
    return run.taken_over.issuperset(given.task_id for given in task.inputs)


def edited(run: Run) -> tuple[str, ...]:
    """The steps whose results cannot be taken over because `self.next` asks for something else now."""
    steps = run.plan.steps
    return tuple(
        dict.fromkeys(
            place.step
            for place, result in run.plan.origin.items()
            if place.step in steps and not fits(run, result.transition, steps[place.step])
        )
    )


def taken_over(run: Run, created: TaskCreated, found: AttemptFinished) -> TakeOver:
    """A task that is one of the origin's, as are those that follow it."""
    run.taken_over.add(created.task_id)
    return with_result(created, found)


def with_result(created: TaskCreated, found: AttemptFinished) -> TakeOver:
    """The task with a result that is another's. It ran no attempt of its own, so it has one, without a log."""
    result = replace(found, time=created.time, task_id=created.task_id, attempt=0, log=None)
    return TakeOver(replace(created, origin_task_id=found.task_id), result)


def fits(run: Run, asked: Transition | None, step: StepPlan) -> bool:
    """Whether what follows a result in the origin is what may follow the step now."""
    if not step.next:
        return True
    if asked is None:
        return False
    if step.condition is not None:
        return len(asked.steps) == 1 and asked.steps[0] in step.next and asked.size is None
    if (asked.steps, asked.foreach, asked.gang) != (step.next, step.foreach, step.gang):
        return False
    return asked.size is None or 1 <= asked.size <= run.plan.max_num_splits


def from_step(steps: Mapping[str, StepPlan], first: str) -> frozenset[str]:
    """`first` and all steps that may follow it."""
    found, todo = {first}, [first]
    while todo:
        new = set(steps[todo.pop()].next) - found
        found |= new
        todo += new
    return frozenset(found)


def _is_ok(result: AttemptFinished) -> bool:
    return result.ok


def reusable(
    origin: RunHistory, without: Collection[str] = (), good: Callable[[AttemptFinished], bool] = _is_ok
) -> dict[Counterpart, AttemptFinished]:
    """The results of a run that a run which resumes it may take over: those that are good, none of the steps in
    `without`. The tasks of a gang worked together: their results count only if all of them are good.
    """
    results = {task_id: task.result for task_id, task in origin.tasks.items() if task.result and good(task.result)}
    whole = _whole_gangs(origin, results)
    found: dict[Counterpart, AttemptFinished] = {}
    for counterpart, task in counted(origin):
        parent = _gang_of(origin, task)
        result = results.get(task.created.task_id) if parent is None or parent in whole else None
        if result is not None and counterpart.step not in without:
            found[counterpart] = result
    return found


def counted(origin: RunHistory) -> Iterator[tuple[Counterpart, TaskHistory]]:
    seen: Counter[tuple[str, tuple[int, ...]]] = Counter()
    for task in origin.tasks.values():
        place = (task.created.step, tuple(index for _, _, index, _ in task.created.foreach))
        yield Counterpart(*place, seen[place]), task
        seen[place] += 1


def _gang_of(origin: RunHistory, task: TaskHistory) -> str | None:
    """The id of the task that made the gang which this one belongs to."""
    inputs = task.created.inputs
    if len(inputs) != 1 or inputs[0] not in origin.tasks:
        return None
    result = origin.tasks[inputs[0]].result
    return inputs[0] if result and result.transition and result.transition.gang else None


def _whole_gangs(origin: RunHistory, results: Collection[str]) -> frozenset[str]:
    """The ids of the tasks that made gangs of which all tasks have results."""
    count = Counter(_gang_of(origin, task) for task_id, task in origin.tasks.items() if task_id in results)
    return frozenset(parent for parent in count if parent and count[parent] == _size_of_gang(origin, parent))


def _size_of_gang(origin: RunHistory, parent: str) -> int:
    result = origin.tasks[parent].result
    return (result.transition.size if result and result.transition else None) or 0
