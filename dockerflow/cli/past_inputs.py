"""Whose inputs a step is run on again: those of a past task, or of one that a run did not come to."""

from __future__ import annotations

from dockerflow.cli.errors import CommandLineError
from dockerflow.cli.pathspecs import Selection, select
from dockerflow.client.errors import not_found
from dockerflow.flow.definition import Flow
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.scheduler.past import NEW, failures, first_of, task_after
from dockerflow.store import history, runs
from dockerflow.store.base import Store
from dockerflow.store.history import RunHistory, TaskHistory
from dockerflow.store.records import RunStarted


@dataclass(frozen=True)
class Wanted:
    """The step, and what says for which task: a pathspec, and the index of a foreach."""

    step: str
    pathspec: str | None = None
    index: int | None = None


@dataclass(frozen=True)
class Past:
    """The task whose inputs are taken; `task` may be one that its run never had."""

    run: RunHistory
    started: RunStarted
    task: TaskHistory

    @property
    def pathspec(self) -> str:
        created = self.task.created
        return f"{self.started.flow}/{self.started.run_id}/{created.step}/{created.task_id}"

    @property
    def told(self) -> str:
        if self.task.created.task_id != NEW:
            return f"on the inputs of {self.pathspec}"
        count = len(self.task.created.inputs)
        given = ", ".join(f"{self.run.tasks[each].created.step}/{each}" for each in self.task.created.inputs[:3])
        missing = [f"{each.created.step}/{each.created.task_id}" for each in self._missing()]
        without = f", without {missing[0]}{', …' if len(missing) > 1 else ''}, which did not succeed" if missing else ""
        return f"after {given}{', …' if count > 3 else ''} of {self.started.flow}/{self.started.run_id}{without}"

    def _missing(self) -> list[TaskHistory]:
        """Tasks of the same steps that a run would have waited for."""
        steps = {self.run.tasks[each].created.step for each in self.task.created.inputs}
        levels = self.task.created.foreach
        there = [task for task in self.run.tasks.values() if task.created.step in steps]
        return [task for task in there if task.created.foreach[: len(levels)] == levels and not _is_done(task)]


def step_of(pathspec: str) -> str:
    """The step that a pathspec names. Raises CommandLineError."""
    words = pathspec.strip("/").split("/")
    words = words[1:] if _begins_with_run(pathspec) else words[2:]
    if len(words) not in (1, 2):
        raise CommandLineError(f"`{pathspec}` names no step", "write `Flow/run/step` or `Flow/run/step/task`")
    return words[0]


def _begins_with_run(pathspec: str) -> bool:
    """As Metaflow's do, which are of one flow."""
    return pathspec.partition("/")[0].isdigit()


def past_task(wanted: Wanted, store: Store, flow: Flow) -> Past:
    """Raises NotFound, CommandLineError, RunError."""
    if wanted.step not in flow.steps:
        raise not_found("step", wanted.step, f"flow `{flow.name}`", flow.steps)
    if wanted.pathspec is not None:
        named = f"{flow.name}/{wanted.pathspec}" if _begins_with_run(wanted.pathspec) else wanted.pathspec
        selection = select(store, named)
        if selection.flow != flow.name:
            raise CommandLineError(
                f"`{named}` is of flow `{selection.flow}`, and this is flow `{flow.name}`",
                f"`dockerflow runs list --flow {flow.name}` lists its runs",
            )
        return _in_run(wanted, flow, selection.run, _named(selection, named), f"`{named}`")
    for run_id in runs.run_ids(store, flow.name):
        run = history.read(store, flow.name, run_id)
        if run.tasks_by_step.get(wanted.step) or any(run.tasks_by_step.get(each) for each in _before(flow, wanted)):
            return _in_run(wanted, flow, run, None, f"run `{flow.name}/{run_id}`")
    raise CommandLineError(
        f"no run of flow `{flow.name}` in the store `{store.name}` came to step `{wanted.step}`",
        "run the flow first; another store can be named with `--store`",
    )


def _named(selection: Selection, pathspec: str) -> tuple[TaskHistory, ...] | None:
    return selection.tasks if pathspec.strip("/").count("/") > 1 else None


def _before(flow: Flow, wanted: Wanted) -> list[str]:
    return list(flow.preceding()[wanted.step])


def _is_before(flow: Flow, wanted: Wanted, task: TaskHistory) -> bool:
    return task.created.step in _before(flow, wanted) and _is_done(task)


def _is_done(task: TaskHistory) -> bool:
    return task.result is not None and task.result.ok


def _in_run(wanted: Wanted, flow: Flow, run: RunHistory, named: tuple[TaskHistory, ...] | None, where: str) -> Past:
    """A task of the step, one that failed if there is; or a new one, after finished tasks of the steps before it."""
    assert run.started is not None, "a run that is listed has begun"  # noqa: S101
    among = tuple(run.tasks.values()) if named is None else named
    there = [task for task in among if task.created.step == wanted.step]
    if there:
        return Past(run, run.started, _one(wanted, there, where))
    before = [task for task in among if _is_before(flow, wanted, task)]
    if not before:
        expected = " or ".join(f"`{each}`" for each in [wanted.step, *_before(flow, wanted)])
        raise CommandLineError(
            f"{where} has no task of step `{wanted.step}`, and none before it that succeeded",
            f"name a run, or a task of {expected}, with `--from`",
        )
    every = [task for task in run.tasks.values() if _is_before(flow, wanted, task)]
    return Past(run, run.started, task_after(flow, wanted.step, first_of(before), every, wanted.index or 0))


def _one(wanted: Wanted, there: list[TaskHistory], where: str) -> TaskHistory:
    if wanted.index is not None:
        found = [each for each in there if each.created.foreach and each.created.foreach[-1][2] == wanted.index]
        if not found:
            raise CommandLineError(
                f"{where} has no task of step `{wanted.step}` with index {wanted.index}",
                f"there is {len(there)}, of which none is of a foreach"
                if not there[0].created.foreach
                else f"it has indexes up to {max(each.created.foreach[-1][2] for each in there)}",
            )
        there = found
    return first_of(failures(there) or there)
