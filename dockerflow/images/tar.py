"""Write an image layer: a tar whose bytes depend on what is put in and on nothing else.

Owner and group are root by number, without names; directories are 0755 and have no time; the format is PAX with no
record but a long or non-ASCII name's. What is left to the caller are order, modes and times of files.
"""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Iterable
from typing import Protocol

# tar's granularity.
_BLOCK = 512

END_OF_ARCHIVE = 2 * _BLOCK

# What the fields of a plain header hold, and those that are the same for every member: owner and group; the magic and
# what follows it. https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html#tag_20_92_13_06
_LONGEST_NAME = 100
_LARGEST = 8**11 - 1
_ROOT = b"0000000\0" * 2
_MAGIC = b"ustar\x0000".ljust(_BLOCK - 257, b"\0")

# Pieces of fewer bytes are joined before they are hashed and written.
_SMALL = 1 << 16

# A file whose name begins so is none: it removes another of the layers below
# (https://github.com/opencontainers/image-spec/blob/v1.1.0/layer.md#whiteouts).
WHITEOUT = ".wh."


class Sink(Protocol):
    def write(self, data: bytes, /) -> object: ...


class Hashed:
    """Passes bytes on to a sink; knows their hash and number."""

    def __init__(self, out: Sink) -> None:
        self._out = out
        self._sha256 = hashlib.sha256()
        self.size = 0

    @property
    def digest(self) -> str:
        return f"sha256:{self._sha256.hexdigest()}"

    def write(self, data: bytes) -> None:
        self._sha256.update(data)
        self._out.write(data)
        self.size += len(data)


class LayerWriter:
    """A layer under way. `close` completes it; `diff_id` and `size` are then the layer's."""

    def __init__(self, out: Sink) -> None:
        self._out = Hashed(out)
        self._directories: set[str] = set()
        self._small = bytearray()  # not yet written

    @property
    def diff_id(self) -> str:
        return self._out.digest

    @property
    def size(self) -> int:
        return self._out.size + len(self._small)

    def directory(self, path: str, mode: int = 0o755) -> None:
        """A directory and those above it, each once."""
        path = path.strip("/")
        if not path or path in self._directories:
            return
        self.directory(path.rpartition("/")[0])
        self._directories.add(path)
        self._put(_header(path, tarfile.DIRTYPE, mode))

    def file(self, path: str, mode: int, mtime: int, size: int, blocks: Iterable[bytes]) -> None:
        """A regular file of exactly `size` bytes; raises EOFError if `blocks` have fewer or more."""
        self._parent(path)
        self._put(_header(path, tarfile.REGTYPE, mode, size, mtime))
        start = self.size
        for block in blocks:
            self._put(block)
        if self.size - start != size:
            raise EOFError(f"`{path}` has {self.size - start} bytes where {size} were announced")
        self._put(b"\0" * (-size % _BLOCK))

    def symlink(self, path: str, target: str) -> None:
        self._parent(path)
        self._put(_header(path, tarfile.SYMTYPE, 0o777, link=target))

    def hard_link(self, path: str, target: str, mode: int, mtime: int) -> None:
        """Another name for the file `target`, which this layer already has, with the same mode and time.

        Docker sets a link's mode and time as it sets a file's, which are then those of both names.
        """
        self._parent(path)
        self._put(_header(path, tarfile.LNKTYPE, mode, mtime=mtime, link=target.strip("/")))

    def close(self) -> None:
        self._put(b"\0" * END_OF_ARCHIVE)
        self._flush()

    def _parent(self, path: str) -> None:
        self.directory(path.strip("/").rpartition("/")[0])

    def _put(self, data: bytes) -> None:
        """Small pieces are joined: each that is hashed and written has a price of its own."""
        if len(data) < _SMALL:
            self._small += data
            if len(self._small) >= _SMALL:
                self._flush()
        else:
            self._flush()
            self._out.write(data)

    def _flush(self) -> None:
        if self._small:
            self._out.write(bytes(self._small))
            self._small.clear()


def _header(path: str, kind: bytes, mode: int, size: int = 0, mtime: int = 0, link: str = "") -> bytes:
    """What stands before a member: one block, unless a name is long or not ASCII, or a number large."""
    name = path.strip("/") + ("/" if kind == tarfile.DIRTYPE else "")
    plain = name.isascii() and link.isascii() and max(len(name), len(link)) <= _LONGEST_NAME
    if not plain or not 0 <= size <= _LARGEST or not 0 <= mtime <= _LARGEST:
        return _member(path, kind, mode, size, mtime, link).tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
    start = b"%b%07o\0%b%011o\0%011o\0" % (name.encode().ljust(100, b"\0"), mode & 0o7777, _ROOT, size, mtime)
    end = kind + link.encode().ljust(100, b"\0") + _MAGIC
    checksum = sum(start) + sum(end) + 8 * 0x20
    return b"%b%06o\0 %b" % (start, checksum, end)


def _member(path: str, kind: bytes, mode: int, size: int, mtime: int, link: str) -> tarfile.TarInfo:
    member = tarfile.TarInfo(path.strip("/"))
    member.type, member.mode, member.mtime, member.uid, member.gid = kind, mode, mtime, 0, 0
    member.size, member.linkname = size, link
    return member
