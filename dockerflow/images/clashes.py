"""Paths that several packages of an environment carry: whose file it is.

conda's installers let packages overwrite each other's files; who wins is a matter of the order of installation. Here it
is a function of the lock, and the same as py-rattler's: packages are ordered so that what a package needs comes before
it, and the last one wins (where packages need each other in a circle, it may be another than py-rattler's). Wheels come
after all conda packages, as pip would be run after conda, so a wheel wins. The losers' layers leave the path out, so
the order of layers does not matter.

A path that is a file or link to one package and a folder to another has no such answer and is refused. So is a wheel of
a library that a conda package brings too: two copies in one `site-packages` make one broken one.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping

from packaging.utils import canonicalize_name

from dockerflow.environments.lock import Lock, LockedPackage
from dockerflow.images.errors import PackageError
from dockerflow.images.needs import Needs, needs

Paths = Mapping[LockedPackage, Iterable[str]]

_METADATA = re.compile(r"(?P<name>.+?)(-\d.*)?\.(dist|egg)-info")


def lost_paths(lock: Lock, paths: Paths) -> Mapping[LockedPackage, frozenset[str]]:
    """What each package leaves to another. `paths` are the files, links and folders (with a `/` at the end) of each,
    below the prefix. A folder is left to nobody: all have it.
    """
    owners: dict[str, list[LockedPackage]] = {}
    for package in installation_order(lock):
        for path in paths[package]:
            owners.setdefault(path, []).append(package)
    _check_folders(owners)
    lost: dict[LockedPackage, set[str]] = {package: set() for package in paths}
    for path, packages in owners.items():
        for package in packages[:-1] if not path.endswith("/") else ():
            lost[package].add(path)
    return {package: frozenset(found) for package, found in lost.items()}


def check_distributions(paths: Paths, site_packages: str) -> None:
    """Raise PackageError if a wheel brings a library that another package has in `site_packages` as well."""
    owners: dict[str, LockedPackage] = {}
    for package in sorted(paths, key=lambda package: (package.manager, package.name)):
        for name in set(_distributions(paths[package], site_packages)):
            other = owners.setdefault(name, package)
            if other != package and package.manager == "pip":
                raise PackageError(
                    f"packages {shown(other)} and {shown(package)} clash: both bring the library `{name}`",
                    hint=f"take `{name}` either from conda or from the package index; what is asked of conda serves "
                    "wheels too",
                )


def _distributions(paths: Iterable[str], site_packages: str) -> Iterator[str]:
    """The libraries whose metadata is among `paths`, by their normalized names."""
    start = f"{site_packages}/"
    for path in paths:
        if path.startswith(start) and "-info" in path:
            found = _METADATA.fullmatch(path[len(start) :].split("/", 1)[0])
            if found is not None:
                yield canonicalize_name(found["name"])


def installation_order(lock: Lock) -> list[LockedPackage]:
    """conda packages, then wheels, and what a package needs before it. Among equals the first name comes last, and so
    wins.
    """
    direct = needs(lock)
    wheels = [package for package in lock.packages if package.manager == "pip"]
    return [*_ordered([package for package in direct if package.manager == "conda"], direct), *_ordered(wheels, direct)]


def _ordered(packages: list[LockedPackage], direct: Needs) -> list[LockedPackage]:
    there = set(packages)
    needed = {other for package in packages for other in direct[package]}
    under_way: set[LockedPackage] = set()
    result: list[LockedPackage] = []

    def visit(package: LockedPackage) -> None:
        if package in under_way or package not in there:
            return
        under_way.add(package)
        for other in reversed(direct[package]):
            visit(other)
        result.append(package)

    for package in [*_backwards(there - needed), *_backwards(there)]:
        visit(package)
    return result


def _backwards(packages: Iterable[LockedPackage]) -> list[LockedPackage]:
    return sorted(packages, key=lambda package: package.name, reverse=True)


def _check_folders(owners: Mapping[str, list[LockedPackage]]) -> None:
    folders: dict[str, LockedPackage] = {}
    for path, packages in owners.items():
        folder = posixpath.dirname(path)
        while folder and folder not in folders:
            folders[folder] = packages[-1]
            folder = posixpath.dirname(folder)
    clash = next((path for path in sorted(owners) if path in folders), None)
    if clash is not None and owners[clash][-1] == folders[clash]:
        raise PackageError(
            f"package {shown(folders[clash])} is refused: its `{clash}` is both a file or link and a folder",
            hint="the channel's file is broken; use another version or build of the package, or tell the channel",
        )
    if clash is not None:
        raise PackageError(
            f"packages {shown(owners[clash][-1])} and {shown(folders[clash])} clash: `{clash}` is a file or link of "
            "the one and a folder of the other",
            hint="they cannot be in one environment; choose other versions, or use them in different steps",
        )


def shown(package: LockedPackage) -> str:
    return f"`{package.name}`" if package.manager == "conda" else f"`{package.name}` (a wheel)"
