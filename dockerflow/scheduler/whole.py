"""Which results are still in the store with all that they name, and are kept: who takes one over refers to its blobs,
and its run may be deleted at the same time.
"""

from __future__ import annotations

from dockerflow.errors import DockerflowError
from dockerflow.store import manifest
from dockerflow.store.base import BlobStore

__all__ = ["Whole"]


class Whole:
    """Tasks share most of their blobs, so each is looked for once. Threads may share it."""

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs
        self._known: dict[str, bool] = {}

    def has(self, sha256: str) -> bool:
        """A manifest, and all that it names."""
        try:
            refs = manifest.read(self._blobs, sha256).artifacts.values()
        except DockerflowError:  # it is gone, or damaged
            return False
        return all(map(self._keeps, (sha256, *(ref.blob for ref in refs))))

    def _keeps(self, sha256: str) -> bool:
        if sha256 not in self._known:
            self._known[sha256] = self._blobs.keep(sha256)
        return self._known[sha256]
