"""Files that are there wholly or not at all.

As `store.files` writes them: a killed process leaves nothing that a later one could take for finished, and two that
write the same file do not see each other. Here the name may depend on what was written.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeVar

from dockerflow.store import files

CHUNK = 1 << 20

T = TypeVar("T")


class NewFile:
    """A file under way. `keep_as` decides, before the block ends, under which name in its folder it stays."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.name: str | None = None

    def keep_as(self, name: str) -> None:
        self.name = name


@contextmanager
def new_file(folder: Path, name: str | None = None) -> Iterator[NewFile]:
    """A file that takes its name in `folder` when the block ends well, and is gone when it does not."""
    with files.temporary(folder, CHUNK) as file:
        new = NewFile(file)
        new.name = name
        yield new
        if new.name is not None:
            files.close_for_reading(file)
            files.move(Path(file.name), folder / new.name)


def sweep(folder: Path, older_than: float) -> None:
    """Remove what killed processes left below `folder` under temporary names more than so many seconds ago."""
    files.remove_abandoned(files.temporary_below(folder), older_than)


def write_json(path: Path, value: object) -> None:
    with new_file(path.parent, path.name) as new:
        new.file.write(canonical_json(value))


def read_json(path: Path, read: Callable[[Any], T]) -> T | None:
    """What `read` makes of the value; None where there is no file, or not one that this version wrote: what was kept
    by an older one, or damaged, counts as absent. `read` says so with one of the exceptions that are caught here.
    """
    try:
        return read(json.loads(path.read_bytes()))
    except (FileNotFoundError, IsADirectoryError, AttributeError, TypeError, KeyError, IndexError, ValueError):
        return None


def canonical_json(value: object) -> bytes:
    """The same bytes for equal values on every machine: sorted keys, no spaces, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        digest = hashlib.sha256()
        for block in chunks(file):
            digest.update(block)
    return digest.hexdigest()


def chunks(file: IO[bytes], size: int = CHUNK) -> Iterator[bytes]:
    while block := file.read(size):
        yield block
