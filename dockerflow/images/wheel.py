"""What a wheel says of itself, and where its files go in an environment.

A wheel is a zip whose files lie as in `site-packages`; what goes elsewhere is below `<name>.data/<scheme>/`:
https://packaging.python.org/en/latest/specifications/binary-distribution-format/. Where the format leaves room, or
installers are more tolerant than it, this is what pip does:

- a file that RECORD does not name is installed; the locked hash of the whole wheel vouches for it;
- `Root-Is-Purelib` changes nothing: an environment has one `site-packages`;
- a script below `.data/scripts` gives way to the entry point of its name;
- what an installer writes (INSTALLER, RECORD, REQUESTED, direct_url.json) is not taken from the wheel.

Stricter than pip, where the file would be broken or could do harm: a file that RECORD names must be there, symbolic
links and other special files are refused, and so is a path that is not plainly below the environment.
"""

from __future__ import annotations

import csv
import errno
import hashlib
import importlib.metadata
import io
import posixpath
import stat
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.parser import Parser
from pathlib import Path

from packaging.utils import canonicalize_name

from dockerflow.images.errors import PackageError
from dockerflow.images.metadata import EntryPoint, Python
from dockerflow.images.tar import WHITEOUT
from dockerflow.lazy_dataclasses import dataclass

# Written by whoever installs.
BY_INSTALLER = ("INSTALLER", "RECORD", "REQUESTED", "direct_url.json")

_SCHEMES = frozenset({"purelib", "platlib", "scripts", "data", "headers"})

# Signatures of RECORD, which RECORD cannot name.
_SIGNATURES = ("RECORD.jws", "RECORD.p7s")

# Metadata is read into memory, so it has a limit.
_MAX_METADATA = 128 * 1024 * 1024

_ENCRYPTED = 0x1

# What package indexes take, and bzip2, which does no harm. How much memory LZMA takes is up to whoever packed.
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2)

_BROKEN = "the index's file is broken; use another version of the package, or tell its makers"
_HARMFUL = "choose another version of it; a package from a trusted index does not do this"


@dataclass(frozen=True)
class WheelFile:
    """One file of the wheel: its entry in the zip and where it goes (see `place`)."""

    entry: zipfile.ZipInfo
    path: str  # the scheme and what is below it: `purelib/pandas/__init__.py`

    @property
    def is_script(self) -> bool:
        return self.path.startswith("scripts/")

    @property
    def mode(self) -> int:
        """0755 if anyone may run it, else 0644: what installers make of a zip's modes under the usual umask."""
        return 0o755 if self.is_script or self.entry.external_attr >> 16 & 0o111 else 0o644


@dataclass(frozen=True)
class WheelContents:
    distribution: str  # the normalized name
    dist_info: str  # `pandas-2.2.3.dist-info`
    files: tuple[WheelFile, ...]
    entry_points: tuple[EntryPoint, ...]
    hashes: Mapping[str, tuple[str, str]]  # by name in the zip: algorithm and digest, as RECORD has it

    @property
    def paths(self) -> tuple[str, ...]:
        """What is installed, but for what installers add, as `place` takes it."""
        return (*(file.path for file in self.files), *(f"scripts/{point.command}" for point in self.entry_points))


