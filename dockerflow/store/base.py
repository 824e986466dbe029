"""What every store does, whatever it is made of: small objects under keys, blobs, and who writes a run.

A key is a relative path of names that do not begin with a dot; what keys there are is said in `runs`. An object under
its key is whole at any moment, also while it is replaced and after a SIGKILL. `directory` keeps all of it in a folder,
`s3_store` in a bucket; what a container gets to see of a bucket is the same class over another client.

Every method raises StoreError where the store cannot be reached, read or written.
"""

from __future__ import annotations

import hashlib
import re
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Callable, ContextManager, Dict, Iterable, Iterator, List, NamedTuple, Optional, TypeVar, Union

from dockerflow.store.errors import DamagedBlob, MissingBlob, StoreError

Chunk = Union[bytes, bytearray, memoryview]
Waiting = Callable[[Optional[str]], None]

Item = TypeVar("Item")
Result = TypeVar("Result")

# Seconds. Who is about to refer to a blob finds it there and does not put it again only if it is younger than that:
# what `gc` deletes is twice as old, so that nobody has taken it for granted lately.
YOUNG = 12 * 60 * 60

_KEY = re.compile(r"[^./\0][^/\0]*(/[^./\0][^/\0]*)*")
_HASH = re.compile("[0-9a-f]{64}")


class KeyInfo(NamedTuple):
    """An object as a listing shows it; its size is in bytes."""

    key: str
    size: int


class Ends(NamedTuple):
    """The first and the last line of an object, with their line ends; of one line, twice the same."""

    first: bytes
    last: bytes


class BlobInfo(NamedTuple):
    """A blob as a listing shows it. `modified`, when it was last put or kept, is in seconds since the epoch, by the
    store's own clock; less than `YOUNG` before that."""

    sha256: str
    size: int
    modified: float


class BlobStore(ABC):
    """Bytes addressed by their sha256: put once, never changed. `written` are the hashes put so far, in order."""

    written: List[str]

    @abstractmethod
    def put(self, chunks: Iterable[Chunk]) -> str:
        """Store the concatenation of `chunks` and return its sha256 in hex; bytes that are there are not sent again,
        unless they are no longer `YOUNG`."""

    @abstractmethod
    def get(self, sha256: str) -> memoryview:
        """The bytes of a blob, to read and to write: writing changes the memory of this process, never the blob.

        Raises MissingBlob or DamagedBlob; what is not checked when it is read, the implementation says.
        """

    def read_ahead(self, hashes: Iterable[str]) -> List[str]:
        """Somebody will `get` these soon: a store far away reads the small ones of them now, several at a time. Those
        that are at hand then: none that are not there or are damaged, and of a folder, where nothing is far, none."""
        return []

    @abstractmethod
    def stream(self, sha256: str) -> Iterator[bytes]:
        """The bytes of a blob in pieces, for what need not be in memory as a whole. Raises as `get`, at the end too."""

    def same(self, sha256: str, offset: int, chunks: Iterable[Chunk]) -> Optional[bool]:
        """Whether the bytes of a blob from `offset` on begin with `chunks`; None, as here, where to hash them costs
        less than to find out. Raises as `get`."""
        return None

    @abstractmethod
    def has(self, sha256: str) -> bool: ...

    @abstractmethod
    def keep(self, sha256: str) -> bool:
        """Whether the blob is there: then it is `YOUNG` from now on. For who will refer to it without putting it."""

    @abstractmethod
    def now(self) -> float:
        """The store's clock, in seconds since the epoch."""

    @abstractmethod
    def location(self, sha256: str) -> str:
        """Where a blob is, as a user would look for it: a file's path, a URL. Raises MissingBlob."""

    @abstractmethod
    def size(self, sha256: str) -> int:
        """In bytes. Raises MissingBlob."""

    @abstractmethod
    def verify(self, sha256: str) -> None:
        """Compare the whole of a blob with its name. Raises MissingBlob or DamagedBlob."""

    @abstractmethod
    def every(self) -> Iterator[BlobInfo]:
        """All blobs, in order of their hashes."""

    @abstractmethod
    def delete(self, hashes: Iterable[str]) -> None:
        """Remove blobs; nothing happens for those that are not there."""

    @abstractmethod
    def delete_untouched(self, hashes: Iterable[str], since: float) -> List[str]:
        """Remove those blobs that nobody has put or kept since then, also not in this moment; which were removed.

        Killed at any moment, it leaves no blob that somebody has put or kept without its name for longer than until
        the next `sweep`.
        """

    @abstractmethod
    def adopt(self, outbox: Union[str, Path], sha256: str) -> None:
        """Take a blob that a container has left in a folder of this machine into the store, and out of the folder.

        The folder is not trusted: the blob's hash must be its name. Nothing happens when the store has it already.
        Raises MissingBlob or DamagedBlob.
        """

    def take_over(self, folder: str, sha256: str) -> None:
        """As `adopt`, of what a container has sent in parts to the store itself, below the key `folder`. Of a store
        that takes nothing from containers, as here, nothing was."""
        raise MissingBlob(f"blob `{sha256}` was announced, and nobody sends it to where it was said to be: `{folder}`")


