"""The tags that a wheel for an environment's Python may have, in the order in which one is preferred.

A tag says for which Python, ABI and platform a wheel was built
(https://packaging.python.org/en/latest/specifications/platform-compatibility-tags/). The order is that of `packaging`,
for the image's Python and C library and not for this machine's.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from packaging.tags import Tag, compatible_tags, cpython_tags

from dockerflow.environments import virtual_packages

# The first C library that each processor has wheels for, and the names that some of them had before they were numbers
# (PEP 513, 571 and 599).
_OLDEST = {"x86_64": 5, "aarch64": 17}
_OLDER_NAMES = {5: "manylinux1", 12: "manylinux2010", 17: "manylinux2014"}

_FIRST_WITHOUT_M = (3, 8)  # the ABI's name ended in an `m` before


@cache
def of_cpython(version: tuple[int, int], platform: str, free_threaded: bool = False) -> tuple[Tag, ...]:
    """For CPython on a conda platform, the best first."""
    interpreter = f"cp{version[0]}{version[1]}"
    abi = interpreter + ("t" if free_threaded else "") + ("" if version >= _FIRST_WITHOUT_M else "m")
    platforms = list(_platforms(platform))
    found = (*cpython_tags(version, [abi], platforms), *compatible_tags(version, interpreter, platforms))
    return tuple(dict.fromkeys(found))


@cache
def of_any_python(version: tuple[int, int], platform: str) -> tuple[Tag, ...]:
    """For an implementation that is not CPython: what is compiled for it is left alone."""
    return tuple(compatible_tags(version, None, list(_platforms(platform))))


def _platforms(platform: str) -> Iterator[str]:
    """The names of a platform, the newest C library first, as far as the image's own."""
    processor = virtual_packages.of_platform(platform)["__archspec"][1]
    newest = int(virtual_packages.GLIBC.partition(".")[2])
    for minor in range(newest, _OLDEST[processor] - 1, -1):
        yield f"manylinux_2_{minor}_{processor}"
        if minor in _OLDER_NAMES:
            yield f"{_OLDER_NAMES[minor]}_{processor}"
    yield f"linux_{processor}"