@dataclass(frozen=True)
class WheelArchive:
    """One wheel on disk, known by `name` in messages."""

    path: Path
    name: str

    @contextmanager
    def opened(self) -> Iterator[zipfile.ZipFile]:
        """The zip; whatever is wrong with it, also while it is being read, is a `PackageError`."""
        try:
            with zipfile.ZipFile(self.path) as archive:
                yield archive
        # What `zipfile` says to a zip that is cut, has names that are no text, or lies about what is where.
        except (
            zipfile.BadZipFile,
            zlib.error,
            struct.error,
            EOFError,
            RuntimeError,
            ValueError,
            OverflowError,
        ) as error:
            raise self.malformed(str(error)) from error
        except OSError as error:
            if error.errno not in (None, errno.EINVAL):  # bz2 reports bad data without a number
                raise
            raise self.malformed(str(error)) from error

    def contents(self) -> WheelContents:
        """Read and check the metadata; raises `PackageError` for what cannot be installed safely."""
        with self.opened() as archive:
            try:
                return self._contents(archive)
            except (ValueError, KeyError, TypeError, AttributeError, csv.Error) as error:
                raise self.malformed(f"its metadata is not what the format says ({error!r})") from error

    def malformed(self, reason: str) -> PackageError:
        return PackageError(f"package `{self.name}` cannot be unpacked: {reason}", hint=_BROKEN)

    def refused(self, reason: str, hint: str = _HARMFUL) -> PackageError:
        return PackageError(f"package `{self.name}` is refused: {reason}", hint=hint)

    def _contents(self, archive: zipfile.ZipFile) -> WheelContents:
        entries = [self._checked(entry) for entry in archive.infolist()]
        entries = [entry for entry in entries if not entry.is_dir()]
        folder = self._dist_info({entry.filename.split("/", 1)[0] for entry in entries})
        self._check_version(self._text(archive, f"{folder}/WHEEL"))
        self._text(archive, f"{folder}/METADATA")  # without it Python would not see the package
        points = tuple(self._entry_points(archive, f"{folder}/entry_points.txt"))
        installers = {f"{folder}/{name}" for name in BY_INSTALLER}
        commands = {f"scripts/{point.command}" for point in points}
        placed = [
            WheelFile(entry, self._place(entry.filename)) for entry in entries if entry.filename not in installers
        ]
        files = tuple(file for file in placed if file.path not in commands)
        self._check_each_path_once([file.path for file in files])
        hashes = self._hashes(self._text(archive, f"{folder}/RECORD"), entries, folder)
        distribution = canonicalize_name(folder.removesuffix(".dist-info").rpartition("-")[0])
        return WheelContents(distribution, folder, files, points, hashes)

    def _checked(self, entry: zipfile.ZipInfo) -> zipfile.ZipInfo:
        path = entry.filename.removesuffix("/")
        odd = "\\" in path or "\0" in entry.orig_filename or posixpath.normpath(path) != path
        if odd or posixpath.isabs(path) or path.split("/", 1)[0] in ("..", "."):
            raise self.refused(f"its file `{entry.orig_filename}` would be outside the environment")
        if any(part.startswith(WHITEOUT) for part in path.split("/")):
            raise self.refused(f"its file `{path}` would remove another in an image: what begins so does that")
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise self.refused(f"its file `{path}` is a link or a special file, which wheels do not have")
        if entry.flag_bits & _ENCRYPTED:
            raise self.malformed(f"its file `{path}` is encrypted")
        if entry.compress_type not in _COMPRESSIONS:
            raise self.malformed(f"its file `{path}` is packed in a way that wheels are not ({entry.compress_type})")
        return entry

    def _dist_info(self, folders: set[str]) -> str:
        found = sorted(folder for folder in folders if folder.endswith(".dist-info"))
        if len(found) != 1:
            raise self.malformed(f"it has {len(found)} folders `….dist-info` where a wheel has one")
        return found[0]

    def _text(self, archive: zipfile.ZipFile, name: str) -> str:
        try:
            entry = archive.getinfo(name)
        except KeyError:
            raise self.malformed(f"there is no `{name}` in it") from None
        if entry.file_size > _MAX_METADATA:
            raise self.malformed(f"`{name}` has {entry.file_size} bytes, more than {_MAX_METADATA}")
        return archive.read(entry).decode()

    def _check_version(self, text: str) -> None:
        version = str(Parser().parsestr(text)["Wheel-Version"])
        if int(version.split(".", 1)[0]) != 1:
            raise self.refused(
                f"it is a wheel of version {version}, and only version 1 is known",
                "ask for an earlier version of the package, or for a later dockerflow",
            )

    def _entry_points(self, archive: zipfile.ZipFile, name: str) -> Iterator[EntryPoint]:
        """Commands, windowed ones too, in order of their names; the last of those with the same name counts."""
        if name not in archive.NameToInfo:
            return
        found = _Described(self._text(archive, name)).entry_points
        scripts = [point for group in ("console_scripts", "gui_scripts") for point in found.select(group=group)]
        for command, point in sorted({point.name: point for point in scripts}.items()):
            if not point.attr:
                raise self.malformed(f"its entry point `{command} = {point.value}` is not `command = module:function`")
            if command in ("", ".", "..") or command.startswith(WHITEOUT) or set(command) & set("/\\\0"):
                raise self.refused(f"its entry point `{command}` would be outside `bin`")
            yield EntryPoint(command, point.module, point.attr)

    def _place(self, name: str) -> str:
        folder, _, rest = name.partition("/")
        if not folder.endswith(".data") or not rest:
            return f"purelib/{name}"
        scheme, _, below = rest.partition("/")
        if scheme not in _SCHEMES or not below:
            raise self.malformed(f"its file `{name}` is in none of the places that `{folder}` may name")
        if scheme == "data" and posixpath.dirname(below) == "conda-meta" and below.endswith(".json"):
            raise self.refused(f"its file `{name}` would pass for the record of an installed conda package")
        return f"{'purelib' if scheme == 'platlib' else scheme}/{below}"

    def _check_each_path_once(self, paths: list[str]) -> None:
        twice = next((path for path, count in Counter(paths).items() if count > 1), None)
        if twice is not None:
            raise self.malformed(f"two of its files would be `{twice.partition('/')[2]}`")
        folders = {parent for path in paths for parent in _parents(path)}
        both = next((path for path in paths if path in folders), None)
        if both is not None:
            raise self.malformed(f"its `{both.partition('/')[2]}` is a file and a folder")

    def _hashes(self, record: str, entries: list[zipfile.ZipInfo], folder: str) -> Mapping[str, tuple[str, str]]:
        unnamed = {f"{folder}/{name}" for name in (*BY_INSTALLER, *_SIGNATURES)}
        there = {entry.filename for entry in entries}
        hashes: dict[str, tuple[str, str]] = {}
        for row in csv.reader(io.StringIO(record, newline="")):
            name, value = row[0].replace("\\", "/") if row else "", row[1] if len(row) > 1 else ""
            if not value or name in unnamed:
                continue
            algorithm, _, digest = value.partition("=")
            if name not in there:
                raise self.malformed(f"its file `{name}` is listed in RECORD, but is not in the archive")
            if algorithm not in hashlib.algorithms_guaranteed or algorithm.startswith("shake"):
                raise self.malformed(f"its file `{name}` has a hash of the unknown kind `{algorithm}` in RECORD")
            hashes[name] = (algorithm, digest)
        return hashes


class _Described(importlib.metadata.Distribution):
    """Python's own reading of `entry_points.txt`."""

    def __init__(self, entry_points: str) -> None:
        self._text = entry_points

    def read_text(self, filename: str) -> str | None:
        return self._text if filename == "entry_points.txt" else None

    def locate_file(self, path: object) -> Path:
        raise FileNotFoundError(path)


def place(path: str, distribution: str, python: Python) -> str:
    """Where a wheel's file goes below the prefix; `path` is a `WheelFile`'s."""
    scheme, _, below = path.partition("/")
    folder = {
        "purelib": f"{python.site_packages}/",
        "scripts": "bin/",
        "headers": f"{python.headers}/{distribution}/",
        "data": "",
    }[scheme]
    return f"{folder}{below}"


def _parents(path: str) -> Iterator[str]:
    while path := posixpath.dirname(path):
        yield path
