"""What a bucket could not take stays on this machine, and is delivered before anything else is written there.

    <scratch>/spool/        a directory store with the blobs and objects that are still to be delivered
    <scratch>/spool/asked/  changes of tags that steps had asked for
    <scratch>/spool/sent/   names of blobs that are in the bucket, where steps have left them to be taken over

A scheduler writes through `Spooling`. When the server is away for longer than its client waits, or no longer takes what
we send, everything from there on is spooled at once, and the scheduler is told, which ends its run. So whatever was
computed by then is kept, and the journal that tells of it too: when `deliver` has brought both to the bucket, a resumed
run finds them as if nothing had been.

Delivering may be broken off at any point and begun again, since blobs and segments of a journal are the same whoever
puts them and however often. What a spool holds is deleted when the server has it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import ContextManager, TypeVar

from dockerflow.lazy_dataclasses import dataclass
from dockerflow.store import run_tags
from dockerflow.store.base import BlobInfo, BlobStore, Chunk, Ends, KeyInfo, Store, Waiting, check_hash
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.errors import DamagedBlob, DamagedRecord, MissingBlob, StoreError, Unreachable
from dockerflow.store.pieces import gathered

__all__ = ["Delivered", "Spooling", "SpoolingBlobs", "deliver", "spool_folder"]

T = TypeVar("T")
Item = TypeVar("Item")
Result = TypeVar("Result")

# What is wrong with what is written, not with who takes it.
_OF_THE_CONTENT = (DamagedBlob, DamagedRecord, MissingBlob)


def spool_folder(store: Store) -> Path:
    return store.scratch / "spool"


class Spooling(Store):
    """A store whose server may go away; `lost` is called once, when something could not be brought there. `error` says
    why from then on, and what is to be read raises Unreachable. Threads may share it.

    `direct` is the store itself, for what is not worth ending a run.
    """

    def __init__(self, store: Store, lost: Callable[[StoreError], None]) -> None:
        self.error: StoreError | None = None
        self.blobs: BlobStore = SpoolingBlobs(self, store.blobs)
        self.spool = DirectoryStore(spool_folder(store))
        self.direct = store
        self._lost = lost

    @property
    def name(self) -> str:
        return self.direct.name

    @property
    def scratch(self) -> Path:
        return self.direct.scratch

    def be_patient(self, patient: bool) -> None:
        self.direct.be_patient(patient)

    def when_waiting(self, tell: Waiting) -> None:
        self.direct.when_waiting(tell)

    def put(self, key: str, data: bytes, durable: bool = False) -> None:
        self.write(lambda: self.direct.put(key, data, durable), lambda: self.spool.put(key, data, durable=True))

    def put_new(self, key: str, data: bytes) -> bool:
        return self.read(lambda: self.direct.put_new(key, data))  # only the server knows whether it is new

    def get(self, key: str) -> bytes | None:
        return self.read(lambda: self.direct.get(key))

    def each(self, function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
        return self.direct.each(function, items)

    def first_line(self, key: str) -> bytes | None:
        return self.read(lambda: self.direct.first_line(key))

    def ends(self, key: str, size: int) -> Ends | None:
        return self.read(lambda: self.direct.ends(key, size))

    def exists(self, key: str) -> bool:
        return self.read(lambda: self.direct.exists(key))

    def every(self, prefix: str = "") -> Iterator[KeyInfo]:
        return self.read(lambda: self.direct.every(prefix))

    def children(self, prefix: str) -> list[str]:
        return self.read(lambda: self.direct.children(prefix))

    def holders(self, prefix: str, name: str) -> list[str]:
        return self.read(lambda: self.direct.holders(prefix, name))

    def delete(self, *keys: str) -> None:
        """What the server has stays there when it is away: whoever deletes must be able to do with what was not."""
        self.write(lambda: self.direct.delete(*keys), lambda: self.spool.delete(*keys))

    def hold(self, key: str) -> ContextManager[None]:
        return self.direct.hold(key)

    def is_held(self, key: str) -> bool:
        return self.read(lambda: self.direct.is_held(key))

    def keep_asked(self, outbox: Path) -> None:
        """Spool the changes of tags that were asked for in an outbox."""
        folder = self.spool.root / _ASKED
        for asked in run_tags.asked(outbox):
            with suppress(OSError):
                folder.mkdir(parents=True, exist_ok=True)
                shutil.move(asked.path, folder / asked.path.name)

    def read(self, ask: Callable[[], T]) -> T:
        """Of a server that is away nobody waits for a second answer. Raises Unreachable."""
        if self.error is not None:
            raise Unreachable(self.error.message, self.error.hint)
        try:
            return ask()
        except Unreachable as error:
            self._lose(error)
            raise

    def write(self, send: Callable[[], T], keep: Callable[[], T]) -> T:
        if self.error is not None:
            return keep()
        try:
            return send()
        except _OF_THE_CONTENT:
            raise
        except StoreError as error:
            kept = keep()  # raises what is not the server's fault
            self._lose(error)
            return kept

    def _lose(self, error: StoreError) -> None:
        first, self.error = self.error is None, self.error or error
        if first:
            self.direct.be_patient(False)  # who waits now would be the next to say so
            self._lost(error)


class SpoolingBlobs(BlobStore):
    """The blobs of `Spooling`."""

    def __init__(self, store: Spooling, blobs: BlobStore) -> None:
        self._store, self._blobs = store, blobs

    @property
    def written(self) -> list[str]:  # type: ignore[override]
        return self._blobs.written

    def put(self, chunks: Iterable[Chunk]) -> str:
        with gathered(chunks) as pieces:
            every = list(pieces) if isinstance(chunks, (list, tuple)) else pieces
            return self._store.write(lambda: self._blobs.put(every), lambda: self._store.spool.blobs.put(every))

    def adopt(self, outbox: str | Path, sha256: str) -> None:
        self._store.write(
            lambda: self._blobs.adopt(outbox, sha256), lambda: self._store.spool.blobs.adopt(outbox, sha256)
        )

    def take_over(self, folder: str, sha256: str) -> None:
        """It is in the bucket already, in a place that is not its own: what is kept here is a word about it."""
        note = f"{_SENT}/{folder}/{check_hash(sha256)}"
        self._store.write(
            lambda: self._blobs.take_over(folder, sha256), lambda: self._store.spool.put(note, b"", durable=True)
        )

    def delete(self, hashes: Iterable[str]) -> None:
        self._store.read(lambda: self._blobs.delete(hashes))

    def delete_untouched(self, hashes: Iterable[str], since: float) -> list[str]:
        return self._store.read(lambda: self._blobs.delete_untouched(hashes, since))

    def keep(self, sha256: str) -> bool:
        return self._store.read(lambda: self._blobs.keep(sha256))

    def now(self) -> float:
        return self._store.read(self._blobs.now)

    def get(self, sha256: str) -> memoryview:
        return self._store.read(lambda: self._blobs.get(sha256))

    def stream(self, sha256: str) -> Iterator[bytes]:
        return self._store.read(lambda: self._blobs.stream(sha256))

    def has(self, sha256: str) -> bool:
        return self._store.read(lambda: self._blobs.has(sha256))

    def location(self, sha256: str) -> str:
        return self._store.read(lambda: self._blobs.location(sha256))

    def size(self, sha256: str) -> int:
        return self._store.read(lambda: self._blobs.size(sha256))

    def verify(self, sha256: str) -> None:
        self._store.read(lambda: self._blobs.verify(sha256))

    def every(self) -> Iterator[BlobInfo]:
        return self._store.read(self._blobs.every)


# ---- later

_ASKED = "asked"
_SENT = "sent"


@dataclass(frozen=True)
class Delivered:
    """What was brought to the store; `damaged` are files that no longer hold what their names say, and stay."""

    blobs: int = 0
    size: int = 0  # of the blobs, in bytes
    objects: int = 0
    damaged: tuple[Path, ...] = ()


def waiting(store: Store) -> str | None:
    """What to tell who reads a store to which something is still to be delivered."""
    folder = spool_folder(store)
    if isinstance(store, DirectoryStore) or not folder.is_dir():
        return None
    spool = DirectoryStore(folder)
    if not any(spool.every()) and not any(spool.blobs.every()):
        return None
    return (
        f"what a run could not bring to `{store.name}` waits in `{folder}`: `dockerflow resume`, or the next command "
        "that writes there, delivers it"
    )


def deliver(store: Store) -> Delivered:
    """Bring what is spooled to the store, blobs before the journals that tell of them. Raises StoreError."""
    folder = spool_folder(store)
    if isinstance(store, DirectoryStore) or not folder.is_dir():
        return Delivered()
    with _alone(folder):
        spool = DirectoryStore(folder)
        delivered = _deliver_blobs(spool, store)
        _take_over_sent(spool, store)
        keys = [key for key in spool.keys("") if not key.startswith(f"{_ASKED}/")]
        for key in keys:
            store.put(key, spool.get(key) or b"")
            spool.delete(key)
        run_tags.take_over(store, folder / _ASKED)
        _remove_empty(folder)
    return Delivered(delivered.blobs, delivered.size, len(keys), delivered.damaged)


def _deliver_blobs(spool: DirectoryStore, store: Store) -> Delivered:
    count, size, damaged = 0, 0, []
    for blob in list(spool.blobs.every()):
        path = spool.blobs.path(blob.sha256)
        try:
            store.blobs.adopt(path.parent, blob.sha256)
        except DamagedBlob:
            damaged.append(path.rename(path.with_name(f"damaged-{blob.sha256}")))
        else:
            count, size = count + 1, size + blob.size
    return Delivered(count, size, damaged=tuple(damaged))


def _take_over_sent(spool: DirectoryStore, store: Store) -> None:
    """What is no longer there, or is something else, has to be computed again, which who resumes finds out."""
    for key in spool.keys(f"{_SENT}/"):
        folder, _, sha256 = key[len(f"{_SENT}/") :].rpartition("/")
        with suppress(MissingBlob, DamagedBlob):
            store.blobs.take_over(folder, sha256)
        spool.delete(key)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One command at a time: two would send everything twice."""
    with (folder / ".lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _remove_empty(folder: Path) -> None:
    """The folder too, when a scheduler does not put something there this moment."""
    for place, _, _ in os.walk(folder, topdown=False):
        with suppress(OSError):
            if Path(place) == folder:
                (folder / ".lock").unlink()
            Path(place).rmdir()
