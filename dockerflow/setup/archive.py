"""Write a conda package: a value that says what is in it, and the `.conda` file made from it.

The same value gives the same bytes on every machine: entries are sorted, times, owners and modes are fixed. What goes
into a package is decided by `wheel_package` and `python_package`; indexing is left to `channel`.

The format: https://docs.conda.io/projects/conda-build/en/latest/resources/package-spec.html and
https://github.com/conda/ceps (CEP 2, 16, 27 and 34).
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import zstandard

from dockerflow.lazy_dataclasses import dataclass

# Raise it when the same wheel or interpreter would now give other bytes: it is part of every package's build number.
RECIPE = 0

# Level 3 packs a 60 MiB package in half a second; higher levels save a tenth of the size for five times the time.
ZSTD_LEVEL = 3

# Stands for the prefix in texts. As long as conda-build's own, so that any prefix fits in its place.
PLACEHOLDER = "/opt/" + "placeholder_" * 20

ZIP_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip archive can say


@dataclass(frozen=True)
class PackageFile:
    """One file of a package.

    `placeholder` is the prefix in its content that an installer must replace; in a binary file the new prefix must not
    be longer. `link` is the target of a symbolic link, which has no content.
    """

    path: str  # below the prefix, with slashes
    content: bytes = b""
    executable: bool = False
    placeholder: str | None = None
    file_mode: Literal["text", "binary"] = "text"
    link: str | None = None

    def in_paths_json(self) -> dict[str, Any]:
        if self.link is not None:
            return {"_path": self.path, "path_type": "softlink"}
        entry: dict[str, Any] = {
            "_path": self.path,
            "path_type": "hardlink",
            "sha256": hashlib.sha256(self.content).hexdigest(),
            "size_in_bytes": len(self.content),
        }
        if self.placeholder is not None:
            entry |= {"prefix_placeholder": self.placeholder, "file_mode": self.file_mode}
        return entry


@dataclass(frozen=True)
class CondaPackage:
    """A package as a value. `index` holds what is particular in `info/index.json`."""

    name: str
    version: str
    build: str
    subdir: str
    depends: tuple[str, ...]
    files: tuple[PackageFile, ...]
    entry_points: tuple[str, ...] | None = None  # of a noarch Python package: `name = module:function`; else None
    index: Mapping[str, str] = field(default_factory=dict)

    @property
    def file_name(self) -> str:
        return f"{self.stem}.conda"

    @property
    def stem(self) -> str:
        return f"{self.name}-{self.version}-{self.build}"

    @cached_property
    def sorted_files(self) -> list[PackageFile]:
        return sorted(self.files, key=lambda file: file.path)

    def info(self) -> dict[str, bytes]:
        """The files under `info/`, by name."""
        index = {
            "name": self.name,
            "version": self.version,
            "build": self.build,
            "build_number": RECIPE,
            "depends": list(self.depends),
            "subdir": self.subdir,
            **self.index,
        }
        texts = {
            "about.json": {"summary": "made by dockerflow for this machine's own channel"},
            "index.json": index,
            "paths.json": {"paths": [file.in_paths_json() for file in self.sorted_files], "paths_version": 1},
        }
        if self.entry_points is not None:
            index["noarch"] = "python"
            noarch = {"type": "python", "entry_points": list(self.entry_points)}
            texts["link.json"] = {"noarch": noarch, "package_metadata_version": 1}
        encoded = {f"info/{name}": json.dumps(text, indent=1, sort_keys=True).encode() for name, text in texts.items()}
        return {**encoded, "info/files": "".join(f"{file.path}\n" for file in self.sorted_files).encode()}


def write(package: CondaPackage, folder: Path) -> Path:
    """Write the package as `.conda` below `folder/<subdir>`; returns its path. Never leaves half of it there."""
    info = [PackageFile(name, content) for name, content in sorted(package.info().items())]
    parts = {
        "metadata.json": b'{"conda_pkg_format_version": 2}',
        f"pkg-{package.stem}.tar.zst": _tar_zst(package.sorted_files),
        f"info-{package.stem}.tar.zst": _tar_zst(info),
    }
    target = folder / package.subdir / package.file_name
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_STORED) as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name, ZIP_TIME), content)
    unfinished.replace(target)
    return target


def _tar_zst(files: list[PackageFile]) -> bytes:
    buffer = io.BytesIO()
    compressor = zstandard.ZstdCompressor(level=ZSTD_LEVEL)
    with (
        compressor.stream_writer(buffer, closefd=False) as compressed,
        tarfile.open(fileobj=compressed, mode="w|", format=tarfile.GNU_FORMAT) as archive,
    ):
        for file in files:
            archive.addfile(_tar_entry(file), io.BytesIO(file.content))
    return buffer.getvalue()


def _tar_entry(file: PackageFile) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(file.path)
    entry.mode = 0o775 if file.executable else 0o664
    if file.link is None:
        entry.size = len(file.content)
    else:
        entry.type, entry.linkname = tarfile.SYMTYPE, file.link
    return entry
