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

    @property
    def diff_id(self) -> str:
        return self._out.digest

    @property
    def size(self) -> int:
        return self._out.size

    def directory(self, path: str, mode: int = 0o755) -> None:
        """A directory and those above it, each once."""
        path = path.strip("/")
        if not path or path in self._directories:
            return
        self.directory(path.rpartition("/")[0])
        self._directories.add(path)
        self._header(_member(path, tarfile.DIRTYPE, mode))

    def file(self, path: str, mode: int, mtime: int, size: int, blocks: Iterable[bytes]) -> None:
        """A regular file of exactly `size` bytes; raises EOFError if `blocks` have fewer or more."""
        self._parent(path)
        member = _member(path, tarfile.REGTYPE, mode)
        member.size, member.mtime = size, mtime
        self._header(member)
        start = self.size
        for block in blocks:
            self._write(block)
        if self.size - start != size:
            raise EOFError(f"`{path}` has {self.size - start} bytes where {size} were announced")
        self._write(b"\0" * (-size % _BLOCK))

    def symlink(self, path: str, target: str) -> None:
        self._parent(path)
        member = _member(path, tarfile.SYMTYPE, 0o777)
        member.linkname = target
        self._header(member)

    def hard_link(self, path: str, target: str, mode: int, mtime: int) -> None:
        """Another name for the file `target`, which this layer already has, with the same mode and time.

        Docker sets a link's mode and time as it sets a file's, which are then those of both names.
        """
        self._parent(path)
        member = _member(path, tarfile.LNKTYPE, mode)
        member.linkname, member.mtime = target.strip("/"), mtime
        self._header(member)

    def close(self) -> None:
        self._write(b"\0" * END_OF_ARCHIVE)

    def _parent(self, path: str) -> None:
        self.directory(path.strip("/").rpartition("/")[0])

    def _header(self, member: tarfile.TarInfo) -> None:
        self._write(member.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape"))

    def _write(self, data: bytes) -> None:
        self._out.write(data)


def _member(path: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(path.strip("/"))
    member.type, member.mode, member.mtime, member.uid, member.gid = kind, mode, 0, 0, 0
    return member
