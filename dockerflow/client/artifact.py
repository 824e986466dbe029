"""A named value of a task."""

from __future__ import annotations

from datetime import datetime
from typing import Any, List, Mapping, Optional

from dockerflow.client.base import PathObject
from dockerflow.store import manifest
from dockerflow.store.manifest import ArtifactRef


class Artifact(PathObject):
    """An artifact: `Artifact("Flow/run/step/task/name")`. It is read when `data` is asked for, each time anew."""

    _what, _depth = "artifact", 4

    @property
    def data(self) -> Any:
        """The value. Raises CannotDecode if this Python cannot make it, naming the libraries that wrote it."""
        return manifest.load(self._store.blobs, self._ref)

    @property
    def size(self) -> int:
        """Bytes in the store."""
        return self._ref.size

    @property
    def sha(self) -> str:
        """The sha256 of the stored bytes: artifacts with equal ones are equal."""
        return self._ref.sha256

    @property
    def type(self) -> str:
        """The value's class, by the name that it is imported under."""
        return self._ref.type

    @property
    def libraries(self) -> Mapping[str, str]:
        """The versions of Python and of the libraries that wrote the value."""
        return self._ref.libraries

    @property
    def created_at(self) -> Optional[datetime]:
        return self.finished_at

    @property
    def finished_at(self) -> Optional[datetime]:
        """When the attempt that wrote it ended."""
        ended: Optional[datetime] = self.parent.finished_at
        return ended

    def _siblings(self) -> List[str]:
        return [*self._above._refs()]

    def _complete(self) -> None:
        self._ref: ArtifactRef = self._above._refs()[self.id]
