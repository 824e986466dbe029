"""A named value of a task."""

from __future__ import annotations

from datetime import datetime
from typing import Any, List, Mapping, Optional

from dockerflow.client.base import PathObject
from dockerflow.client.errors import not_found
from dockerflow.store import manifest
from dockerflow.store.manifest import ArtifactRef


class DataArtifact(PathObject):
    """An artifact: `DataArtifact("Flow/run/step/task/name")`. It is read when `data` is asked for, each time anew."""

    _what, _depth = "artifact", 4

    @property
    def data(self) -> Any:
        """The value. Raises CannotDecode if this Python cannot make it, naming the libraries that wrote it."""
        with self._scope.place.reading():
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
        ended: Optional[datetime] = self._above.finished_at
        return ended

    @property
    def origin_pathspec(self) -> Optional[str]:
        origin = self._above.origin_pathspec
        return f"{origin}/{self.id}" if origin else None

    def _siblings(self) -> List[str]:
        return [*self._above._refs()]

    @property
    def _ref(self) -> ArtifactRef:
        refs: Mapping[str, ArtifactRef] = self._above._refs()
        if self.id not in refs:
            raise not_found(self._what, self.id, self._above._described(), refs)
        return refs[self.id]


# Its name before there was Metaflow's, by which objects were stored.
Artifact = DataArtifact
