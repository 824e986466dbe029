"""What waits on this machine to be brought to a bucket: which runs it belongs to, and the store as it will be then."""

from __future__ import annotations

from dockerflow.buckets.spool import Spooling, SpoolingBlobs, spool_folder
from dockerflow.housekeeping.references import RunName
from dockerflow.store.base import BlobStore, Store
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.errors import MissingBlob

__all__ = ["AsDelivered", "anything_waits", "waiting_runs"]


def anything_waits(store: Store) -> bool:
    spool = _spool(store)
    return spool is not None and (any(spool.every("runs/")) or any(spool.blobs.every()))


def waiting_runs(store: Store) -> frozenset[RunName]:
    spool = _spool(store)
    paths = (found.key.split("/") for found in spool.every("runs/")) if spool else ()
    return frozenset(RunName(*path[1:3]) for path in paths if len(path) > 3)


class AsDelivered(Spooling):
    """A bucket as it will be when all is delivered, to be read."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, lambda error: None)
        self.blobs: BlobStore = _Blobs(self, store.blobs)

    def get(self, key: str) -> bytes | None:
        kept = self.spool.get(key)
        return super().get(key) if kept is None else kept

    def children(self, prefix: str) -> list[str]:
        return sorted({*super().children(prefix), *self.spool.children(prefix)})


class _Blobs(SpoolingBlobs):
    def get(self, sha256: str) -> memoryview:
        try:
            return self._store.spool.blobs.get(sha256)
        except MissingBlob:
            return super().get(sha256)


def _spool(store: Store) -> DirectoryStore | None:
    if isinstance(store, DirectoryStore) or not spool_folder(store).is_dir():
        return None
    return DirectoryStore(spool_folder(store))
