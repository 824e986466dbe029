"""Whether what the lock has for pip is a wheel, and one that the environment's Python can use. Decided by names alone.

Which tags an environment's Python takes is said in `environments.wheel_tags`, as the solver knows them.
"""

from __future__ import annotations

import posixpath
import re

from packaging.tags import Tag
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from dockerflow.environments import wheel_tags
from dockerflow.environments.lock import LockedPackage
from dockerflow.environments.virtual_packages import GLIBC
from dockerflow.images.errors import PackageError
from dockerflow.images.metadata import Python

_SOURCES = (".tar.gz", ".zip", ".tar.bz2", ".tgz", ".tar.xz")


def check_is_wheel(package: LockedPackage) -> None:
    """Raise `PackageError` for anything that would have to be built or that nobody installs any more."""
    if package.file_name.endswith(".whl"):
        return
    kind = "a source distribution, which would have to be built" if _is_source(package) else "no wheel"
    raise PackageError(
        f"package `{package.name}` is refused: `{package.file_name}` is {kind}, and images are made of wheels only",
        hint=f"ask for a version of `{package.name}` that has wheels, take it from conda with `@conda`, or build the "
        f"wheel yourself (`pip wheel {package.name}=={package.version}`) and offer it in a folder or an index of yours",
    )


def check_tags(package: LockedPackage, python: Python, platform: str) -> None:
    """Raise `PackageError` if the wheel is for another Python or another platform than the environment's."""
    try:
        found = parse_wheel_filename(package.file_name)[3]
    except InvalidWheelFilename as error:
        raise PackageError(
            f"package `{package.name}` is refused: `{package.file_name}` is not the name of a wheel: {error}",
            hint="lock again; if the name stays, tell the makers of the package",
        ) from error
    supported = supported_tags(python, platform)
    if found & supported:
        return
    raise PackageError(
        f"package `{package.name}` is refused: its wheel `{package.file_name}` is for {_wanted(found, supported)}, the "
        f"environment has Python {_shown(python)} on `{platform}` with glibc {GLIBC}",
        hint=f"lock again for this Python and platform, or ask for another version of `{package.name}`",
    )


def supported_tags(python: Python, platform: str) -> frozenset[Tag]:
    """Every tag that a wheel for `python` on `platform` may have."""
    major, minor = map(int, python.version.split("."))
    if _cpython(python) is None:
        return frozenset(wheel_tags.of_any_python((major, minor), platform))
    return frozenset(wheel_tags.of_cpython((major, minor), platform, _is_free_threaded(python)))


def _cpython(python: Python) -> re.Match[str] | None:
    """The folder of CPython's modules; None for another implementation."""
    return re.fullmatch(r"python\d+\.\d+(t?)", posixpath.basename(posixpath.dirname(python.site_packages)))


def _is_free_threaded(python: Python) -> bool:
    found = _cpython(python)
    return found is not None and bool(found[1])


def _wanted(found: frozenset[Tag], supported: frozenset[Tag]) -> str:
    """The part of the tags that does not fit."""
    if {tag.platform for tag in found}.isdisjoint(tag.platform for tag in supported):
        return _listed({tag.platform for tag in found})
    return _listed({f"{tag.interpreter}-{tag.abi}" for tag in found})


def _listed(names: set[str]) -> str:
    return " or ".join(f"`{name}`" for name in sorted(names))


def _shown(python: Python) -> str:
    return f"{python.version}, free-threaded," if _is_free_threaded(python) else python.version


def _is_source(package: LockedPackage) -> bool:
    return package.file_name.endswith(_SOURCES)
