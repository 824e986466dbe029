"""Which task is looked into, and how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from typing import Literal

from dockerflow.debugging.jupyter import Listening
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.runtime.messages import RunTask
from dockerflow.store.base import Store
from dockerflow.store.history import TaskHistory
from dockerflow.store.records import RunStarted, StepRecord

# The session itself, a shell in its place, or Jupyter with it in a kernel.
Way = Literal["python", "shell", "notebook"]


@dataclass(frozen=True)
class Subject:
    """A task with what it received: `request`."""

    store: Store
    started: RunStarted
    step: StepRecord
    task: TaskHistory
    request: RunTask

    @property
    def pathspec(self) -> str:
        return f"{self.started.flow}/{self.started.run_id}/{self.step.name}/{self.task.created.task_id}"

    @property
    def manifest(self) -> str | None:
        """Of what its latest attempt left."""
        return self.task.latest.manifest if self.task.latest else None

    def on(self, platform: str) -> StepRecord:
        """The step as it was on hosts of a platform, where the run had such hosts."""
        every = (self.step, *(replace(each, elsewhere=()) for each in self.step.elsewhere))
        return next((each for each in every if each.platform == platform), self.step)


@dataclass(frozen=True)
class Wanted:
    """`variables` are put into the session's environment, and may be secrets. `jupyter` is there for a notebook."""

    way: Way = "python"
    run: bool = True
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    jupyter: Listening | None = None
