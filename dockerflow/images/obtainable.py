"""Where the packages of an old lock can be had today.

A lock names each package by an address and a hash. The address may be gone, as that of a folder on another machine is,
while a channel that is configured here has the same archive. So what cannot be had from where it was is looked for
there, by its name; the hash says whether it is the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from dockerflow.environments.lock import Lock, LockedPackage
from dockerflow.images.errors import PackageError
from dockerflow.images.packages import PackageCache
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.store.parallel import in_threads


@dataclass(frozen=True)
class Obtainable:
    """The lock with the addresses of today. It is whole if nothing is `missing`: each with why it cannot be had."""

    lock: Lock
    missing: tuple[tuple[LockedPackage, PackageError], ...]


def obtainable(lock: Lock, cache: PackageCache, channels: Sequence[str]) -> Obtainable:
    """Fetch all packages, from where the lock says or else from one of the `channels` (names or URLs)."""
    bases = tuple(_base_urls(channels))
    found = in_threads(lambda package: _fetched(package, cache, bases), lock.packages)
    there = tuple(each for each in found if isinstance(each, LockedPackage))
    missing = tuple(each for each in found if not isinstance(each, LockedPackage))
    return Obtainable(replace(lock, packages=(*there, *(package for package, _ in missing))), missing)


def _fetched(
    package: LockedPackage, cache: PackageCache, bases: Sequence[str]
) -> LockedPackage | tuple[LockedPackage, PackageError]:
    try:
        cache.fetch(package)
        return package
    except PackageError as error:
        for other in _elsewhere(package, bases):
            try:
                cache.fetch(other)
                return other
            except PackageError:
                continue
        return package, error


def _elsewhere(package: LockedPackage, bases: Sequence[str]) -> Iterator[LockedPackage]:
    """The package as channels would have it; the addresses of an index's files tell nothing about another index."""
    if package.manager == "conda":
        subdir = PurePosixPath(urlsplit(package.url).path).parent.name
        for base in bases:
            yield replace(package, url=f"{base.rstrip('/')}/{subdir}/{package.file_name}")


def _base_urls(channels: Sequence[str]) -> Iterator[str]:
    from rattler import Channel  # noqa: PLC0415 - it takes long to import, and most packages are where they were

    for channel in channels:
        yield Channel(channel).base_url
