"""What must be known of a package to name its layer, without having its archive at hand.

Kept beside the layers by the archive's hash, so that an image whose layers are all cached is put together without
fetching or opening any package.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, astuple
from pathlib import Path
from typing import Any

from dockerflow.environments.lock import LockedPackage
from dockerflow.images import wheel
from dockerflow.images.archive import CondaArchive
from dockerflow.images.files import read_json, write_json
from dockerflow.images.metadata import Python, files, place
from dockerflow.lazy_dataclasses import dataclass

# Part of the file's name. Raise it when more must be known.
_VERSION = 4


@dataclass(frozen=True)
class Facts:
    size: int  # of the archive
    noarch_python: bool  # whether its files go where the environment's Python wants them, as those of every wheel do
    python: Python | None  # set for conda's package `python`
    files: tuple[str, ...]  # files and links, as the archive has them, or as `wheel.place` takes them
    distribution: str | None = None  # set for wheels: the library's normalized name

    @property
    def lacks_bytecode(self) -> bool:
        """Whether there are modules and no bytecode, by the names."""
        kinds = {path.rpartition(".")[2] for path in self.files}
        return "py" in kinds and "pyc" not in kinds

    def paths(self, python: Python | None) -> Iterator[str]:
        """Where the files and links go below the prefix."""
        if self.distribution is not None and python is not None:
            return (wheel.place(path, self.distribution, python) for path in self.files)
        return (place(path, python if self.noarch_python else None) for path in self.files)


@dataclass(frozen=True)
class FactsCache:
    folder: Path

    def of(self, package: LockedPackage, archive: Callable[[LockedPackage], AbstractContextManager[Path]]) -> Facts:
        """From the cache, or from the archive, which is then fetched."""
        path = self.folder / f"{package.sha256}.{_VERSION}.json"
        known = read_json(path, _kept)
        if known is not None:
            return known
        with archive(package) as opened:
            facts = _read(package, opened)
        write_json(path, asdict(facts))
        return facts


def _kept(found: Any) -> Facts:
    """What was written. Raises TypeError, KeyError or ValueError for anything else."""
    python = None if found["python"] is None else Python(**found["python"])
    distribution = found["distribution"]
    facts = Facts(found["size"], found["noarch_python"], python, tuple(found["files"]), distribution)
    named = () if distribution is None else (distribution,)
    texts = (*facts.files, *named, *(() if python is None else astuple(python)))
    if (
        type(facts.size) is not int
        or type(facts.noarch_python) is not bool
        or not all(type(text) is str for text in texts)
    ):
        raise TypeError("other kinds of values than are written")
    return facts


def _read(package: LockedPackage, path: Path) -> Facts:
    size = path.stat().st_size
    if package.manager == "pip":
        contents = wheel.WheelArchive(path, package.file_name).contents()
        return Facts(size, True, None, contents.paths, contents.distribution)
    index, found = files(CondaArchive(path, package.file_name))
    python = Python.of(index) if index["name"] == "python" else None
    return Facts(size, index.get("noarch") == "python", python, found)
