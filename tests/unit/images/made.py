"""Conda packages made by hand, byte for byte the same every time, in both archive formats.

A package is described by its files; `paths.json`, `index.json` and `link.json` follow from them as conda-build would
write them. Nothing of the product is used here: what is under test must not help to make its own input.
"""

from __future__ import annotations

import bz2
import hashlib
import io
import json
import tarfile
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import zstandard

from dockerflow.environments.lock import Lock, LockedPackage

# As long as conda-build's: 255 characters, so that any real prefix fits into a binary.
PLACEHOLDER = "/" + "placehold_" * 25 + "_env"

# What files in packages carry as their time: an odd, real one.
PACKED_AT = 1_600_000_007


@dataclass(frozen=True)
class File:
    content: bytes = b""
    mode: int = 0o644
    prefix: str | None = None  # `text` or `binary`: the file has PLACEHOLDER in it
    mtime: int = PACKED_AT


@dataclass(frozen=True)
class SymLink:
    target: str


@dataclass(frozen=True)
class HardLink:
    """A hard link inside the archive; for paths.json it is a file like any other."""

    target: str


@dataclass(frozen=True)
class Directory:
    """An empty directory that paths.json names."""


Entry = File | SymLink | HardLink | Directory


@dataclass(frozen=True)
class Made:
    name: str
    files: dict[str, Entry]
    version: str = "1.0"
    build: str = "0"
    subdir: str = "linux-64"
    noarch: str | None = None
    depends: tuple[str, ...] = ()
    entry_points: tuple[str, ...] = ()
    format: str = "conda"
    index: dict[str, Any] = field(default_factory=dict)
    paths_json: bool = True
    info_first: bool = True
    dropped: tuple[str, ...] = ()  # listed, but not in the archive

    @property
    def file_name(self) -> str:
        return f"{self.name}-{self.version}-{self.build}.{self.format}"

    def write(self, folder: Path) -> Path:
        """The archive below `folder`, in its subdir as in a channel."""
        path = folder / ("noarch" if self.noarch else self.subdir) / self.file_name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_conda(self) if self.format == "conda" else _tar_bz2(self))
        return path


def locked(made: Made, path: Path) -> LockedPackage:
    data = path.read_bytes()
    depends = tuple(sorted((d.split()[0], " ".join(d.split()[1:])) for d in made.depends))
    return LockedPackage(
        manager="conda", name=made.name, version=made.version, build=made.build, url=path.as_uri(),
        sha256=hashlib.sha256(data).hexdigest(), md5=hashlib.md5(data).hexdigest(), size=len(data),
        dependencies=depends,
    )  # fmt: skip


def lock_of(folder: Path, packages: list[Made], requested: tuple[str, ...] = ()) -> Lock:
    return Lock(
        platform="linux-64",
        packages=tuple(locked(made, made.write(folder)) for made in packages),
        requested=requested,
        channels=(folder.as_uri(),),
        spec_hash="0" * 64,
    )


def _info(made: Made) -> dict[str, bytes]:
    index: dict[str, Any] = {
        "arch": None if made.noarch else "x86_64", "build": made.build, "build_number": 0,
        "depends": list(made.depends), "license": "MIT", "name": made.name,
        "platform": None if made.noarch else "linux",
        "subdir": "noarch" if made.noarch else made.subdir, "timestamp": 1600000000000, "version": made.version,
    }  # fmt: skip
    if made.noarch:
        index["noarch"] = made.noarch
    index.update(made.index)
    info = {"info/index.json": _json(index), "info/about.json": _json({"summary": made.name})}
    if made.noarch == "python":
        link = {"noarch": {"type": "python", "entry_points": list(made.entry_points)}, "package_metadata_version": 1}
        info["info/link.json"] = _json(link)
    if made.paths_json:
        paths = [_path_entry(made, path, entry) for path, entry in sorted(made.files.items())]
        info["info/paths.json"] = _json({"paths": paths, "paths_version": 1})
    else:
        prefixed = [(p, f) for p, f in sorted(made.files.items()) if isinstance(f, File) and f.prefix]
        info["info/files"] = "".join(f"{path}\n" for path in sorted(made.files)).encode()
        info["info/has_prefix"] = "".join(f"{PLACEHOLDER} {f.prefix} {p}\n" for p, f in prefixed).encode()
    return info


def _path_entry(made: Made, path: str, entry: Entry) -> dict[str, Any]:
    if isinstance(entry, Directory):
        return {"_path": path, "path_type": "directory"}
    source: Entry = entry
    if isinstance(entry, SymLink):
        resolved = str((Path("/") / path).parent.joinpath(entry.target)).lstrip("/")
        found = made.files.get(resolved, File())
        content = found.content if isinstance(found, File) else b""
        kind = "softlink"
    else:
        while isinstance(source, HardLink):
            source = made.files[source.target]
        assert isinstance(source, File)
        content = source.content
        kind = "hardlink"
    result: dict[str, Any] = {
        "_path": path, "path_type": kind, "sha256": hashlib.sha256(content).hexdigest(), "size_in_bytes": len(content)
    }  # fmt: skip
    if isinstance(source, File) and source.prefix:
        result |= {"prefix_placeholder": PLACEHOLDER, "file_mode": source.prefix}
    return result


def _json(value: object) -> bytes:
    return json.dumps(value, indent=2, sort_keys=True).encode()


def _tar(members: dict[str, Entry]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path, entry in members.items():
            member = tarfile.TarInfo(path)
            member.mtime, member.mode = PACKED_AT, 0o644
            if isinstance(entry, SymLink):
                member.type, member.linkname, member.mode = tarfile.SYMTYPE, entry.target, 0o777
                tar.addfile(member)
            elif isinstance(entry, HardLink):
                member.type, member.linkname = tarfile.LNKTYPE, entry.target
                tar.addfile(member)
            elif isinstance(entry, Directory):
                member.type, member.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(member)
            else:
                member.mode, member.mtime, member.size = entry.mode, entry.mtime, len(entry.content)
                tar.addfile(member, io.BytesIO(entry.content))
    return out.getvalue()


def _members(made: Made) -> dict[str, Entry]:
    """The payload; hard links after what they link to, else in the order given."""
    plain = {p: e for p, e in made.files.items() if not isinstance(e, HardLink)}
    ordered = {**plain, **{p: e for p, e in made.files.items() if isinstance(e, HardLink)}}
    return {path: entry for path, entry in ordered.items() if path not in made.dropped}


def _conda(made: Made) -> bytes:
    info: dict[str, Entry] = {path: File(data) for path, data in _info(made).items()}
    stem = f"{made.name}-{made.version}-{made.build}"
    compressor = zstandard.ZstdCompressor(level=3)
    parts = {
        "metadata.json": _json({"conda_pkg_format_version": 2}),
        f"pkg-{stem}.tar.zst": compressor.compress(_tar(_members(made))),
        f"info-{stem}.tar.zst": compressor.compress(_tar(info)),
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, data in parts.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data)
    return out.getvalue()


def _tar_bz2(made: Made) -> bytes:
    info: dict[str, Entry] = {path: File(data) for path, data in _info(made).items()}
    members = {**info, **_members(made)} if made.info_first else {**_members(made), **info}
    return bz2.compress(_tar(members))
