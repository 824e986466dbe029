"""What must be known of a package to name its layer, without having its archive at hand.

Kept beside the layers by the archive's hash, so that an image whose layers are all cached is put together without
fetching or opening any package.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from dockerflow.environments.lock import LockedPackage
from dockerflow.images.archive import CondaArchive
from dockerflow.images.files import read_json, write_json
from dockerflow.images.metadata import Python

# Part of the file's name. Raise it when more must be known.
_VERSION = 1


@dataclass(frozen=True)
class Facts:
    size: int  # of the archive
    noarch_python: bool  # whether its files go where the environment's Python wants them
    python: Python | None  # set for the package `python`


@dataclass(frozen=True)
class FactsCache:
    folder: Path

    def of(self, package: LockedPackage, fetch: Callable[[LockedPackage], Path]) -> Facts:
        """From the cache, or from the archive, which is then fetched."""
        path = self.folder / f"{package.sha256}.{_VERSION}.json"
        found = read_json(path)
        if isinstance(found, dict):
            python = found["python"]
            return Facts(found["size"], found["noarch_python"], Python(**python) if python else None)
        facts = _read(package, fetch(package))
        write_json(path, asdict(facts))
        return facts


def _read(package: LockedPackage, path: Path) -> Facts:
    archive = CondaArchive(path, package.file_name)
    try:
        index = json.loads(archive.info["info/index.json"])
        python = Python.of(index) if index["name"] == "python" else None
        return Facts(path.stat().st_size, index.get("noarch") == "python", python)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise archive.malformed(f"its metadata is not what the format says ({error!r})") from error
