"""Turn packages into one image layer: conda packages here, wheels in `wheel_layer`.

Two machines that build the same packages for the same prefix must get the same bytes: a layer is looked up by what went
into it, never by when it was built. So everything that could differ is decided here. Directories come first, sorted;
files follow in the order of their archive, which is part of the package's hash; then come entry points and the record.

Files have the bytes that py-rattler's installer gives them, and their archive's time, because a `.pyc` in a package is
valid only for the time of its source. A file in which the prefix was replaced is a second younger than in the archive
(its `.pyc` is not valid any more). Modes are the archive's without set-id bits, and what the owner may read or run all
may: a step's user is not the owner.

Fetching is in `packages`, keeping layers in `layer_cache`; nothing here touches Docker or the network.
"""

from __future__ import annotations

import hashlib
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, cast

from dockerflow.environments.lock import LockedPackage
from dockerflow.images.archive import CondaArchive, members, normal
from dockerflow.images.errors import PackageError
from dockerflow.images.files import CHUNK, chunks
from dockerflow.images.metadata import EntryPoint, PackageContents, PathEntry, Python, check_links, contents
from dockerflow.images.prefix import replace_binary, replace_text
from dockerflow.images.record import Installed, record, record_path
from dockerflow.images.scripts import script
from dockerflow.images.tar import LayerWriter
from dockerflow.images.wheel_layer import WheelOnItsWay
from dockerflow.lazy_dataclasses import dataclass

# Part of every layer's key. Raise it when the same package would now give other bytes: old layers are then
# left unused, not mistaken for new ones.
RECIPE = 2

# A text file, or a record, is kept in memory up to this size until its new length is known, and on disk beyond it.
_IN_MEMORY = 8 * CHUNK


# The last second that a tar's header has room for, save one: a changed file is a second younger.
_LATEST = 8**11 - 2


@dataclass(frozen=True)
class Package:
    """A locked package whose archive is at hand, verified."""

    locked: LockedPackage
    archive: Path
    lost: frozenset[str] = frozenset()  # paths that are another package's in this environment
    requested: bool = False  # whether the user asked for it; wheels say so


def write_layer(out: LayerWriter, packages: Iterable[Package], prefix: str, python: Python | None) -> None:
    """Write the files of `packages`, as they stand below `prefix`, and complete the layer. Raises `PackageError`."""
    opened = [(package, _open(package, python)) for package in packages]
    for path in sorted({f"{prefix}/{directory}" for _, one in opened for directory in one.directories}):
        out.directory(path)
    for package, one in opened:
        one.write(out, prefix, package.requested)
    out.close()


def _open(package: Package, python: Python | None) -> _CondaOnItsWay | WheelOnItsWay:
    if package.locked.manager == "pip" and python is not None:
        return WheelOnItsWay(package.locked, package.archive, package.lost, python)
    return _CondaOnItsWay(package, python)


class _CondaOnItsWay:
    """A conda package whose metadata has been read and checked."""

    def __init__(self, package: Package, python: Python | None) -> None:
        self._locked = package.locked
        self._archive = CondaArchive(package.archive, package.locked.file_name)
        self._python = python
        found = contents(self._archive, python)
        if found.index["name"].lower() != package.locked.name.lower():
            raise self._archive.malformed(f"it is `{found.index['name']}`, and the lock has it as another package")
        kept = tuple(entry for entry in found.entries if entry.path not in package.lost)
        points = tuple(point for point in found.entry_points if f"bin/{point.command}" not in package.lost)
        self._contents = replace(found, entries=kept, entry_points=points)

    @property
    def directories(self) -> Iterator[str]:
        """Below the prefix."""
        return _directories(self._contents)

    def write(self, out: LayerWriter, prefix: str, requested: bool) -> None:
        """Whether it was `requested` is no part of a conda package's record here."""
        _Transform(out, self._locked, self._archive, self._contents, _Place(prefix, self._python)).run()


@dataclass(frozen=True)
class _Place:
    """Where a package is to stand."""

    prefix: str
    python: Python | None


def _paths(found: PackageContents) -> Iterator[str]:
    yield from (entry.path for entry in found.entries if entry.path_type != "directory")
    yield from (f"bin/{point.command}" for point in found.entry_points)


def _directories(found: PackageContents) -> Iterator[str]:
    yield "conda-meta"
    yield from (entry.path for entry in found.entries if entry.path_type == "directory")
    yield from (path.rpartition("/")[0] for path in _paths(found))


