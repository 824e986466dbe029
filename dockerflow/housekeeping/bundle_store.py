"""A bundle as a store with one run, to be read: importing it is copying a run from one store to another.

All bytes are compared with their hashes as they are read: those of blobs with their names, others with the index.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from dockerflow.housekeeping.bundle import Index, blob_member, read_index
from dockerflow.store.base import BlobInfo, BlobStore, Chunk, Ends, KeyInfo, Store, damaged, first_of, last_of
from dockerflow.store.errors import DamagedRecord, MissingBlob, StoreError

__all__ = ["BundleStore", "opened"]

_PIECE = 1 << 20


def opened(path: Path) -> BundleStore:
    """Raises BundleError for what is no bundle, or not all of one."""
    return BundleStore(path, *read_index(path))


class BundleStore(Store):
    """A bundle as a store with one run, to be read. Threads may share it."""

    def __init__(self, path: Path, index: Index, places: dict[str, int]) -> None:
        self.path = path
        self.index = index
        self._places = places
        self.blobs: _Blobs = _Blobs(self)

    @property
    def name(self) -> str:
        return str(self.path)

    @property
    def scratch(self) -> Path:
        return self.path / "scratch"  # which cannot be: nothing is left beside it

    def pieces(self, member: str) -> Iterator[bytes]:
        """Raises StoreError where the file has been changed since it was opened."""
        left = self._size(member)
        try:
            with self.path.open("rb") as file:
                file.seek(self._places[member])
                while left and (piece := file.read(min(left, _PIECE))):
                    left -= len(piece)
                    yield piece
        except OSError as error:
            raise StoreError(f"cannot read `{self.path}`: {error.strerror}") from error
        if left:
            raise StoreError(f"`{self.path}` has become shorter while it was read")

    def _size(self, member: str) -> int:
        found = self.index.objects.get(member)
        return found[0] if found else self.index.blobs[member.rpartition("/")[2]]

    def get(self, key: str) -> bytes | None:
        if key not in self.index.objects:
            return None
        body = b"".join(self.pieces(key))
        if hashlib.sha256(body).hexdigest() != self.index.objects[key][1]:
            raise DamagedRecord(f"`{key}` in `{self.path}` is damaged: it is not what the index says")
        return body

    def first_line(self, key: str) -> bytes | None:
        body = self.get(key)
        return None if body is None else first_of(body)

    def ends(self, key: str, size: int) -> Ends | None:
        body = self.get(key)
        return None if body is None else Ends(first_of(body), last_of(body))

    def exists(self, key: str) -> bool:
        return key in self.index.objects

    def every(self, prefix: str = "") -> Iterator[KeyInfo]:
        return (KeyInfo(key, size) for key, (size, _) in self.index.objects.items() if key.startswith(prefix))

    def children(self, prefix: str) -> list[str]:
        below = (key[len(prefix) + 1 :] for key in self.index.objects if key.startswith(f"{prefix}/"))
        return sorted({rest.partition("/")[0] for rest in below})

    def is_held(self, key: str) -> bool:
        return False

    def put(self, key: str, data: bytes, durable: bool = False) -> None:
        raise _read_only(self.path)

    def put_new(self, key: str, data: bytes) -> bool:
        raise _read_only(self.path)

    def delete(self, *keys: str) -> None:
        raise _read_only(self.path)

    def hold(self, key: str) -> AbstractContextManager[None]:
        raise _read_only(self.path)


class _Blobs(BlobStore):
    """The blobs of a bundle. All that is read is compared with its name."""

    def __init__(self, bundle: BundleStore) -> None:
        self._bundle = bundle
        self.written: list[str] = []

    def stream(self, sha256: str) -> Iterator[bytes]:
        self.size(sha256)
        hashed = hashlib.sha256()
        for piece in self._bundle.pieces(blob_member(sha256)):
            hashed.update(piece)
            yield piece
        if hashed.hexdigest() != sha256:
            raise damaged(sha256, self._bundle.name)

    def get(self, sha256: str) -> memoryview:
        return memoryview(bytearray(b"".join(self.stream(sha256))))

    def has(self, sha256: str) -> bool:
        return sha256 in self._bundle.index.blobs

    def size(self, sha256: str) -> int:
        if sha256 not in self._bundle.index.blobs:
            raise MissingBlob(f"blob `{sha256}` is not in `{self._bundle.path}`")
        return self._bundle.index.blobs[sha256]

    def verify(self, sha256: str) -> None:
        for _ in self.stream(sha256):
            pass

    def every(self) -> Iterator[BlobInfo]:
        return (BlobInfo(sha256, size, self.now()) for sha256, size in sorted(self._bundle.index.blobs.items()))

    def location(self, sha256: str) -> str:
        return f"{self._bundle.path}:{blob_member(sha256)}"

    def now(self) -> float:
        return self._bundle.path.stat().st_mtime

    def keep(self, sha256: str) -> bool:
        return self.has(sha256)

    def put(self, chunks: Iterable[Chunk]) -> str:
        raise _read_only(self._bundle.path)

    def delete(self, hashes: Iterable[str]) -> None:
        raise _read_only(self._bundle.path)

    def delete_untouched(self, hashes: Iterable[str], since: float) -> list[str]:
        raise _read_only(self._bundle.path)

    def adopt(self, outbox: str | Path, sha256: str) -> None:
        raise _read_only(self._bundle.path)


def _read_only(path: Path) -> StoreError:
    return StoreError(f"`{path}` is a bundle, which is not written to", "`dockerflow import` brings it into a store")
