"""Write a step image into one file, which is an OCI archive and what `docker load` takes at once.

The same image is the same bytes. The file appears under its name when it is complete, not before.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from errno import EDQUOT, ENOSPC
from pathlib import Path
from typing import IO

from dockerflow.images.errors import ExportError, LayerDamaged
from dockerflow.images.image import Layer, StepImage
from dockerflow.images.load_archive import load_archive
from dockerflow.store import files

Restore = Callable[[Sequence[Layer]], None]
Told = Callable[[int], None]


def export(image: StepImage, path: Path, restore: Restore, force: bool = False, told: Told = lambda size: None) -> int:
    """Write the archive to `path`; its size. Raises ExportError for a file that is there, unless `force` is given."""
    if not force and path.exists():
        raise already_there(path)
    restore(image.layers)
    try:
        return _export(image, path, force, told)
    except LayerDamaged:  # its file is gone now, so that it can be restored
        restore(image.layers)
        return _export(image, path, force, told)


def export_to(stream: IO[bytes], image: StepImage, restore: Restore, told: Told = lambda size: None) -> int:
    """Write the archive to an open stream; its size. Raises LayerDamaged in the middle of it for a damaged layer."""
    restore(image.layers)
    with _explaining("the archive", "send it elsewhere"):
        return _write(load_archive(image, image.layers, told), stream)


def _export(image: StepImage, path: Path, force: bool, told: Told) -> int:
    with _explaining(f"`{path}`", "name a file in another folder with `--output`"):
        return write_file(path, lambda file: _write(load_archive(image, image.layers, told), file), force)


def write_file(path: Path, write: Callable[[IO[bytes]], int], force: bool) -> int:
    """Have `path` hold what `write` writes, when that is complete. Raises ExportError for a file that is there."""
    with files.temporary(path.parent, 0) as unfinished:
        size = write(unfinished)
        os.fchmod(unfinished.fileno(), 0o666 & ~_umask())
        if force:
            files.move(Path(unfinished.name), path)
        elif not files.move_if_new(Path(unfinished.name), path):
            raise already_there(path)
    return size


@contextmanager
def _explaining(what: str, hint: str) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:  # whoever read it has gone
        raise
    except OSError as error:
        full = error.errno in (ENOSPC, EDQUOT)
        raise ExportError(
            f"no space left on the disk of {what}" if full else f"{what} cannot be written: {error.strerror}", hint
        ) from error


def _write(blocks: Iterator[bytes], file: IO[bytes]) -> int:
    size = 0
    for block in blocks:
        file.write(block)
        size += len(block)
    return size


def already_there(path: Path) -> ExportError:
    return ExportError(f"`{path}` is there already", hint="name another file, or replace it with `--force`")


def _umask() -> int:
    """What new files of this process may not have. There is no way to ask without setting it."""
    now = os.umask(0o077)
    os.umask(now)
    return now
