"""A step of a run."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Dict, Iterator, List, Optional, Tuple

from dockerflow.client.base import PathObject, local_time
from dockerflow.client.errors import not_found
from dockerflow.client.facts import environment_of
from dockerflow.client.task import Task
from dockerflow.store.history import RunHistory, TaskHistory
from dockerflow.store.records import StepRecord


class Step(PathObject):
    """A step that has begun in a run: `Step("Flow/run/step")`. Iterating gives its tasks, the newest first."""

    _what, _depth = "step", 2

    @property
    def task(self) -> Task:
        """One of the tasks, the newest: the only one where the step is in no foreach."""
        found: Task = self._child(self._tasks[-1].created.task_id)
        return found

    def tasks(self, *tags: str) -> Iterator[Task]:
        """The tasks, the newest first; with tags, if the run has all of them."""
        return self._filtered_children(*tags)

    @property
    def control_task(self) -> Optional[Task]:
        """The task of a gang that the others are told of; None where the step is no gang."""
        return next(self.control_tasks(), None)

    def control_tasks(self, *tags: str) -> Iterator[Task]:
        """The control tasks of the gangs that ran this step."""
        return (task for task in self.tasks(*tags) if task._is_control)

    @property
    def finished(self) -> bool:
        """Whether every task that there is by now has ended."""
        return all(task.result for task in self._tasks)

    @property
    def created_at(self) -> Optional[datetime]:
        return local_time(min(task.created.time for task in self._tasks))

    @property
    def finished_at(self) -> Optional[datetime]:
        """When the last task ended; None while one goes on."""
        ends = [task.result.time if task.result else None for task in self._tasks]
        return None if None in ends else local_time(max(end for end in ends if end))

    @property
    def duration(self) -> Optional[timedelta]:
        """From the first task's creation to the last one's end; None while one goes on."""
        return self.finished_at - self.created_at if self.finished_at and self.created_at else None

    @property
    def environment_info(self) -> Dict[str, str]:
        """The image that the step's tasks ran in, and the lock that it was made from."""
        return environment_of(self._record)

    @property
    def origin_pathspec(self) -> Optional[str]:
        origin = self._above.origin_pathspec
        return f"{origin}/{self.id}" if origin else None

    @property
    def parent_steps(self) -> Iterator[Step]:
        """The steps that this one follows, as far as they have begun."""
        before = [name for name, step in self._history.steps.items() if self.id in step.next]
        return (self._above[name] for name in before if name in self._above)

    @property
    def child_steps(self) -> Iterator[Step]:
        """The steps that follow, as far as they have begun."""
        return (self._above[name] for name in self._record.next if name in self._above)

    @property
    def _history(self) -> RunHistory:
        return self._source.history

    @property
    def _record(self) -> StepRecord:
        return self._history.steps.get(self.id, StepRecord(self.id, ()))

    @property
    def _tasks(self) -> Tuple[TaskHistory, ...]:
        """One at least. Raises NotFound."""
        tasks = self._history.tasks_by_step.get(self.id)
        if not tasks:
            raise not_found("step", self.id, self._above._described(), self._above._names())
        return tasks

    def _names(self) -> List[str]:
        return [task.created.task_id for task in reversed(self._tasks)]

    def __contains__(self, task_id: object) -> bool:
        task = self._history.tasks.get(str(task_id))
        return task is not None and task.created.step == self.id
