"""The blobs of a bucket for one attempt of a task: read there, and written without being allowed to write there.

Small ones, as nearly all manifests are, travel in the attempt's result, and the scheduler puts them. A large one goes
to the bucket by itself: the scheduler signs one request, for exactly these bytes under their hash. What is too large
for one request goes to the run's own outbox in the bucket, in parts. When the server is away for longer than one waits
for it, a blob stays in the outbox on the engine's machine. From both the scheduler takes it.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Callable, Dict, Iterable, Iterator, List, Optional, Tuple, Union, cast

from dockerflow.runtime.messages import Inline
from dockerflow.store.base import BlobInfo, BlobStore, Chunk
from dockerflow.store.blobs import Blobs
from dockerflow.store.errors import AccessDenied, MissingBlob, Unreachable

if TYPE_CHECKING:
    from dockerflow.store.s3.aside import Aside

# A blob of up to this size travels in the result, as long as all that do have no more together, in bytes.
SMALL = 256 << 10
TOGETHER = 4 << 20

# A server takes 5 GiB in one request; the hash of what is sent in parts no server compares.
SINGLE = 4 << 30


class TaskBlobs(BlobStore):
    """`written` are the blobs in the outbox, `sent` those in the bucket's; `inline` what the result has to carry."""

    def __init__(
        self,
        bucket: BlobStore,
        outbox: Union[str, Path],
        known: Iterable[Inline] = (),
        sending: Optional[BlobStore] = None,
        aside: Optional[Callable[[], Aside]] = None,
    ) -> None:
        """`known` are small blobs of the bucket that need not be asked for. `sending` is the bucket for what is put,
        where that is done with less patience than reading: the outbox is there, and input is nowhere else. `aside`
        opens the run's outbox in the bucket."""
        self._bucket = bucket
        self._open_aside, self._aside = aside, cast("Optional[Aside]", None)
        self._sending = bucket if sending is None else sending
        self._known = {blob.sha256: blob.data for blob in known}
        # What is in the outbox alone: no blob has its home there.
        self._spooled = Blobs(Path(outbox) / "none", outbox)
        self._small: Dict[str, bytes] = {}

    @property
    def written(self) -> List[str]:  # type: ignore[override]
        return self._spooled.written

    @property
    def inline(self) -> Tuple[Inline, ...]:
        return tuple(Inline.of(sha256, data) for sha256, data in self._small.items())

    @property
    def sent(self) -> Tuple[str, ...]:
        return () if self._aside is None else tuple(self._aside.sent)

    def put(self, chunks: Iterable[Chunk]) -> str:
        pieces = [memoryview(chunk).cast("B") for chunk in chunks]
        size = sum(map(len, pieces))
        if size <= SMALL and sum(map(len, self._small.values())) + size <= TOGETHER:
            data = b"".join(pieces)
            sha256 = hashlib.sha256(data).hexdigest()
            self._small[sha256] = data
            return sha256
        with suppress(Unreachable, AccessDenied):
            return self._taking(size).put(pieces)
        return self._spooled.put(pieces)

    def get(self, sha256: str) -> memoryview:
        for here in (self._small, self._known):
            if sha256 in here:
                return memoryview(bytearray(here[sha256]))
        return self._place_of(sha256).get(sha256)

    def read_ahead(self, hashes: Iterable[str]) -> List[str]:
        return self._bucket.read_ahead(each for each in hashes if each not in self._known)

    def stream(self, sha256: str) -> Iterator[bytes]:
        if sha256 in self._small:
            return iter([self._small[sha256]])
        return self._place_of(sha256).stream(sha256)

    def has(self, sha256: str) -> bool:
        return sha256 in self._small or self._place_of(sha256).has(sha256)

    def location(self, sha256: str) -> str:
        if sha256 in self._small:
            raise MissingBlob(f"blob `{sha256}` is on its way to the store")
        return self._place_of(sha256).location(sha256)

    def size(self, sha256: str) -> int:
        if sha256 in self._small:
            return len(self._small[sha256])
        return self._place_of(sha256).size(sha256)

    def verify(self, sha256: str) -> None:
        if sha256 not in self._small:
            self._place_of(sha256).verify(sha256)

    def every(self) -> Iterator[BlobInfo]:
        return self._bucket.every()

    def delete(self, hashes: Iterable[str]) -> None:
        self._bucket.delete(hashes)

    def delete_untouched(self, hashes: Iterable[str], since: float) -> List[str]:
        return self._bucket.delete_untouched(hashes, since)

    def keep(self, sha256: str) -> bool:
        return sha256 in self._small or self._place_of(sha256).keep(sha256)

    def now(self) -> float:
        return self._bucket.now()

    def adopt(self, outbox: Union[str, Path], sha256: str) -> None:
        self._bucket.adopt(outbox, sha256)

    def _taking(self, size: int) -> BlobStore:
        if size <= SINGLE:
            return self._sending
        if self._aside is None and self._open_aside is not None:
            self._aside = self._open_aside()
        return self._aside or self._spooled

    def _place_of(self, sha256: str) -> BlobStore:
        if self._aside is not None and sha256 in self._aside.sent:
            return self._aside
        return self._spooled if sha256 in self._spooled.written else self._bucket
