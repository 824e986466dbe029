"""One run of a flow."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Iterable, Iterator, List, Optional, Union

from dockerflow.client.base import PathObject, local_time
from dockerflow.client.code import Code
from dockerflow.client.step import Step
from dockerflow.client.task import Task
from dockerflow.client.values import Values
from dockerflow.store import history, tags
from dockerflow.store.history import RunHistory


class Run(PathObject):
    """A run: `Run("GenreStats/1718000000000000")`. Iterating gives its steps, the newest first."""

    _what, _depth = "run", 1

    # How it went

    @property
    def status(self) -> str:
        """`running`, `succeeded`, `failed`, `stopped`, or `killed`: without an end, and its scheduler is dead.

        While a run goes on elsewhere, or went on there when it was killed, it is `running`.
        """
        return history.status_now(self._store, self._components[0], self.id, self._history)

    @property
    def successful(self) -> bool:
        """Whether the last step succeeded, by itself and not by `@catch`."""
        return self.end_task is not None and self.end_task.successful

    @property
    def finished(self) -> bool:
        """Whether the last step has ended well. A run that failed is never finished; `status` tells it from others."""
        return self.end_task is not None and self.end_task.finished

    @property
    def created_at(self) -> Optional[datetime]:
        return local_time(self._source.begun.time)

    @property
    def finished_at(self) -> Optional[datetime]:
        """When the last step ended; None before, and for a run that failed before it."""
        return self.end_task.finished_at if self.end_task is not None else None

    @property
    def duration(self) -> Optional[timedelta]:
        """From the run's beginning to its end, however it ended; None while it runs."""
        ended = self._history.finished
        return timedelta(seconds=ended.time - self._source.begun.time) if ended else None

    @property
    def reason(self) -> str:
        """Why the run failed or was stopped."""
        return self._history.finished.reason if self._history.finished else ""

    # What came of it

    @property
    def end_task(self) -> Optional[Task]:
        """The task of the last step, that without a `self.next`, once there is one."""
        last = next((step.name for step in self._history.steps.values() if not step.next), "end")
        return self._child(last).task if last in self else None

    @property
    def data(self) -> Optional[Values]:
        """The artifacts of the last step; None before it has begun."""
        task = self.end_task
        return None if task is None else task.data

    # What it was made of

    @property
    def code(self) -> Optional[Code]:
        """The code that the run was made with."""
        return Code(self._store, self._source.begun) if self._source.begun.code else None

    @property
    def user(self) -> str:
        return self._source.begun.user

    @property
    def origin_run_id(self) -> Optional[str]:
        """The run that this one resumed."""
        return self._source.begun.origin_run_id

    @property
    def origin_pathspec(self) -> Optional[str]:
        return f"{self._components[0]}/{self.origin_run_id}" if self.origin_run_id else None

    @property
    def trigger(self) -> None:
        """The events that started the run: none do, here."""
        return

    def steps(self, *tags: str) -> Iterator[Step]:
        """The steps that have begun, the newest first; with tags, if the run has all of them."""
        return self._filtered_children(*tags)

    # Its tags

    def add_tag(self, tag: Union[str, Iterable[str]]) -> None:
        """Give the run a tag, unless it is one of the system's. Raises TaggingError for what cannot be a tag."""
        self.replace_tag([], tag)

    def add_tags(self, tags: Union[str, Iterable[str]]) -> None:
        self.replace_tag([], tags)

    def remove_tag(self, tag: Union[str, Iterable[str]]) -> None:
        """Take a tag from the run, if it has it. Raises TaggingError for one of the system's."""
        self.replace_tag(tag, [])

    def remove_tags(self, tags: Iterable[str]) -> None:
        self.replace_tags(tags, [])

    def replace_tag(self, tag_to_remove: Union[str, Iterable[str]], tag_to_add: Union[str, Iterable[str]]) -> None:
        self.replace_tags(_several(tag_to_remove), _several(tag_to_add))

    def replace_tags(self, tags_to_remove: Iterable[str], tags_to_add: Iterable[str]) -> None:
        """Remove tags and then add tags, in one change: all of it is done or, if this raises TaggingError, nothing."""
        self._source.change_tags(tags.change(tags_to_remove, tags_to_add))

    # What is read from the store

    @property
    def _history(self) -> RunHistory:
        return self._source.history

    def __contains__(self, step: object) -> bool:
        return bool(self._history.tasks_by_step.get(str(step)))

    def _names(self) -> List[str]:
        begun = [step for step, tasks in self._history.tasks_by_step.items() if tasks]
        created = [self._history.tasks_by_step[step][0].created.time for step in begun]
        return [begun[number] for _, number in sorted(zip(created, range(len(begun))), reverse=True)]


def _several(tags: Any) -> Any:
    return [tags] if isinstance(tags, (str, bytes)) else tags
