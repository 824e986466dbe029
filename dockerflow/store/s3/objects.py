"""What a client of a bucket does: this package's own in containers, and `dockerflow.buckets` on the host.

Keys are those of the store: the client puts its prefix before them and takes it away. A client may be used by several
threads. It tries again by itself what may succeed (a server that answers 5xx, a connection that is reset, a time-out),
for `patience` seconds in all; then it raises Unreachable.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from typing import Iterable, Iterator, List, NamedTuple, Optional

from dockerflow.store.base import Chunk, Waiting
from dockerflow.store.errors import AccessDenied


class ObjectInfo(NamedTuple):
    """`modified` is in seconds since the epoch, by the server's clock. `sha256`, in hex, is known to `head` alone, and
    only of an object that was put in one piece with its hash, which the server has then checked."""

    key: str
    size: int
    modified: float
    sha256: Optional[str] = None


class Hashed(NamedTuple):
    """A whole object and its sha256, in hex."""

    content: bytearray
    sha256: str


class Objects(ABC):
    """The objects of one bucket below one prefix. Raises StoreError, Unreachable and AccessDenied among them."""

    name: str  # `s3://bucket/prefix`

    def be_patient(self, patient: bool) -> None:  # noqa: B027 - in a container nobody is in a hurry
        """See `Store.be_patient`."""

    def when_waiting(self, tell: Waiting) -> None:  # noqa: B027 - nor watches
        """See `Store.when_waiting`."""

    @abstractmethod
    def get(self, key: str) -> Optional[bytearray]:
        """The whole object, a large one in several ranges at once into one buffer; None if there is none."""

    def get_hashed(self, key: str) -> Optional[Hashed]:
        """As `get`, and its hash: a client may have computed it while the object came."""
        found = self.get(key)
        return None if found is None else Hashed(found, hashlib.sha256(found).hexdigest())

    @abstractmethod
    def get_range(self, key: str, start: int, length: int) -> Optional[bytes]:
        """At most `length` bytes from `start` on, less at the object's end; None if there is no object."""

    @abstractmethod
    def stream(self, key: str) -> Optional[Iterator[bytes]]:
        """The object in pieces, in order; None if there is none. One that is cut off raises StoreError."""

    @abstractmethod
    def put(self, key: str, data: Chunk, new: bool = False) -> bool:
        """Put an object in one request; the server checks its sha256. `new`: only if there is none, whether it was."""

    @abstractmethod
    def put_large(self, key: str, chunks: Iterable[Chunk], size: int, sha256: str) -> None:
        """Put `size` bytes whose hash is known. In one piece the server checks it, in parts each part's."""

    @abstractmethod
    def touch(self, key: str) -> bool:
        """Have the server copy an object onto itself, which on most makes it one that was modified now; False if there
        is none."""

    @abstractmethod
    def head(self, key: str) -> Optional[ObjectInfo]:
        """None if there is none."""

    @abstractmethod
    def every(self, prefix: str) -> Iterator[ObjectInfo]:
        """All objects whose keys begin with `prefix`, in order of their keys."""

    @abstractmethod
    def children(self, prefix: str) -> List[str]:
        """The names right below `prefix` (no final slash), of objects and of what holds objects, sorted."""

    def copy_checked(self, source: str, target: str, sha256: str) -> bool:
        """Have the server copy the object under `source` if its bytes have this hash; whether they have. What is
        copied is what was hashed, whoever may write to `source` meanwhile. Of the host's client alone."""
        raise AccessDenied(f"a step copies nothing in `{self.name}`")

    @abstractmethod
    def delete(self, keys: Iterable[str], once: bool = False) -> None:
        """Nothing happens for those that are not there. `once`: what was sent is not sent again, so Unreachable may
        mean that they were deleted, or will be."""

    def give_up_uploads(self, prefix: str, older_than: float) -> None:  # noqa: B027 - a container's end with it
        """Remove the parts of what somebody began to put below `prefix` so many seconds ago and has not ended."""

    @abstractmethod
    def now(self) -> float:
        """The server's clock, in seconds since the epoch."""
