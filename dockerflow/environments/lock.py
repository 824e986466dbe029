"""A lock: every package of one environment, exactly. Values only; `lock_file` reads and writes them."""

from __future__ import annotations

import hashlib
import json
from pathlib import PurePosixPath
from typing import Literal
from urllib.parse import unquote, urlsplit

from dockerflow.lazy_dataclasses import dataclass

# Part of every lock's hash. Raise it when the same packages would now be described otherwise.
VERSION = 1


@dataclass(frozen=True)
class LockedPackage:
    """One package archive, by content.

    `dependencies` are (name, version spec) pairs, sorted, as the package's own metadata has them: the order of an
    image's layers is made from them.
    """

    manager: Literal["conda", "pip"]
    name: str
    version: str
    build: str  # conda build string; "" for pip
    url: str
    sha256: str
    md5: str | None
    size: int | None  # bytes of the archive, where the channel says it
    dependencies: tuple[tuple[str, str], ...] = ()

    @property
    def file_name(self) -> str:
        """The archive's name as it is meant: without what follows it in the URL, and decoded."""
        return PurePosixPath(unquote(urlsplit(self.url).path)).name


@dataclass(frozen=True)
class Lock:
    """The packages of one environment for one platform, sorted by (manager, name)."""

    platform: str
    packages: tuple[LockedPackage, ...]
    requested: tuple[str, ...]  # the names that the user asked for, sorted: their layers come last
    channels: tuple[str, ...]
    spec_hash: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "packages", tuple(sorted(self.packages, key=lambda p: (p.manager, p.name))))

    def package(self, name: str) -> LockedPackage | None:
        return next((p for p in self.packages if p.name == name), None)

    @property
    def lock_hash(self) -> str:
        """64 hex digits over what the image is made from: platform, package contents, what was requested.

        URLs and channels are left out: the same packages from a mirror are the same lock.
        """
        packages = [[p.manager, p.name, p.version, p.build, p.sha256] for p in self.packages]
        record = ["dockerflow.lock", VERSION, self.platform, packages, self.requested]
        return hashlib.sha256(json.dumps(record, separators=(",", ":")).encode()).hexdigest()
