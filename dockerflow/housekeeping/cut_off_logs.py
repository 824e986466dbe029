"""What attempts had printed when they were cut off: a file that grew in a folder, in a bucket pieces."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

from dockerflow.housekeeping.references import RunName
from dockerflow.store import runs
from dockerflow.store.base import Store
from dockerflow.store.errors import StoreError

# Of a file, so much at a time.
PIECE = 1 << 20


def pieces(store: Store, run: RunName, task_id: str, attempt: int) -> Iterator[bytes]:
    """Nothing for an attempt that had printed nothing. Raises StoreError."""
    file = runs.running_log(store, *run, task_id, attempt)
    folder = runs.log_key(*run, task_id, attempt)
    if file.is_file():
        yield from _of_file(file)
    elif whole := store.get(folder):
        yield whole
    else:
        names = store.children(folder)
        yield from takewhile(bool, (store.get(f"{folder}/{name}") or b"" for name in names))


def _of_file(file: Path) -> Iterator[bytes]:
    try:
        with file.open("rb") as stream:
            yield from iter(lambda: stream.read(PIECE), b"")
    except OSError as error:
        raise StoreError(f"cannot read the log `{file}`: {error.strerror}") from error
