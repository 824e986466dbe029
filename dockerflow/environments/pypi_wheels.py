"""Wheels: which one fits an image best, and stand-ins for distributions that conda brings."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from packaging.tags import Tag
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from dockerflow.environments import wheel_tags

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
    return {tag: rank for rank, tag in enumerate(wheel_tags.of_cpython((major, minor), platform))}
