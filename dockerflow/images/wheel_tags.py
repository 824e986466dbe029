"""Whether what the lock has for pip is a wheel, and one that the environment's Python can use. Decided by names alone.

A wheel's name says for which Pythons, which binary interfaces and which platforms it was made:
https://packaging.python.org/en/latest/specifications/platform-compatibility-tags/. The platform is the image's, never
this machine's: Linux with the C library that conda packages are solved for.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from functools import lru_cache

from packaging import tags
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from dockerflow.environments.lock import LockedPackage
from dockerflow.environments.virtual_packages import GLIBC
from dockerflow.images.errors import PackageError
from dockerflow.images.metadata import Python

# The processor of a conda platform as wheels call it, and the oldest C library that wheels for it are made for.
_PROCESSORS = {"linux-64": ("x86_64", 5), "linux-aarch64": ("aarch64", 17), "linux-ppc64le": ("ppc64le", 17),
               "linux-s390x": ("s390x", 17)}  # fmt: skip

# What `manylinux1` and so on are called by the version of the C library.
_OLD_NAMES = {5: "manylinux1", 12: "manylinux2010", 17: "manylinux2014"}

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


@lru_cache(maxsize=16)
def supported_tags(python: Python, platform: str) -> frozenset[tags.Tag]:
    """Every tag that a wheel for `python` on `platform` may have."""
    version = tuple(map(int, python.version.split(".")))
    abi = _abi(python)
    platforms = list(_platforms(platform))
    if abi is None:  # not CPython: what is compiled is left alone
        return frozenset(tags.compatible_tags(version, None, platforms))
    interpreter = f"cp{version[0]}{version[1]}"
    return frozenset(
        [*tags.cpython_tags(version, [abi], platforms), *tags.compatible_tags(version, interpreter, platforms)]
    )


def _abi(python: Python) -> str | None:
    """`cp311`, `cp313t`, `cp37m`; None for another implementation."""
    found = re.fullmatch(r"python(\d+)\.(\d+)(t?)", posixpath.basename(posixpath.dirname(python.site_packages)))
    if found is None:
        return None
    major, minor, free_threaded = found.groups()
    with_pymalloc = "m" if (int(major), int(minor)) < (3, 8) else ""
    return f"cp{major}{minor}{free_threaded}{with_pymalloc}"


def _platforms(platform: str) -> Iterator[str]:
    """The names of the image's platform, the newest C library first."""
    if platform not in _PROCESSORS:
        return
    processor, oldest = _PROCESSORS[platform]
    for minor in range(int(GLIBC.partition(".")[2]), oldest - 1, -1):
        yield f"manylinux_2_{minor}_{processor}"
        if minor in _OLD_NAMES:
            yield f"{_OLD_NAMES[minor]}_{processor}"
    yield f"linux_{processor}"


def _wanted(found: frozenset[tags.Tag], supported: frozenset[tags.Tag]) -> str:
    """The part of the tags that does not fit."""
    if {tag.platform for tag in found}.isdisjoint(tag.platform for tag in supported):
        return _listed({tag.platform for tag in found})
    return _listed({f"{tag.interpreter}-{tag.abi}" for tag in found})


def _listed(names: set[str]) -> str:
    return " or ".join(f"`{name}`" for name in sorted(names))


def _shown(python: Python) -> str:
    return f"{python.version}, free-threaded," if (_abi(python) or "").endswith("t") else python.version


def _is_source(package: LockedPackage) -> bool:
    return package.file_name.endswith(_SOURCES)
