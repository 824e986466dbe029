"""However large a package, a build needs less than 300 MiB of memory: measured in a process of its own."""

from __future__ import annotations

import bz2
import hashlib
import io
import json
import random
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

import pytest
import zstandard

from tests.unit.images.made import PLACEHOLDER

LIMIT = 300 * 1024 * 1024
MIB = 1024 * 1024

PROGRAM = """
import json, re, sys
from dataclasses import replace
from pathlib import Path
from dockerflow.environments.lock import LockedPackage
from tests.unit.images.made import lock_of
from tests.unit.images.test_builder import build
folder, path = Path(sys.argv[1]), Path(sys.argv[2])
package = LockedPackage("conda", "large", "1.0", "0", path.as_uri(), sys.argv[3], None, None, ())
image = build(folder / "cache", replace(lock_of(folder, []), packages=(package,))).image
# What `getrusage` says begins with the memory of the process that this one was forked from.
peak = re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())
print(json.dumps([image.layers[-1].size, int(peak.group(1)) * 1024]))
"""


class Content:
    """A file of so many MiB with the placeholder in each of them, to be read once."""

    def __init__(self, count: int, kind: str) -> None:
        noise = random.Random(0).randbytes(MIB // 16).replace(b"\0", b"\1") if kind == "text" else b"\0" * (MIB // 16)
        piece = (PLACEHOLDER.encode() + b"/lib\0").ljust(len(noise), b"\n") + noise * 15
        self.size = count * len(piece)
        self._pieces: Iterator[bytes] = iter([piece] * count)
        self._left = b""

    def read(self, size: int) -> bytes:
        while len(self._left) < size and (piece := next(self._pieces, b"")):
            self._left += piece
        result, self._left = self._left[:size], self._left[size:]
        return result


def package(folder: Path, archive_format: str, count: int, kind: str) -> Path:
    """A package with one such file, written as a stream."""
    content = Content(count, kind)
    index = {"name": "large", "version": "1.0", "build": "0", "subdir": "linux-64"}
    entry = {"_path": "lib/large", "path_type": "hardlink", "prefix_placeholder": PLACEHOLDER, "file_mode": kind}
    info = {
        "info/index.json": json.dumps(index).encode(),
        "info/paths.json": json.dumps({"paths_version": 1, "paths": [entry]}).encode(),
    }
    path = folder / f"large-1.0-0.{archive_format}"
    if archive_format == "tar.bz2":
        with bz2.open(path, "wb", 1) as packed, tarfile.open(fileobj=packed, mode="w|") as tar:
            _add_info(tar, info)
            _add(tar, content)
        return path
    with zipfile.ZipFile(path, "w") as archive:
        for part in ("info", "pkg"):
            with (
                archive.open(f"{part}-large-1.0-0.tar.zst", "w", force_zip64=True) as member,
                zstandard.ZstdCompressor(level=1).stream_writer(member, closefd=False) as packed_part,
                tarfile.open(fileobj=cast(IO[bytes], packed_part), mode="w|") as tar,
            ):
                if part == "info":
                    _add_info(tar, info)
                else:
                    _add(tar, content)
    return path


def _add_info(tar: tarfile.TarFile, info: dict[str, bytes]) -> None:
    for name, data in info.items():
        member = tarfile.TarInfo(name)
        member.size = len(data)
        tar.addfile(member, io.BytesIO(data))


def _add(tar: tarfile.TarFile, content: Content) -> None:
    member = tarfile.TarInfo("lib/large")
    member.size = content.size
    tar.addfile(member, cast(IO[bytes], content))


@pytest.mark.parametrize(
    ("archive_format", "count", "kind"), [("conda", 600, "binary"), ("conda", 600, "text"), ("tar.bz2", 330, "binary")]
)
def test_a_large_package_is_never_in_memory(tmp_path: Path, archive_format: str, count: int, kind: str) -> None:
    size, peak = built(tmp_path, package(tmp_path, archive_format, count, kind))
    assert size > count * MIB * 0.99
    assert peak < LIMIT


def test_a_package_of_a_hundred_thousand_files_stays_within_the_limit(tmp_path: Path) -> None:
    size, peak = built(tmp_path, package_of_many(tmp_path, 100_000))
    assert size > 100_000 * 2 * 512  # each has a header and a block
    assert peak < LIMIT


def package_of_many(folder: Path, count: int) -> Path:
    """A package of so many files of one byte."""
    names = [f"lib/folder-of-many-{number % 100}/a-file-of-one-byte-{number}" for number in range(count)]
    sha256 = hashlib.sha256(b"x").hexdigest()
    entries = [{"_path": name, "path_type": "hardlink", "sha256": sha256, "size_in_bytes": 1} for name in names]
    payload = io.BytesIO()
    with tarfile.open(fileobj=payload, mode="w") as tar:
        for name in names:
            _add_info(tar, {name: b"x"})
    return _written(folder, entries, payload.getvalue())


def _written(folder: Path, entries: list[dict[str, object]], payload: bytes) -> Path:
    index = {"name": "large", "version": "1.0", "build": "0", "subdir": "linux-64"}
    info = io.BytesIO()
    with tarfile.open(fileobj=info, mode="w") as tar:
        paths = json.dumps({"paths_version": 1, "paths": entries}, indent=2).encode()
        _add_info(tar, {"info/index.json": json.dumps(index).encode(), "info/paths.json": paths})
    path = folder / "large-1.0-0.conda"
    with zipfile.ZipFile(path, "w") as archive:
        for part, data in (("info", info.getvalue()), ("pkg", payload)):
            archive.writestr(f"{part}-large-1.0-0.tar.zst", zstandard.ZstdCompressor(level=1).compress(data))
    return path


def built(tmp_path: Path, path: Path) -> tuple[int, int]:
    """How large the layer of the package is, and how much memory it took to write it."""
    sha256 = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(MIB):
            sha256.update(block)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path), str(path), sha256.hexdigest()],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[3],
        check=True,
    )
    size, peak = json.loads(done.stdout)
    shutil.rmtree(tmp_path)  # pytest would keep it
    return size, peak
