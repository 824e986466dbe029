"""A task as its step gets it, for somebody who looks into it instead of running it: see `dockerflow.debugging`.

Nothing that is set on the flow is kept. Standard library only, Python 3.7.
"""

from __future__ import annotations

from typing import Any, Optional

from dockerflow.flow.current import current
from dockerflow.flow.definition import Flow
from dockerflow.flow.inputs import Inputs
from dockerflow.flow.spec import FlowSpec
from dockerflow.flow.wrapping import call_step
from dockerflow.runtime.messages import RunTask
from dockerflow.runtime.task import Attempt
from dockerflow.store.base import BlobStore

__all__ = ["OpenTask"]


class OpenTask:
    """`this` is the flow at the beginning of the step, `inputs` is there for a join. `current` tells of the task."""

    def __init__(self, cls: Any, flow: Flow, request: RunTask, blobs: BlobStore) -> None:
        """Raises MissingBlob, DamagedBlob, DamagedRecord."""
        self._attempt, self._step = Attempt(cls, flow, request, blobs), request.step
        self.this: FlowSpec
        self.this, self._arguments = self._attempt.instances()
        self.inputs: Optional[Inputs] = self._arguments[0] if self._arguments else None
        current.enter(self._attempt.situation())

    def run(self) -> None:
        """Call the step. Raises what it raises."""
        call_step(getattr(self.this, self._step), self._arguments)

    def left(self, manifest: str) -> FlowSpec:
        """What an attempt of the task left: an instance with these artifacts."""
        return self._attempt.left(manifest)
