"""What an image was made from, and what came of it: kept in the cache beside its layers.

    images/<build key>.json    one `BuildRecord` for each image that was built here

With its record an image is known without touching a layer, and what is in it can be told where the engine no longer has
it. The parts of the build key are here in words, so that two records say why one image is not the other. A record that
is damaged, or of another version, counts as none: the image is then assembled again from the layers in the cache.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from dockerflow.environments.lock import Lock, LockedPackage
from dockerflow.images.files import read_json, write_json
from dockerflow.images.layer_cache import layer_key
from dockerflow.lazy_dataclasses import dataclass

FOLDER = "images"

# Raise it when a record would now say something else, or say it otherwise.
VERSION = 1


@dataclass(frozen=True)
class RecordedPackage:
    """One package as it went into the image."""

    manager: str  # `conda` or `pip`
    name: str
    version: str
    build: str
    sha256: str  # of the archive

    @staticmethod
    def of(package: LockedPackage) -> RecordedPackage:
        return RecordedPackage(package.manager, package.name, package.version, package.build, package.sha256)


@dataclass(frozen=True)
class RecordedLayer:
    """One layer, bottom first in its record. `packages` is empty for the base's layers, ours and those of bytecode."""

    diff_id: str
    size: int
    title: str
    packages: tuple[RecordedPackage, ...] = ()


@dataclass(frozen=True)
class KeyParts:
    """Everything that an image is a function of. `recipes` are our own versions, each (name, version); None: that part
    is left out.
    """

    platform: str
    packages: tuple[RecordedPackage, ...]
    requested: tuple[str, ...]
    lock_hash: str
    base_name: str
    base_digest: str  # what the engine calls it; the layers and the PATH are what counts
    base_diff_ids: tuple[str, ...]
    base_path: str
    prefix: str
    recipes: tuple[tuple[str, int | None], ...]

    @staticmethod
    def packages_of(lock: Lock) -> tuple[RecordedPackage, ...]:
        return tuple(map(RecordedPackage.of, lock.packages))

    @property
    def build_key(self) -> str:
        """64 hex digits over all of it; what the base is called does not count."""
        recipes = [version for _, version in self.recipes]
        base = [self.base_diff_ids, self.base_path]
        return layer_key("dockerflow.image", recipes, self.lock_hash, base, self.prefix)

    @property
    def transform(self) -> str:
        """`image 1, layers 2`: the recipes, for a record of what made the image."""
        return ", ".join(f"{name} {version}" for name, version in self.recipes if version is not None)

    @property
    def python(self) -> str:
        """The version of the image's Python; empty if it has none."""
        return next((one.version for one in self.packages if one.name == "python" and one.manager == "conda"), "")


@dataclass(frozen=True)
class BuildRecord:
    """An image that was built here. `reference` is the name it is loaded under."""

    parts: KeyParts
    reference: str
    config_digest: str
    manifest_digest: str
    layers: tuple[RecordedLayer, ...]

    @property
    def build_key(self) -> str:
        return self.parts.build_key


def write(cache_dir: Path, record: BuildRecord) -> None:
    write_json(path_of(cache_dir, record.build_key), {"version": VERSION, **asdict(record)})


def read(cache_dir: Path, build_key: str) -> BuildRecord | None:
    """The record of `build_key`, None if there is none that can be read."""
    return read_json(path_of(cache_dir, build_key), lambda found: _record(found, build_key))


def all_records(cache_dir: Path) -> Iterator[BuildRecord]:
    """Every image that was built with this cache, in the order of their build keys."""
    for path in sorted((cache_dir / FOLDER).glob("*.json")):
        record = read(cache_dir, path.stem)
        if record is not None:
            yield record


def touch(cache_dir: Path, build_key: str) -> None:
    """Say that the image is used now: `last_used` tells, and what is long unused may be removed."""
    with suppress(OSError):  # another user's
        os.utime(path_of(cache_dir, build_key))


def last_used(cache_dir: Path, build_key: str) -> float | None:
    """When the image was built or last provided, in seconds since the epoch; None if it has no record here."""
    try:
        return path_of(cache_dir, build_key).stat().st_mtime
    except OSError:
        return None


def path_of(cache_dir: Path, build_key: str) -> Path:
    return cache_dir / FOLDER / f"{build_key}.json"


def parts_as_json(parts: KeyParts) -> dict[str, Any]:
    return asdict(parts)


def parts_from_json(found: Any) -> KeyParts:
    """Raises TypeError, KeyError or ValueError for what is no record of them."""
    values = dict(found)
    values["packages"] = _packages(values["packages"])
    values["requested"] = _texts(values["requested"])
    values["base_diff_ids"] = _texts(values["base_diff_ids"])
    values["recipes"] = tuple((str(name), version) for name, version in values["recipes"])
    return KeyParts(**values)


def _record(found: Any, build_key: str) -> BuildRecord:
    if found["version"] != VERSION:
        raise ValueError(f"a record of version {found['version']}")
    layers = tuple(
        RecordedLayer(str(one["diff_id"]), int(one["size"]), str(one["title"]), _packages(one["packages"]))
        for one in found["layers"]
    )
    names = {name: str(found[name]) for name in ("reference", "config_digest", "manifest_digest")}
    record = BuildRecord(parts=parts_from_json(found["parts"]), layers=layers, **names)
    if record.build_key != build_key:
        raise ValueError(f"the record of {record.build_key}")
    return record


def _packages(found: Any) -> tuple[RecordedPackage, ...]:
    return tuple(RecordedPackage(**{name: str(value) for name, value in one.items()}) for one in found)


def _texts(found: Any) -> tuple[str, ...]:
    return tuple(map(str, found))
