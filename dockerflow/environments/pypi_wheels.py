"""Wheels: which one fits an image best, and stand-ins for distributions that conda brings.

A tag says for which Python, ABI and platform a wheel was built
(https://packaging.python.org/en/latest/specifications/platform-compatibility-tags/); the order of preference is that
of `packaging`, for the image's Python and C library and not for this machine's.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from dockerflow.environments import virtual_packages

# The first C library that each processor has wheels for, and the names that some of them had before they were numbers
# (PEP 513, 571 and 599).
_OLDEST = {"x86_64": 5, "aarch64": 17}
_OLDER_NAMES = {5: "manylinux1", 12: "manylinux2010", 17: "manylinux2014"}

_FIRST_WITHOUT_M = (3, 8)  # the ABI's name ended in an `m` before

_EPOCH = (1980, 1, 1, 0, 0, 0)


def best(names: Sequence[str], python: str, platform: str) -> str | None:
    """Of these wheels' file names the one that pip would take; None where none fits."""
    ranks = _ranks(python, platform)
    fitting = [(rank, name) for name in names if (rank := _rank(name, ranks)) is not None]
    return min(fitting)[1] if fitting else None


def stand_in(folder: Path, name: str, version: str) -> Path:
    """A wheel with a name and a version that asks for nothing and holds nothing."""
    stem = f"{name.replace('-', '_')}-{version}"
    wheel = folder / f"{stem}-py3-none-any.whl"
    files = {
        "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        "WHEEL": "Wheel-Version: 1.0\nGenerator: dockerflow\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "RECORD": "",
    }
    with zipfile.ZipFile(wheel, "w") as archive:
        for file, text in files.items():
            archive.writestr(zipfile.ZipInfo(f"{stem}.dist-info/{file}", _EPOCH), text)
    return wheel


def _rank(name: str, ranks: dict[Tag, int]) -> int | None:
    try:
        tags = parse_wheel_filename(name)[3]
    except InvalidWheelFilename:
        return None
    return min((ranks[tag] for tag in tags if tag in ranks), default=None)


@cache
def _ranks(python: str, platform: str) -> dict[Tag, int]:
    major, minor = (int(part) for part in python.split(".")[:2])
    interpreter = f"cp{major}{minor}"
    abi = interpreter if (major, minor) >= _FIRST_WITHOUT_M else f"{interpreter}m"
    platforms = list(_platforms(virtual_packages.of_platform(platform)["__archspec"][1]))
    own = cpython_tags((major, minor), [abi], platforms)
    others = compatible_tags((major, minor), interpreter, platforms)
    ranks: dict[Tag, int] = {}
    for tag in (*own, *others):
        ranks.setdefault(tag, len(ranks))
    return ranks


def _platforms(processor: str) -> Iterator[str]:
    """The newest C library first, as far as the image's own."""
    newest = int(virtual_packages.GLIBC.partition(".")[2])
    for minor in range(newest, _OLDEST[processor] - 1, -1):
        yield f"manylinux_2_{minor}_{processor}"
        if minor in _OLDER_NAMES:
            yield f"{_OLDER_NAMES[minor]}_{processor}"
    yield f"linux_{processor}"
