"""A task of a past run, as a worker was asked to run it: for whoever runs it again without a run.

The journal has what the task received by its tasks; here that becomes the manifests again. A task inside of foreaches
also reads the lists that were split: of each level the task that split is looked for among those before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from dockerflow.flow.definition import Flow
from dockerflow.runtime.messages import ForeachFrame, Gang, Input, RunTask
from dockerflow.scheduler.errors import RunError
from dockerflow.scheduler.reach import places_of
from dockerflow.store.history import UNBEGUN, RunHistory, TaskHistory
from dockerflow.store.records import RunStarted, TaskCreated

# The id of a task that no run had.
NEW = "0"

# Whom a task of a gang finds as its control task, where it runs alone.
_HERE = "127.0.0.1"


def task_again(run: RunHistory, task: TaskHistory) -> RunTask:
    """What `task` received. Raises RunError where the journal does not tell all of it."""
    created, started = task.created, _started(run)
    return RunTask(
        flow=started.flow,
        run_id=started.run_id,
        step=created.step,
        task_id=created.task_id,
        attempt=task.attempts[-1].number if task.attempts else 0,
        last_attempt=False,  # a failure is to be seen, and not to be caught
        parameters=started.parameters,
        inputs=tuple(_input(run, task, each) for each in created.inputs),
        foreach=tuple(frames(run, task)),
        user=started.user,
        namespace=f"user:{started.user}",
        tags=started.tags,
        origin_run_id=started.origin_run_id,
        gang=_gang(run, task),
    )


def task_after(flow: Flow, step: str, first: TaskHistory, before: Iterable[TaskHistory], index: int) -> TaskHistory:
    """A task of a step that the run did not come to, or did not have. `first` is a finished task before it, and if the
    step is a join, its other inputs are among `before`. After a task that splits it is the one with this index. Raises
    RunError for an index that there is not."""
    levels = first.created.foreach
    split = first.result.transition if first.result else None
    if split is not None and split.foreach is not None:
        if not 0 <= index < (split.size or 0):
            raise RunError(f"task `{_name(first)}` split into {split.size}: there is no index {index}")
        levels = (*levels, (first.created.step, split.foreach, index, split.size or 0))
    inputs = [first]
    if flow.steps[step].join:
        ends = 1 if _is_in_foreach(flow, first.created.step) else 0
        levels = levels[: len(levels) - ends]
        branches = _branches(flow)
        turns = {(_indexes(each), branches.index(each.created.step)): each for each in before}  # of a loop the last
        inputs = [turns[where] for where in sorted(turns) if turns[where].created.foreach[: len(levels)] == levels]
    ids = tuple(each.created.task_id for each in inputs)
    return TaskHistory(TaskCreated(first.created.time, step, NEW, ids, levels))


def first_of(tasks: Sequence[TaskHistory]) -> TaskHistory:
    """The one with the lowest indexes in its foreaches: which of them began first is chance."""
    return min(tasks, key=_indexes)


def _indexes(task: TaskHistory) -> tuple[int, ...]:
    return tuple(index for _, _, index, _ in task.created.foreach)


def _branches(flow: Flow) -> list[str]:
    """The steps of each branch before those of the next, in the order in which a join takes them."""
    order: list[str] = []
    ahead = list(flow.steps)[:1]
    while ahead:
        name = ahead.pop()
        if name not in order:
            order.append(name)
            ahead += reversed(flow.steps[name].next)
    return order


def _is_in_foreach(flow: Flow, step: str) -> bool:
    """Whether the innermost split around a step is a foreach."""
    place = places_of(flow.steps)[step]
    return bool(place) and place[-1]


def failures(tasks: Iterable[TaskHistory]) -> list[TaskHistory]:
    """Those of the tasks that failed by now; where none did, those whose failure @catch has caught."""
    ended = [task for task in tasks if task.latest is not None]
    failed = [task for task in ended if task.latest and not task.latest.ok]
    return failed or [task for task in ended if task.latest and task.latest.caught]


def frames(run: RunHistory, task: TaskHistory) -> Iterator[ForeachFrame]:
    """The foreaches around a task, outermost first."""
    levels = task.created.foreach
    for number, (step, variable, index, size) in enumerate(levels):
        splitting = _splitting(run, task, step, levels[:number])
        yield ForeachFrame(step, variable, index, size, _manifest(task, splitting))


def _started(run: RunHistory) -> RunStarted:
    if run.started is None:
        raise RunError("the run has no beginning that could be read", UNBEGUN)
    return run.started


def _input(run: RunHistory, task: TaskHistory, task_id: str) -> Input:
    given = run.tasks.get(task_id)
    if given is None:
        raise RunError(f"the journal does not tell of task `{task_id}`, which task `{_name(task)}` received")
    return Input(given.created.step, task_id, _manifest(task, given))


def _manifest(task: TaskHistory, given: TaskHistory) -> str:
    if given.result is None or given.result.manifest is None:
        raise RunError(f"task `{_name(given)}` left no artifacts, which task `{_name(task)}` received")
    return given.result.manifest


def _splitting(run: RunHistory, task: TaskHistory, step: str, levels: tuple[object, ...]) -> TaskHistory:
    """The nearest task of `step` before the task that is inside of `levels` alone."""
    before = list(task.created.inputs)
    for task_id in before:  # which grows
        found = run.tasks.get(task_id)
        if found is not None and found.created.step == step and found.created.foreach == levels:
            return found
        before += [each for each in (found.created.inputs[:1] if found else ()) if each not in before]
    raise RunError(f"the journal does not tell which task of step `{step}` split for task `{_name(task)}`")


def _gang(run: RunHistory, task: TaskHistory) -> Gang | None:
    """Of a task that had others beside it, and now has none."""
    if not task.created.foreach or task.created.foreach[-1][1]:
        return None
    together = [each for each in run.tasks.values() if each.created.inputs == task.created.inputs]
    first = next((each for each in together if each.created.foreach[-1][2] == 0), task)
    _, _, index, size = task.created.foreach[-1]
    return Gang(index, size, first.created.task_id, _HERE)


def _name(task: TaskHistory) -> str:
    return f"{task.created.step}/{task.created.task_id}"