class Store(ABC):
    """Objects and `blobs`."""

    blobs: BlobStore

    # Whether all who read the store see `scratch`, too.
    shows_scratch = False

    @property
    @abstractmethod
    def name(self) -> str:
        """What a user would type to name it, absolute: a folder, or `s3://bucket/prefix`. Of two stores, differs."""

    @property
    @abstractmethod
    def scratch(self) -> Path:
        """A folder of this machine for what runs leave behind while they run: outboxes, growing logs."""

    def be_patient(self, patient: bool) -> None:  # noqa: B027 - a folder is there or is not
        """Whether one waits for a server that is away. Where not, who waits now gets Unreachable at once."""

    def when_waiting(self, tell: Waiting) -> None:  # noqa: B027
        """`tell` is called in any thread: with the reason when one has waited for a server for seconds, with None when
        it answers again."""

    @abstractmethod
    def put(self, key: str, data: bytes, durable: bool = False) -> None:
        """Store `data` under `key`, in place of what was there. `durable`: wait until a power cut cannot undo it."""

    @abstractmethod
    def put_new(self, key: str, data: bytes) -> bool:
        """Store `data` under `key` unless something is there; whether it was. Of several at once one succeeds."""

    @abstractmethod
    def get(self, key: str) -> Optional[bytes]:
        """The object under `key`, None if there is none."""

    def each(self, function: Callable[[Item], Result], items: Iterable[Item]) -> List[Result]:
        """What `function`, which asks this store, says of each item, in order: a store far away is asked by several
        threads at a time."""
        return [function(item) for item in items]

    def get_many(self, keys: Iterable[str]) -> Dict[str, Optional[bytes]]:
        """As `get`, for several."""
        every = list(keys)
        return dict(zip(every, self.each(self.get, every)))

    @abstractmethod
    def first_line(self, key: str) -> Optional[bytes]:
        """The object's first line without reading the rest; empty for an empty object, None if there is none."""

    @abstractmethod
    def ends(self, key: str, size: int) -> Optional[Ends]:
        """The object's first and last line; `size` is its, as a listing has told it."""

    @abstractmethod
    def exists(self, key: str) -> bool: ...

    @abstractmethod
    def every(self, prefix: str = "") -> Iterator[KeyInfo]:
        """The objects whose keys begin with `prefix`, in no order; blobs are not among them."""

    def keys(self, prefix: str = "") -> List[str]:
        """The keys that begin with `prefix`, sorted; blobs are not among them."""
        return sorted(found.key for found in self.every(prefix))

    @abstractmethod
    def children(self, prefix: str) -> List[str]:
        """The names right below `prefix` (no final slash), of objects and of what holds objects, sorted."""

    def holders(self, prefix: str, name: str) -> List[str]:
        """Those of `children(prefix)` that hold something below `name`, sorted."""
        return [each for each in self.children(prefix) if self.children(f"{prefix}/{each}/{name}")]

    @abstractmethod
    def delete(self, *keys: str) -> None:
        """Remove the objects under `keys`; nothing happens for those that are not there."""

    @abstractmethod
    def hold(self, key: str) -> ContextManager[None]:
        """Be the living owner of `key` until the end of the `with`, or of this process however that ends."""

    @abstractmethod
    def is_held(self, key: str) -> bool:
        """Whether the owner of `key` lives, True where that cannot be known; False for one that never had any."""


def hash_of(chunks: Iterable[Chunk]) -> str:
    """The name that `put` would give to these bytes."""
    hashed = hashlib.sha256()
    for chunk in chunks:
        hashed.update(chunk)
    return hashed.hexdigest()


def check_key(key: str) -> None:
    """Raises StoreError for what cannot be a key."""
    if not _KEY.fullmatch(key):
        raise StoreError(f"`{key}` is not a key: a key is names with slashes between them, none beginning with a dot")


def is_hash(name: str) -> bool:
    return _HASH.fullmatch(name) is not None


def check_hash(sha256: str) -> str:
    """Raises StoreError for what cannot be a blob's hash."""
    if not is_hash(sha256):
        raise StoreError(f"`{sha256}` is not the hash of a blob")
    return sha256


def missing(sha256: str, store: str) -> MissingBlob:
    hint = "it was deleted, or the run was made with another store: see DOCKERFLOW_STORE"
    return MissingBlob(f"blob `{sha256}` is not in `{store}`", hint)


# Nobody looks into what is there when the same value is stored again, so a damaged blob must go first.
REMOVE_DAMAGED = (
    "`dockerflow store verify --delete-damaged` removes what is damaged; then `dockerflow resume` of a run computes it "
    "again"
)


def damaged(sha256: str, place: str) -> DamagedBlob:
    return DamagedBlob(
        f"blob `{sha256}` is damaged: `{place}` holds other bytes than its name says",
        REMOVE_DAMAGED,
    )


def computed_again(error: StoreError) -> str:
    """What brings the value back whose blob is missing or damaged: for a hint."""
    return REMOVE_DAMAGED if isinstance(error, DamagedBlob) else "`dockerflow resume` of a run computes it again"


def first_of(text: bytes) -> bytes:
    """The first line, with its line end if it has one."""
    end = text.find(b"\n")
    return text if end < 0 else text[: end + 1]


def last_of(text: bytes) -> bytes:
    """The last line; all of the text if that has no other."""
    return text[text.rfind(b"\n", 0, -1) + 1 :]
