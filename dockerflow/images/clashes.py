"""Paths that several packages of an environment carry: whose file it is.

conda's installers let packages overwrite each other's files; who wins is a matter of the order of installation. Here it
is a function of the lock, and the same as py-rattler's: packages are ordered so that what a package needs comes before
it, and the last one wins. The losers' layers leave the path out, so the order of layers does not matter.

A path that is a file or link to one package and a folder to another has no such answer and is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dockerflow.environments.lock import Lock, LockedPackage
from dockerflow.images.errors import PackageError


def lost_paths(lock: Lock, paths: Mapping[str, Iterable[str]]) -> Mapping[str, frozenset[str]]:
    """What each package (by name) leaves to another. `paths` are the files and links of each, below the prefix."""
    owners: dict[str, list[str]] = {}
    for name in (package.name for package in installation_order(lock)):
        for path in paths[name]:
            owners.setdefault(path, []).append(name)
    _check_folders(owners)
    lost: dict[str, set[str]] = {name: set() for name in paths}
    for path, names in owners.items():
        for name in names[:-1]:
            lost[name].add(path)
    return {name: frozenset(found) for name, found in lost.items()}


def installation_order(lock: Lock) -> list[LockedPackage]:
    """What a package needs before it. Among equals the first name comes last, and so wins."""
    packages = {package.name: package for package in lock.packages}
    needs = {
        name: [other for other, _ in reversed(package.dependencies) if other in packages]
        for name, package in packages.items()
    }
    needed = {other for others in needs.values() for other in others}
    result: dict[str, LockedPackage] = {}
    under_way: set[str] = set()

    def visit(name: str) -> None:
        if name in under_way:
            return
        under_way.add(name)
        for other in needs[name]:
            visit(other)
        result[name] = packages[name]

    for name in [*sorted(set(packages) - needed, reverse=True), *sorted(packages, reverse=True)]:
        visit(name)
    return list(result.values())


def _check_folders(owners: Mapping[str, list[str]]) -> None:
    folders: dict[str, str] = {}
    for path, names in owners.items():
        folder = path.rpartition("/")[0]
        while folder and folder not in folders:
            folders[folder] = names[-1]
            folder = folder.rpartition("/")[0]
    clash = next((path for path in sorted(owners) if path in folders), None)
    if clash is not None:
        raise PackageError(
            f"packages `{owners[clash][-1]}` and `{folders[clash]}` clash: `{clash}` is a file or link of the one "
            "and a folder of the other",
            hint="they cannot be in one environment; choose other versions, or use them in different steps",
        )
