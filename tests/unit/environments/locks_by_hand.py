"""Locks and packages as values, for tests that need no channel."""

from __future__ import annotations

import hashlib

from dockerflow.environments.lock import Lock, LockedPackage
from dockerflow.environments.spec import EnvironmentSpec

CHANNEL = "https://channel.example/main"


def package(name: str, version: str = "1.0", *dependencies: tuple[str, str], build: str = "py311_0") -> LockedPackage:
    archive = f"{name}-{version}-{build}.conda"
    return LockedPackage(
        manager="conda",
        name=name,
        version=version,
        build=build,
        url=f"{CHANNEL}/linux-64/{archive}",
        sha256=hashlib.sha256(archive.encode()).hexdigest(),
        md5=hashlib.md5(archive.encode()).hexdigest(),
        size=len(archive),
        dependencies=tuple(sorted(dependencies)),
    )


def wheel(name: str, version: str = "1.0", *dependencies: str) -> LockedPackage:
    file = f"{name}-{version}-py3-none-any.whl"
    return LockedPackage(
        manager="pip",
        name=name,
        version=version,
        build="",
        url=f"https://index.example/files/{file}",
        sha256=hashlib.sha256(file.encode()).hexdigest(),
        md5=None,
        size=len(file),
        dependencies=tuple((dependency, "") for dependency in sorted(dependencies)),
    )


def spec(python: str = "3.11", **libraries: str) -> EnvironmentSpec:
    return EnvironmentSpec(python, tuple(libraries.items()), (CHANNEL,), "linux-64")


def lock(of: EnvironmentSpec, *packages: LockedPackage) -> Lock:
    """A lock that was made for `of`, with a Python of its series."""
    python = package("python", f"{of.python}.9")
    names = tuple(sorted(name for name, _ in of.libraries))
    return Lock(of.platform, (python, *packages), names, of.channels, of.spec_hash)
