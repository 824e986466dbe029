"""Write files that are either whole under their name or not there at all.

Bytes go to a temporary name first and get the final one by a rename or a link, which the file system does in one step.
A process killed at any moment leaves at most a temporary file, whose name begins with `TEMPORARY` so that every
listing can pass over it and `remove_abandoned` takes it. Nothing is promised about a power cut, except where `durable`
is asked for.
"""

from __future__ import annotations

import os
import time
import uuid
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Callable, Iterable, Iterator

TEMPORARY = ".tmp-"

# Containers run as another user and read through a read-only mount.
FILE_MODE = 0o444
FOLDER_MODE = 0o755


def make_folder(path: Path) -> None:
    """Make a folder and what is missing above it, open to readers whatever the umask says."""
    if path.is_dir():
        return
    make_folder(path.parent)
    try:
        path.mkdir()
        path.chmod(FOLDER_MODE)
    except FileExistsError:
        if not path.is_dir():
            raise


@contextmanager
def temporary(folder: Path, buffering: int = -1) -> Iterator[BinaryIO]:
    """A new file in `folder`, open for writing, that is gone afterwards unless it was moved away by then.

    Its name is `stream.name`. The folder must be on the file system of the final name.
    """
    path = folder / f"{TEMPORARY}{uuid.uuid4().hex}"
    try:
        stream = path.open("xb", buffering)
    except FileNotFoundError:
        make_folder(folder)
        stream = path.open("xb", buffering)
    try:
        with stream:
            yield stream
    finally:
        with suppress(FileNotFoundError):
            path.unlink()


def close_for_reading(stream: BinaryIO, durable: bool = False) -> None:
    """Bring a temporary file's last bytes to the file system and give it the mode of a finished one."""
    stream.flush()
    os.fchmod(stream.fileno(), FILE_MODE)
    if durable:
        os.fsync(stream.fileno())


def move(source: Path, target: Path) -> None:
    """Give a finished file its final name, in place of any other there."""
    try:
        os.replace(str(source), str(target))
    except FileNotFoundError:
        make_folder(target.parent)
        os.replace(str(source), str(target))


def move_if_new(source: Path, target: Path) -> bool:
    """Give a finished file its final name unless that is taken; whether it was free."""
    make_folder(target.parent)
    try:
        os.link(str(source), str(target))
    except FileExistsError:
        return False
    return True


def temporary_below(folder: Path) -> Iterator[Path]:
    """The temporary files in a folder and all below it. Folders may come and go meanwhile."""
    for place, _, names in os.walk(str(folder)):
        yield from (Path(place) / name for name in names if name.startswith(TEMPORARY))


def remove_abandoned(paths: Iterable[Path], older_than: float, clock: Callable[[], float] = time.time) -> None:
    """Remove those of the temporary files at `paths` that nobody has written to for so many seconds."""
    before = clock() - older_than
    for path in paths:
        with suppress(OSError):  # gone by now, or another user's
            if path.stat().st_mtime < before:
                path.unlink()
