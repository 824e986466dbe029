"""From a pathspec on the command line (`Flow/run[/step[/task]]`) to the tasks it names in a store."""

from __future__ import annotations

from collections.abc import Iterable

from dockerflow.cli.errors import CommandLineError
from dockerflow.client.errors import not_found
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.store import history, runs
from dockerflow.store.base import Store
from dockerflow.store.history import RunHistory, TaskHistory


@dataclass(frozen=True)
class Selection:
    """A run, and those of its tasks that were named, in the order of the graph."""

    flow: str
    run_id: str
    run: RunHistory
    tasks: tuple[TaskHistory, ...]

    def pathspec(self, task: TaskHistory) -> str:
        return f"{self.flow}/{self.run_id}/{task.created.step}/{task.created.task_id}"


def origin_of(selection: Selection, task: TaskHistory) -> str | None:
    """The task of another run whose result a task took over; None for one that ran."""
    created, started = task.created, selection.run.started
    if created.origin_task_id is None or started is None:
        return None
    run_id = created.origin_run_id or started.origin_run_id
    return f"{selection.flow}/{run_id}/{created.step}/{created.origin_task_id}"


def select(store: Store, pathspec: str) -> Selection:
    """The tasks that a pathspec names. Raises NotFound, or CommandLineError for what is no pathspec."""
    words = pathspec.strip("/").split("/")
    if len(words) == 5 and all(words):
        task = "/".join(words[:4])
        raise CommandLineError(
            f"`{pathspec}` names an artifact; expected a run, a step or a task",
            f"`dockerflow dump {task} --include {words[4]}` shows one artifact",
        )
    if not all(words) or len(words) > 4:
        raise CommandLineError(
            f"`{pathspec}` is no pathspec", "write `Flow/run`, `Flow/run/step` or `Flow/run/step/task`"
        )
    flows = runs.flow_names(store)
    if words[0] not in flows and words[0].isdigit():
        _add_flow(store, flows, pathspec, words)
    flow = _known("flow", words[0], flows, f"the store `{store.name}`")
    run_ids = runs.run_ids(store, flow)
    if len(words) == 1:
        raise CommandLineError(
            f"`{pathspec}` names no run", f"the newest is `{flow}/{run_ids[0]}`" if run_ids else None
        )
    run_id = _known("run", words[1], run_ids, f"flow `{flow}`")
    run = history.read(store, flow, run_id)
    return Selection(flow, run_id, run, _tasks(run, f"{flow}/{run_id}", words[2:]))


def _add_flow(store: Store, flows: Iterable[str], pathspec: str, words: list[str]) -> None:
    """Raise CommandLineError for a pathspec that begins with a run's id, as Metaflow's do."""
    for flow in flows:
        if words[0] in runs.run_ids(store, flow):
            raise CommandLineError(f"`{pathspec}` names no flow", f"write `{'/'.join([flow, *words])}`")


def _tasks(run: RunHistory, pathspec: str, words: list[str]) -> tuple[TaskHistory, ...]:
    if not words:
        return tuple(task for tasks in run.tasks_by_step.values() for task in tasks)
    step = _known("step", words[0], run.tasks_by_step, f"run `{pathspec}`")
    tasks = run.tasks_by_step[step]
    if len(words) == 1:
        return tasks
    by_id = {task.created.task_id: task for task in tasks}
    return (by_id[_known("task", words[1], by_id, f"step `{pathspec}/{step}`")],)


def _known(what: str, word: str, names: Iterable[str], where: str) -> str:
    """`word`, if it is one of the names."""
    known = tuple(names)
    if word in known:
        return word
    raise not_found(what, word, where, known)
