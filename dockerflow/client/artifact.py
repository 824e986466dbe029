"""A named value of a task."""

from __future__ import annotations

from datetime import datetime
from typing import Any, List, Mapping, Optional

from dockerflow.artifacts.errors import CannotDecode
from dockerflow.client import writers
from dockerflow.client.base import PathObject
from dockerflow.client.errors import LISTED, not_found
from dockerflow.store import manifest, runs, uses
from dockerflow.store.base import computed_again
from dockerflow.store.errors import DamagedBlob, MissingBlob, StoreError
from dockerflow.store.manifest import ArtifactRef

# The newest runs of a flow that are looked at for a blob that is lost; the command looks at all.
LOOKED_AT = 100


class DataArtifact(PathObject):
    """An artifact: `DataArtifact("Flow/run/step/task/name")`. It is read when `data` is asked for, each time anew."""

    _what, _depth = "artifact", 4

    @property
    def data(self) -> Any:
        """The value. Raises CannotDecode if this Python cannot make it, naming the step and the libraries that wrote
        it; MissingBlob and DamagedBlob name the runs that have lost it."""
        self._above._about_to_read(self._ref)
        try:
            with self._scope.place.reading():
                return manifest.load(self._store.blobs, self._ref)
        except CannotDecode as error:
            error.hint = self._way_out(error.hint)
            raise
        except (MissingBlob, DamagedBlob) as error:
            raise self._lost(error) from error

    def open_in_image(self, expression: str = "repr(value)") -> Any:
        """What a Python expression over `value` gives, in a container of the image of the step that wrote the artifact:
        `artifact.open_in_image("value.feature_importances_.tolist()")`. Otherwise its text.

        Needs a Docker engine, and builds the image again if it is gone. The container has no network, and the run's
        code beside it. Raises `dockerflow.in_image.errors.InImageError` with what went wrong there.
        """
        return writers.look(self._above, self._ref, expression)

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

    def _way_out(self, otherwise: Optional[str]) -> str:
        step = self._ref.step
        where = f"the image of step `{step}`, which wrote it" if step else "the image that it was written in"
        image = f"`open_in_image()` of the artifact, or `dockerflow dump --in-image`, reads it in {where}"
        return f"{image}; or {otherwise}" if otherwise else image

    def _lost(self, error: StoreError) -> StoreError:
        flow = self._components[0]
        newest = runs.run_ids(self._store, flow)[:LOOKED_AT]
        used = uses.of_blob_in(self._store, self._ref.blob, flow, newest)
        listed = [f"`{run}`" for run in dict.fromkeys("/".join(use.pathspec.split("/")[:2]) for use in used)]
        more = f" and {len(listed) - LISTED} more" if len(listed) > LISTED else ""
        hint = (
            f"it is used by {', '.join(listed[:LISTED])}{more}, and perhaps by others: `dockerflow store uses "
            f"{self._ref.blob}` lists all; {computed_again(error)}"
        )
        return type(error)(f"artifact `{self.pathspec}` cannot be read: {error.message}", hint)


# Its name before there was Metaflow's, by which objects were stored.
Artifact = DataArtifact