class _Transform:
    """One package's way into the layer."""

    def __init__(
        self, out: LayerWriter, locked: LockedPackage, archive: CondaArchive, contents: PackageContents, place: _Place
    ) -> None:
        self._out = out
        self._locked = locked
        self._archive = archive
        self._contents = contents
        self._prefix = place.prefix
        self._python = place.python
        self._installed: list[Installed] = []
        self._plain: dict[str, tuple[Installed, int, int]] = {}  # files without a prefix so far, with mode and time
        self._symlinks: dict[str, str] = {}
        self._hard_links: dict[str, str] = {}  # which file each is a name of, in the archive

    def run(self) -> None:
        listed = {entry.source: entry for entry in self._contents.entries if entry.path_type != "directory"}
        waiting = set(listed)
        with self._archive.payload() as tar:
            for member in members(tar):
                name = normal(member.name)
                if member.islnk():
                    target = normal(member.linkname)
                    self._hard_links[name] = self._hard_links.get(target, target)
                if name in listed and name not in waiting:
                    raise self._archive.malformed(f"its file `{name}` is in the archive twice")
                if name in listed:
                    waiting.remove(name)
                    self._member(tar, member, listed[name])
        if waiting:
            raise self._archive.malformed(f"its file `{min(waiting)}` is listed, but is not in the archive")
        paths = (entry.path for entry in self._contents.entries)
        check_links(self._archive, self._symlinks, paths, self._prefix)
        for point in self._contents.entry_points:
            self._entry_point(point)
        self._record()

    def _member(self, tar: tarfile.TarFile, member: tarfile.TarInfo, entry: PathEntry) -> None:
        if member.issym():
            self._symlinks[entry.path] = member.linkname
            self._out.symlink(self._target(entry.path), member.linkname)
            digest = hashlib.sha256(member.linkname.encode(errors="surrogateescape")).hexdigest()
            size = len(member.linkname) if entry.size is None else entry.size
            self._installed.append(Installed(entry, entry.path_type, digest, size))
        elif member.islnk():
            self._hard_link(self._hard_links[entry.source], entry)
        elif member.isreg():
            self._file(member, entry, chunks(cast(IO[bytes], tar.extractfile(member))))
        else:
            raise self._archive.malformed(f"its file `{entry.path}` is neither a file nor a link")

    def _hard_link(self, source: str, entry: PathEntry) -> None:
        """A second name for a file of the archive: one in the layer too, unless the prefix makes them differ."""
        found = self._plain.get(source)
        if found is not None and entry.placeholder is None:
            first, mode, mtime = found
            self._out.hard_link(self._target(entry.path), self._target(first.entry.path), mode, mtime)
            self._installed.append(replace(first, entry=entry))
            return
        with self._archive.file(source) as (member, content):
            self._file(member, entry, chunks(content))

    def _file(self, member: tarfile.TarInfo, entry: PathEntry, blocks: Iterator[bytes]) -> None:
        mode, mtime = _readable(member.mode), self._time(member)
        if entry.placeholder is None:
            known = entry.sha256 is not None
            done = self._put(entry, mode, mtime, member.size, blocks, known)
            self._plain[entry.source] = (done, mode, mtime)
        elif entry.file_mode == "binary":
            self._put(entry, mode, mtime + 1, member.size, self._replaced(entry, blocks))
        else:
            with _spooled(self._replaced(entry, blocks)) as (size, content):
                self._put(entry, mode, mtime + 1, size, chunks(content))

    def _time(self, member: tarfile.TarInfo) -> int:
        """When the file was packed, as far as a tar's header can say it."""
        try:
            return min(max(0, int(member.mtime)), _LATEST)
        except (ValueError, OverflowError):  # neither a number nor infinity is a time
            raise self._archive.malformed(f"the time of its file `{member.name}` is {member.mtime}") from None

    def _put(
        self, entry: PathEntry, mode: int, mtime: int, size: int, blocks: Iterator[bytes], known: bool = False
    ) -> Installed:
        """Write a file; its bytes are hashed for the record unless their hash is `known` from the package."""
        digest = hashlib.sha256()
        self._out.file(self._target(entry.path), mode, mtime, size, blocks if known else _hashing(blocks, digest))
        done = Installed(entry, entry.path_type, None if known else digest.hexdigest(), size)
        self._installed.append(done)
        return done

    def _replaced(self, entry: PathEntry, blocks: Iterator[bytes]) -> Iterator[bytes]:
        change = replace_binary if entry.file_mode == "binary" else replace_text
        try:
            yield from change(blocks, cast(str, entry.placeholder).encode(), self._prefix.encode())
        except ValueError as error:
            where = f"in its file `{entry.path}` {error}"
            raise PackageError(f"package `{self._archive.name}` cannot stand at `{self._prefix}`: {where}") from error

    def _entry_point(self, point: EntryPoint) -> None:
        python = cast(Python, self._python)
        text = script(point, f"{self._prefix}/{python.executable}")
        digest = hashlib.sha256(text).hexdigest()
        entry = PathEntry(point.command, f"bin/{point.command}", "hardlink", sha256=digest, size=len(text))
        self._out.file(self._target(entry.path), 0o775, 0, len(text), [text])
        self._installed.append(Installed(entry, "unix_python_entry_point", None, len(text)))

    def _record(self) -> None:
        path = self._target(record_path(self._contents.index))
        size = self._archive.path.stat().st_size
        pieces = record(self._contents, self._file_name, self._locked.sha256, size, self._installed)
        try:
            with _spooled(pieces) as (length, text):
                self._out.file(path, 0o644, 0, length, chunks(text))
        except UnicodeEncodeError as error:  # JSON can have what is no text
            raise self._archive.malformed(f"its metadata is not what the format says ({error!r})") from error

    @property
    def _file_name(self) -> str:
        """As channels name it; the lock may have it under another name."""
        index = self._contents.index
        suffix = ".conda" if self._archive.path.name.endswith(".conda") else ".tar.bz2"
        return f"{index['name']}-{index['version']}-{index['build']}{suffix}"

    def _target(self, path: str) -> str:
        return f"{self._prefix}/{path}"


@contextmanager
def _spooled(blocks: Iterable[bytes]) -> Iterator[tuple[int, IO[bytes]]]:
    """How long they are together, and the file that they are in."""
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as spool:
        for block in blocks:
            spool.write(block)  # not `writelines`, which would keep all of it in memory
        size = spool.tell()
        spool.seek(0)
        yield size, cast(IO[bytes], spool)


def _readable(mode: int) -> int:
    """No set-id or sticky bits, and for everyone what the owner may read or run."""
    mode &= 0o777
    return mode | ((mode & 0o500) >> 3) | ((mode & 0o500) >> 6)


def _hashing(blocks: Iterable[bytes], digest: hashlib._Hash) -> Iterator[bytes]:
    for block in blocks:
        digest.update(block)
        yield block
