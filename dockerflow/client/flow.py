"""A flow that has runs, and one of its runs."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import FrozenSet, Iterator, List, Optional

from dockerflow.client.base import PathObject, local_time
from dockerflow.client.code import Code
from dockerflow.client.source import RunSource
from dockerflow.client.task import Step, Task
from dockerflow.client.values import Values
from dockerflow.store import history, runs
from dockerflow.store.history import RunHistory


class Flow(PathObject):
    """A flow by its name: `Flow("GenreStats")`. Iterating gives its runs, the newest first."""

    _what, _depth = "flow", 0

    @property
    def latest_run(self) -> Optional[Run]:
        """The newest run, whatever became of it."""
        return next(self.runs(), None)

    @property
    def latest_successful_run(self) -> Optional[Run]:
        return next((run for run in self.runs() if run.successful), None)

    def runs(self, *tags: str) -> Iterator[Run]:
        """The runs that have all these tags, the newest first."""
        for run in self:
            if run.tags.issuperset(tags):
                yield run

    def __contains__(self, run_id: object) -> bool:
        return runs.has_begun(self._store, self.id, str(run_id))

    def _siblings(self) -> List[str]:
        return runs.flow_names(self._store)

    def _names(self) -> List[str]:
        return runs.run_ids(self._store, self.id)


class Run(PathObject):
    """A run: `Run("GenreStats/1718000000000000")`. Iterating gives its steps, the newest first."""

    _what, _depth = "run", 1

    @property
    def status(self) -> str:
        """`running`, `succeeded`, `failed`, `stopped`, or `killed`: without an end, and its scheduler is dead.

        While a run goes on elsewhere, or went on there when it was killed, it is `running`.
        """
        return history.status_now(self._store, self.parent.id, self.id, self._history)

    @property
    def successful(self) -> bool:
        return self.status == "succeeded"

    @property
    def finished(self) -> bool:
        """Whether the run is over, well or badly. (In Metaflow a failed run never is.)"""
        return self._history.finished is not None

    @property
    def created_at(self) -> Optional[datetime]:
        return local_time(self._history.started.time if self._history.started else None)

    @property
    def finished_at(self) -> Optional[datetime]:
        """When the run was over; None while it is not."""
        return local_time(self._history.finished.time if self._history.finished else None)

    @property
    def duration(self) -> Optional[timedelta]:
        """From the run's beginning to its end; None while it runs."""
        return self.finished_at - self.created_at if self.finished_at and self.created_at else None

    @property
    def reason(self) -> str:
        """Why the run failed or was stopped."""
        return self._history.finished.reason if self._history.finished else ""

    @property
    def end_task(self) -> Optional[Task]:
        """The task of the step `end`, once there is one."""
        return self["end"].task if "end" in self else None

    @property
    def data(self) -> Optional[Values]:
        """The artifacts of the step `end`; None before it has ended."""
        task = self.end_task
        return task.data if task is not None and task.finished else None

    @property
    def code(self) -> Optional[Code]:
        """The code that the run was made with."""
        started = self._history.started
        return Code(self._store, started.code, started.flow_file) if started and started.code else None

    @property
    def user(self) -> str:
        return self._history.started.user if self._history.started else ""

    @property
    def origin_run_id(self) -> Optional[str]:
        """The run that this one resumed."""
        return self._history.started.origin_run_id if self._history.started else None

    @property
    def tags(self) -> FrozenSet[str]:
        return self.user_tags | self.system_tags

    @property
    def user_tags(self) -> FrozenSet[str]:
        return frozenset(self._history.started.tags if self._history.started else ())

    @property
    def system_tags(self) -> FrozenSet[str]:
        return frozenset({f"user:{self.user}"} if self.user else ())

    def steps(self, *tags: str) -> Iterator[Step]:
        """The steps that have begun, the newest first."""
        return iter(self) if self.tags.issuperset(tags) else iter(())

    @property
    def _history(self) -> RunHistory:
        return self._source.history

    def _complete(self) -> None:
        self._source = RunSource(self._store, *self._components)

    def _exists(self) -> bool:
        return self.id in self.parent

    def _names(self) -> List[str]:
        begun = [(tasks[0].created.time, step) for step, tasks in self._history.tasks_by_step.items() if tasks]
        order = list(self._history.tasks_by_step)
        return [step for _, step in sorted(begun, key=lambda one: (one[0], order.index(one[1])), reverse=True)]
