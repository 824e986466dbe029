"""Write one wheel's files into an image layer.

As `layer` does for conda packages: what the bytes depend on is the wheel, the prefix, the environment's Python, and
whether the user asked for the package; nothing of the moment. Files follow in the order of the zip, then come the
commands and what installers write, of which RECORD is last: it lists what stands here, with the hashes that it has
here. Every file is held against the wheel's own RECORD on the way. Files are streamed, whatever their size.

All files carry one time. A zip's times are local times of an unknown place, and installers do not keep them either. It
is in 1980, not in 1970, for those who zip what they find here: a zip has no earlier time. A `.pyc` that is in a wheel
and valid for its source's time alone is therefore not valid here and is compiled anew (see `bytecode`), as with pip;
RECORD names `.pyc` files without a hash, as the format allows, so that it stays true.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import posixpath
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO

from packaging.utils import canonicalize_name

from dockerflow.environments.lock import LockedPackage
from dockerflow.images.files import chunks
from dockerflow.images.metadata import Python
from dockerflow.images.scripts import script
from dockerflow.images.tar import LayerWriter
from dockerflow.images.wheel import WheelArchive, WheelContents, WheelFile, place

# Part of the key of every layer with a wheel in it. Raise it when the same wheel would now give other bytes.
RECIPE = 1

# 1980-01-02, so that it is in 1980 in every time zone.
MTIME = 315_619_200

INSTALLER = b"dockerflow\n"

# A first line that stands for the interpreter, whatever follows on it, and the longest that is looked at.
_PLACEHOLDER = b"#!python"
_LONGEST_LINE = 1 << 16


class WheelOnItsWay:
    """A wheel whose metadata has been read and checked. Raises `PackageError`."""

    def __init__(self, locked: LockedPackage, archive: Path, lost: frozenset[str], python: Python) -> None:
        self._archive = WheelArchive(archive, locked.file_name)
        self._python = python
        found = self._archive.contents()
        if found.distribution != canonicalize_name(locked.name):
            raise self._archive.refused(
                f"it has the library `{found.distribution}` in it, and the lock says `{locked.name}`", "lock again"
            )
        files = tuple(file for file in found.files if self._path(found, file.path) not in lost)
        points = tuple(point for point in found.entry_points if f"bin/{point.command}" not in lost)
        self._contents = replace(found, files=files, entry_points=points)

    @property
    def directories(self) -> Iterator[str]:
        """Below the prefix."""
        yield f"{self._python.site_packages}/{self._contents.dist_info}"
        yield from (posixpath.dirname(self._path(self._contents, path)) for path in self._contents.paths)

    def write(self, out: LayerWriter, prefix: str, requested: bool) -> None:
        writing = _Writing(out, self._archive, self._contents, self._python, prefix)
        writing.run(requested)

    def _path(self, contents: WheelContents, path: str) -> str:
        return place(path, contents.distribution, self._python)


class _Writing:
    def __init__(
        self, out: LayerWriter, archive: WheelArchive, contents: WheelContents, python: Python, prefix: str
    ) -> None:
        self._out = out
        self._archive = archive
        self._contents = contents
        self._python = python
        self._prefix = prefix
        self._rows: list[tuple[str, str, str]] = []

    def run(self, requested: bool) -> None:
        with self._archive.opened() as archive:
            for file in self._contents.files:
                with archive.open(file.entry) as content:
                    self._file(file, content)
        for point in self._contents.entry_points:
            self._generated(f"bin/{point.command}", script(point, self._interpreter), 0o755)
        self._generated(self._metadata("INSTALLER"), INSTALLER)
        if requested:
            self._generated(self._metadata("REQUESTED"), b"")
        self._record()

    def _file(self, file: WheelFile, content: IO[bytes]) -> None:
        path = place(file.path, self._contents.distribution, self._python)
        first = content.readline(_LONGEST_LINE) if file.is_script else b""
        line = f"#!{self._interpreter}\n".encode() if first.startswith(_PLACEHOLDER) else first
        algorithm, expected = self._contents.hashes.get(file.entry.filename, ("sha256", ""))
        written = hashlib.sha256(line)
        original = written if (line, algorithm) == (first, "sha256") else hashlib.new(algorithm, first)

        def blocks() -> Iterator[bytes]:
            yield line
            for block in chunks(content):
                written.update(block)
                if original is not written:
                    original.update(block)
                yield block

        size = file.entry.file_size - len(first) + len(line)
        self._out.file(f"{self._prefix}/{path}", file.mode, MTIME, size, blocks())
        self._check(file.entry, original, expected)
        self._row(path, written.digest(), size)

    def _check(self, entry: zipfile.ZipInfo, found: hashlib._Hash, expected: str) -> None:
        if expected and _text(found.digest()) != expected.rstrip("="):
            raise self._archive.malformed(
                f"its file `{entry.filename}` is not the one in its RECORD: expected {found.name} {expected}, found "
                f"{_text(found.digest())}"
            )

    def _generated(self, path: str, content: bytes, mode: int = 0o644) -> None:
        self._out.file(f"{self._prefix}/{path}", mode, MTIME, len(content), [content])
        self._row(path, hashlib.sha256(content).digest(), len(content))

    def _row(self, path: str, digest: bytes, size: int) -> None:
        name = posixpath.relpath(path, self._python.site_packages)
        known = ("", "") if path.endswith(".pyc") else (f"sha256={_text(digest)}", str(size))
        self._rows.append((name, *known))

    def _record(self) -> None:
        path = self._metadata("RECORD")
        self._rows.append((posixpath.relpath(path, self._python.site_packages), "", ""))
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(sorted(self._rows))
        content = text.getvalue().encode()
        self._out.file(f"{self._prefix}/{path}", 0o644, MTIME, len(content), [content])

    def _metadata(self, name: str) -> str:
        return f"{self._python.site_packages}/{self._contents.dist_info}/{name}"

    @property
    def _interpreter(self) -> str:
        return f"{self._prefix}/{self._python.executable}"


def _text(digest: bytes) -> str:
    """As RECORD has digests."""
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
