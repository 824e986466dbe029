"""Bytes addressed by their sha256 in a bucket: put once, never changed, checked whenever they are read.

    <prefix>/blobs/<first two hex digits>/<sha256>

Promised: a blob under its name is whole, and who gets or streams one has the bytes that its name says or an error. What
is there, with its size, is not sent again. Small blobs that were read stay in memory, up to `REMEMBERED` bytes: a join
reads the manifest that its hundred inputs share once.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Callable, Iterable, Iterator, List, Optional, Union

from dockerflow.store.base import YOUNG, BlobInfo, BlobStore, Chunk, check_hash, damaged, is_hash, missing
from dockerflow.store.blobs import open_regular
from dockerflow.store.errors import DamagedBlob, MissingBlob, StoreError
from dockerflow.store.parallel import in_threads
from dockerflow.store.pieces import FilePieces, Pieces, gathered
from dockerflow.store.s3.objects import ObjectInfo, Objects

BLOBS = "blobs"

# Up to this size a blob is sent at once, in one request that the server refuses if it has the blob.
SMALL = 1 << 16

# Up to this size the pieces of a blob are put together and sent in one request.
ONE_REQUEST = 8 << 20

# Up to this size a blob that was read is remembered, and of all together so many bytes.
MEMORABLE = 1 << 18
REMEMBERED = 16 << 20


class S3Blobs(BlobStore):
    """The blobs of a bucket."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._taking = threading.Lock()
        self._memory = _Memory()
        self.written: List[str] = []

    def put(self, chunks: Iterable[Chunk]) -> str:
        with gathered(chunks) as pieces:
            self._send(pieces)
            self.written.append(pieces.sha256)
            return pieces.sha256

    def get(self, sha256: str) -> memoryview:
        """Raises MissingBlob, DamagedBlob, or StoreError where the server does not answer."""
        key = self._key(sha256)
        known = self._memory.get(sha256)
        if known is not None:
            return memoryview(bytearray(known))
        found = self._objects.get_hashed(key)
        if found is None:
            raise missing(sha256, self._objects.name)
        if found.sha256 != sha256:
            raise self._damaged(sha256)
        self._memory.add(sha256, found.content)
        return memoryview(found.content)

    def read_ahead(self, hashes: Iterable[str]) -> List[str]:
        every = list(dict.fromkeys(hashes))
        in_threads(self._remember, (each for each in every if self._memory.get(each) is None))
        return [each for each in every if self._memory.get(each) is not None]

    def _remember(self, sha256: str) -> None:
        found = self._objects.get_range(self._key(sha256), 0, MEMORABLE + 1)
        if found and len(found) <= MEMORABLE and hashlib.sha256(found).hexdigest() == sha256:
            self._memory.add(sha256, found)

    def stream(self, sha256: str) -> Iterator[bytes]:
        pieces = self._objects.stream(self._key(sha256))
        if pieces is None:
            raise missing(sha256, self._objects.name)
        hashed = hashlib.sha256()
        for piece in pieces:
            hashed.update(piece)
            yield piece
        if hashed.hexdigest() != sha256:
            raise self._damaged(sha256)

    def has(self, sha256: str) -> bool:
        return self._objects.head(self._key(sha256)) is not None

    def keep(self, sha256: str) -> bool:
        found = self._objects.head(self._key(sha256))
        if found is None or self._is_young(found):
            return found is not None
        try:
            self._touch(sha256)
        except (MissingBlob, DamagedBlob):
            return False
        return self._outlived(sha256, lambda: None)

    def now(self) -> float:
        return self._objects.now()

    def location(self, sha256: str) -> str:
        self.size(sha256)
        return self._url(sha256)

    def size(self, sha256: str) -> int:
        info = self._objects.head(self._key(sha256))
        if info is None:
            raise missing(sha256, self._objects.name)
        return info.size

    def verify(self, sha256: str) -> None:
        for _ in self.stream(sha256):
            pass

    def every(self) -> Iterator[BlobInfo]:
        for found in self._objects.every(f"{BLOBS}/"):
            name = found.key.rpartition("/")[2]
            if is_hash(name):
                yield BlobInfo(name, found.size, found.modified)

    def delete(self, hashes: Iterable[str]) -> None:
        every = [check_hash(sha256) for sha256 in hashes]
        for sha256 in every:
            self._memory.forget(sha256)
        self._objects.delete([self._key(sha256) for sha256 in every])

    def delete_untouched(self, hashes: Iterable[str], since: float) -> List[str]:
        from dockerflow.store import condemned  # noqa: PLC0415 - no container deletes

        deleted: List[str] = []
        for batch in condemned.batches(map(check_hash, hashes)):
            for sha256 in batch:
                self._memory.forget(sha256)
            deleted += condemned.delete(self._objects, batch, since)
        return deleted

    def adopt(self, outbox: Union[str, Path], sha256: str) -> None:
        source = Path(outbox) / check_hash(sha256)
        try:
            with open_regular(source) as stream:
                pieces = FilePieces(stream)
                if pieces.sha256 != sha256:
                    raise damaged(sha256, str(source))
                self._send(pieces)
            source.unlink()
        except FileNotFoundError:
            if not self.has(sha256):
                raise MissingBlob(f"blob `{sha256}` was announced but is not in the outbox `{outbox}`") from None
        except OSError as error:
            raise StoreError(f"cannot read blob `{sha256}` of the outbox `{outbox}`: {error.strerror}") from error

    def take_over(self, folder: str, sha256: str) -> None:
        """One at a time: of two tasks that have sent the same, the second finds it here. The bytes are read once to be
        hashed, and then copied by the server."""
        source, target = f"{folder}/{check_hash(sha256)}", self._key(sha256)
        with self._taking:
            sent = self._objects.head(source)
            if sent is None and not self.has(sha256):
                raise MissingBlob(f"blob `{sha256}` was announced but is not in `{self._objects.name}/{folder}`")
            if sent is None:
                return
            right = self.holds(sha256, sent.size)
            if not right and self._objects.copy_checked(source, target, sha256):
                right = self._outlived(sha256, lambda: self._objects.copy_checked(source, target, sha256))
            self._objects.delete([source])
            if not right:
                raise damaged(sha256, f"{self._objects.name}/{source}")

    def holds(self, sha256: str, size: int) -> bool:
        """Whether the blob is there, young, and has its size."""
        return self._has(self._key(sha256), size)

    def _send(self, pieces: Pieces) -> None:
        """Bring the bytes to the bucket unless it has them, and they are young; one that was damaged there to another
        size is mended."""
        key = self._key(pieces.sha256)
        if pieces.size <= SMALL:
            data = b"".join(pieces)
            if not self._objects.put(key, data, new=True):
                self._replace(pieces.sha256, pieces.size, lambda: self._objects.put(key, data))
        elif pieces.size <= ONE_REQUEST:
            self._replace(pieces.sha256, pieces.size, lambda: self._objects.put(key, b"".join(pieces)))
        else:
            put = self._objects.put_large
            self._replace(pieces.sha256, pieces.size, lambda: put(key, pieces, pieces.size, pieces.sha256))

    def _replace(self, sha256: str, size: int, send: Callable[[], object]) -> None:
        found = self._objects.head(self._key(sha256))
        if found is not None and found.size == size and self._is_young(found):
            return
        send()
        if found is not None:
            self._outlived(sha256, send)

    def _touch(self, sha256: str) -> None:
        """Have the server copy the blob onto itself, or where that leaves it as old as it is, bring it there again."""
        key = self._key(sha256)
        found = self._objects.head(key) if self._objects.touch(key) else None
        if found is None or not self._is_young(found):
            with gathered(self.stream(sha256)) as pieces:
                self._objects.put_large(key, pieces, pieces.size, sha256)

    def _outlived(self, sha256: str, again: Callable[[], object]) -> bool:
        """Whether a blob that was old, and is not now, is there for good: whoever has seen it old has deleted it by
        then, and `again` is done if so."""
        from dockerflow.store import condemned  # noqa: PLC0415 - blobs are rarely old

        condemned.wait(self._objects, sha256)
        if self.has(sha256):
            return True
        again()
        return self.has(sha256)

    def _has(self, key: str, size: int) -> bool:
        info = self._objects.head(key)
        return info is not None and info.size == size and self._is_young(info)

    def _is_young(self, found: ObjectInfo) -> bool:
        return self._objects.now() - found.modified < YOUNG

    def _damaged(self, sha256: str) -> DamagedBlob:
        return damaged(sha256, self._url(sha256))

    def _url(self, sha256: str) -> str:
        return f"{self._objects.name}/{self._key(sha256)}"

    def _key(self, sha256: str) -> str:
        return f"{BLOBS}/{check_hash(sha256)[:2]}/{sha256}"


class _Memory:
    """Small blobs that were read lately."""

    def __init__(self) -> None:
        self._blobs: OrderedDict[str, bytes] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def get(self, sha256: str) -> Optional[bytes]:
        with self._lock:
            found = self._blobs.get(sha256)
            if found is not None:
                self._blobs.move_to_end(sha256)
            return found

    def add(self, sha256: str, content: Chunk) -> None:
        if len(content) > MEMORABLE:
            return
        with self._lock:
            if sha256 not in self._blobs:
                self._blobs[sha256] = bytes(content)
                self._size += len(content)
            while self._size > REMEMBERED:
                self._size -= len(self._blobs.popitem(last=False)[1])

    def forget(self, sha256: str) -> None:
        with self._lock:
            self._size -= len(self._blobs.pop(sha256, b""))
