"""Bytes addressed by their sha256: put once, never changed, read by mapping.

    <root>/<first two hex digits>/<sha256>      a store's blobs, mode 0444
    <outbox>/<sha256>                           what one run's containers have written, until the scheduler adopts it

In a container the root is mounted read-only and everything is written to the outbox, which is flat so that the
scheduler, who owns the folder, can move files out of it whoever wrote them. A large blob does not go there if somebody
listens to whom it can be handed over, see `delivery`.

Promised: a blob under its final name is whole, also after SIGKILL at any moment, and what a container has written is
the store's only when its hash is its name. What is read is checked again when it is small (up to `CHECKED`): hashing a
larger blob costs as much as computing on it, so what a disk did to that is found only by `verify`. Power cuts are not
covered when writing; they show as a `DamagedBlob`, and writing the same bytes again mends a blob of the wrong size.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Callable, Iterable, Iterator, List, Optional, Union, cast

from dockerflow.store import delivery, files, mapped
from dockerflow.store.base import YOUNG, BlobInfo, BlobStore, Chunk, check_hash, damaged, is_hash, missing
from dockerflow.store.errors import DamagedBlob, MissingBlob, StoreError

# Up to this size reading a blob compares its hash with its name.
CHECKED = 1 << 20

# Written and hashed in pieces that stay in the processor's cache between the two.
PIECE = 1 << 20

# Compared in pieces of this size.
COMPARED = 1 << 18

_FOLDER = re.compile("[0-9a-f]{2}")

# From this size on, memory is hashed by a thread while it is written.
TWO_AT_ONCE = 8 << 20


class Blobs(BlobStore):
    """The blobs of one directory store, or what a container sees of them."""

    def __init__(self, root: Union[str, Path], outbox: Union[str, Path, None] = None) -> None:
        self.root = Path(root)
        self.outbox = None if outbox is None else Path(outbox)
        self.written: List[str] = []

    def put(self, chunks: Iterable[Chunk]) -> str:
        """Store the concatenation of `chunks` and return its sha256 in hex."""
        sha256 = None
        if self.outbox is not None and isinstance(chunks, (list, tuple)):
            sha256 = delivery.deliver(self.outbox, chunks)
        if sha256 is None:
            sha256 = self.receive(lambda stream: _write(stream, chunks))
        self.written.append(sha256)
        return sha256

    def receive(self, write: Callable[[BinaryIO], str]) -> str:
        """Store what `write` writes to a file, of which it returns the sha256; its word is taken for it."""
        try:
            with files.temporary(self.outbox or self.root) as stream:
                sha256 = write(stream)
                size = stream.tell()
                files.close_for_reading(stream)
                if not self._holds(sha256, size):
                    files.move(Path(stream.name), self._target(sha256))
        except OSError as error:
            raise StoreError(f"cannot write a blob below `{self.outbox or self.root}`: {error.strerror}") from error
        return sha256

    def get(self, sha256: str) -> memoryview:
        """The bytes of a blob, to read and to write: writing changes the memory of this process, never the blob.

        Raises MissingBlob, and DamagedBlob when a blob of up to `CHECKED` bytes is not what its name says.
        """
        try:
            with self._open(sha256) as stream:
                view = mapped.read(stream, os.fstat(stream.fileno()).st_size, sha256)
        except OSError as error:
            raise StoreError(f"cannot read blob `{sha256}` of `{self.root}`: {error.strerror}") from error
        if len(view) <= CHECKED and hashlib.sha256(view).hexdigest() != sha256:
            raise damaged(sha256, stream.name)
        return view

    def same(self, sha256: str, offset: int, chunks: Iterable[Chunk]) -> Optional[bool]:
        """Memory of a map that nobody has written to is not even looked at; the rest is compared until it differs."""
        stored = self.get(sha256)
        for chunk in chunks:
            view = memoryview(chunk).cast("B")
            end = offset + len(view)
            if end > len(stored):
                return False
            large = len(view) > COMPARED
            if not (large and mapped.is_untouched(view, sha256, offset)) and not _equal(view, stored[offset:end]):
                return False
            offset = end
        return True

    def has(self, sha256: str) -> bool:
        return any(path.exists() for path in self._places(sha256))

    def keep(self, sha256: str) -> bool:
        try:
            return _kept(self._home(check_hash(sha256)))
        except OSError as error:
            raise StoreError(f"cannot keep blob `{sha256}` of `{self.root}`: {error.strerror}") from error

    def now(self) -> float:
        return time.time()

    def location(self, sha256: str) -> str:
        return str(self.path(sha256))

    def path(self, sha256: str) -> Path:
        """The file that holds a blob. Raises MissingBlob."""
        for path in self._places(sha256):
            if path.exists():
                return path
        raise missing(sha256, str(self.root))

    def stream(self, sha256: str) -> Iterator[bytes]:
        hashed = hashlib.sha256()
        try:
            with self._open(sha256) as stream:
                for piece in iter(lambda: stream.read(PIECE), b""):
                    hashed.update(piece)
                    yield piece
        except OSError as error:
            raise StoreError(f"cannot read blob `{sha256}` of `{self.root}`: {error.strerror}") from error
        if hashed.hexdigest() != sha256:
            raise damaged(sha256, stream.name)

    def size(self, sha256: str) -> int:
        try:
            return self.path(sha256).stat().st_size
        except OSError as error:
            raise StoreError(f"cannot look at blob `{sha256}` of `{self.root}`: {error.strerror}") from error

    def every(self) -> Iterator[BlobInfo]:
        try:
            folders = sorted(os.listdir(str(self.root))) if self.root.exists() else []
            for folder in filter(_FOLDER.fullmatch, folders):
                for path in sorted((self.root / folder).iterdir()):
                    if is_hash(path.name):
                        with suppress(FileNotFoundError):  # deleted in the meantime
                            status = path.stat()
                            yield BlobInfo(path.name, status.st_size, status.st_mtime)
        except OSError as error:  # never taken for a folder without blobs
            raise StoreError(f"cannot list the blobs in `{error.filename}`: {error.strerror}") from error

    def delete(self, hashes: Iterable[str]) -> None:
        for sha256 in hashes:
            try:
                self._home(check_hash(sha256)).unlink()
            except FileNotFoundError:
                pass
            except OSError as error:
                raise StoreError(f"cannot delete blob `{sha256}` of `{self.root}`: {error.strerror}") from error

    def delete_untouched(self, hashes: Iterable[str], since: float) -> List[str]:
        from dockerflow.store import doomed  # noqa: PLC0415 - no container deletes

        try:
            return [sha256 for sha256 in hashes if doomed.delete(self._home(check_hash(sha256)), self.root, since)]
        except OSError as error:
            raise StoreError(f"cannot delete `{error.filename}`: {error.strerror}") from error

    def verify(self, sha256: str) -> None:
        """Compare the whole of a blob with its name. Raises MissingBlob or DamagedBlob."""
        for _ in self.stream(sha256):
            pass

    def adopt(self, outbox: Union[str, Path], sha256: str) -> None:
        """Move a blob that a container has written into the store. Nothing happens when the store has it already.

        The outbox is not trusted: all flows share the store, and whoever puts a false blob under the hash of a true
        value changes that value for all of them. So its file must be a regular one without a second name, and its hash
        must be its name, whatever that costs. Afterwards it belongs to the store's owner. A process that has the file
        open for writing could still change it: what wrote to the outbox must have ended. Raises MissingBlob or
        DamagedBlob.
        """
        source, target = Path(outbox) / check_hash(sha256), self._home(sha256)
        with suppress(PermissionError):  # another user's, in whose place ours may be put
            if _kept(target):
                _discard(source)
                return
        try:
            with open_regular(source) as stream:
                if _hash_of(stream) != sha256:
                    raise damaged(sha256, str(source))
                self._take(stream, source, target)
        except FileNotFoundError:
            raise MissingBlob(f"blob `{sha256}` was announced but is not in the outbox `{outbox}`") from None
        except OSError as error:
            raise StoreError(f"cannot move blob `{sha256}` to `{target}`: {error.strerror}") from error

    def _take(self, stream: BinaryIO, source: Path, target: Path) -> None:
        """Move the open file `source` to `target`; copy it where it may not be moved or made ours."""
        try:
            if os.geteuid() == 0:
                owner = os.stat(str(self.root))
                os.fchown(stream.fileno(), owner.st_uid, owner.st_gid)
            os.fchmod(stream.fileno(), files.FILE_MODE)
            os.utime(stream.fileno())  # its writer may have given it any time
            files.move(source, target)
        except OSError:
            stream.seek(0)
            with files.temporary(self.root) as copy:
                _write(copy, iter(lambda: stream.read(PIECE), b""))
                files.close_for_reading(copy)
                files.move(Path(copy.name), target)
            _discard(source)

    def _holds(self, sha256: str, size: int) -> bool:
        """Whether the blob is there, young, and has its size: one cut by a power failure is written again."""
        for path in self._places(sha256):
            with suppress(FileNotFoundError):
                status = path.stat()
                if status.st_size == size and (_is_young(status) or path.parent == self.outbox):
                    return True
        return False

    def _open(self, sha256: str) -> BinaryIO:
        for path in self._places(sha256):
            with suppress(FileNotFoundError):
                return path.open("rb")
        raise missing(sha256, str(self.root))

    def _home(self, sha256: str) -> Path:
        return self.root / sha256[:2] / sha256

    def _target(self, sha256: str) -> Path:
        return self._home(sha256) if self.outbox is None else self.outbox / sha256

    def _places(self, sha256: str) -> List[Path]:
        """Where a blob may be, in the order in which to look: the scheduler may adopt it between two looks."""
        home = self._home(check_hash(sha256))
        return [home] if self.outbox is None else [home, self.outbox / sha256, home]


def _write(stream: BinaryIO, chunks: Iterable[Chunk]) -> str:
    """Write the chunks and return the sha256 of what was written."""
    hashed = hashlib.sha256()
    for chunk in chunks:
        view = memoryview(chunk).cast("B")
        if len(view) >= TWO_AT_ONCE:
            with _hashing(hashed, view):
                _write_pieces(stream, view)
        else:
            _write_pieces(stream, view, hashed.update)
    return hashed.hexdigest()


def _write_pieces(stream: BinaryIO, view: memoryview, see: Optional[Callable[[memoryview], None]] = None) -> None:
    for start in range(0, len(view), PIECE):
        piece = view[start : start + PIECE]
        if see is not None:
            see(piece)
        stream.write(piece)


@contextmanager
def _hashing(hashed: Any, view: memoryview) -> Iterator[None]:
    """Hash the whole of `view` until the end of the `with`."""
    thread = threading.Thread(target=hashed.update, args=(view,), name="hash", daemon=True)
    thread.start()
    try:
        yield
    finally:
        thread.join()  # before anybody changes the memory


def open_regular(path: Path) -> BinaryIO:
    """Open a file that somebody else made: no link is followed and no device or pipe is waited for.

    Raises DamagedBlob for what is no file of its own, and OSError.
    """
    descriptor = os.open(str(path), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
        os.close(descriptor)
        raise DamagedBlob(f"`{path}` is not a file of its own: it is something else, or has a second name")
    return cast(BinaryIO, os.fdopen(descriptor, "rb"))


def _hash_of(stream: BinaryIO) -> str:
    hashed, memory = hashlib.sha256(), memoryview(bytearray(PIECE))
    for size in iter(lambda: stream.readinto(memory), 0):  # type: ignore[attr-defined]
        hashed.update(memory[:size])
    return hashed.hexdigest()


def _equal(one: memoryview, other: memoryview) -> bool:
    starts = range(0, len(one), COMPARED)  # as bytes, which are compared at once and not number by number
    return all(bytes(one[at : at + COMPARED]) == bytes(other[at : at + COMPARED]) for at in starts)


def _is_young(status: os.stat_result) -> bool:
    return time.time() - status.st_mtime < YOUNG


def _kept(path: Path) -> bool:
    """Whether the file is there, and young from now on. What is deleted while this looks is not there."""
    try:
        if not _is_young(path.stat()):
            os.utime(str(path), follow_symlinks=False)
            path.stat()  # it may have been renamed to be deleted in between: then its time may have come too late
    except FileNotFoundError:
        return False
    return True


def _discard(path: Path) -> None:
    with suppress(OSError):  # the outbox is deleted as a whole when the run ends
        path.unlink()
