"""Which packages of a lock need which: the order of layers and of installation is made from it.

A package is known by its manager and name: one from conda and one from pip may be called the same. What conda packages
need are conda packages. What a wheel needs is served by a wheel, or else by the conda package of that name; and every
wheel needs conda's Python.
"""

from __future__ import annotations

from collections.abc import Mapping

from packaging.utils import canonicalize_name

from dockerflow.environments.lock import Lock, LockedPackage

Needs = Mapping[LockedPackage, tuple[LockedPackage, ...]]


def needs(lock: Lock) -> Needs:
    """Each package's direct needs as far as the lock has them, by name."""
    conda = {package.name: package for package in lock.packages if package.manager == "conda"}
    wheels = {str(canonicalize_name(package.name)): package for package in lock.packages if package.manager == "pip"}
    everything = {**conda, **wheels}
    return {package: _needs(package, everything if package.manager == "pip" else conda) for package in lock.packages}


def _needs(package: LockedPackage, there: Mapping[str, LockedPackage]) -> tuple[LockedPackage, ...]:
    names = {name for name, _ in package.dependencies}
    if package.manager == "pip":
        names = {"python", *map(str, map(canonicalize_name, names))}
    return tuple(there[name] for name in sorted(names) if name in there)
