"""Where a value was written, as far as one has to know it to look at the value there."""

from __future__ import annotations

from dataclasses import dataclass

from dockerflow.store.base import Store
from dockerflow.store.manifest import ArtifactRef
from dockerflow.store.records import RunStarted, StepRecord


@dataclass(frozen=True)
class Place:
    """A step of a run: its image, and the run's code, which has the classes of the user's own files."""

    store: Store
    started: RunStarted
    step: StepRecord

    @property
    def pathspec(self) -> str:
        return f"{self.started.flow}/{self.started.run_id}/{self.step.name}"


@dataclass(frozen=True)
class Question:
    """An artifact, and the Python expression to evaluate with the name `value` for it."""

    ref: ArtifactRef
    expression: str = "repr(value)"
