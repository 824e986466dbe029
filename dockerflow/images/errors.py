"""What can go wrong between a lock and an image on an engine.

ImageError
├── PackageError      an archive that cannot be had, is not the one that was locked, or cannot become a layer
├── BaseImageError    the base image is neither on the engine nor to be had
├── OwnImageError     a step's own image (`@image`) cannot be had, or tasks cannot run in it
├── LayerDamaged      a layer in the cache is not the bytes that were written; it has been thrown away
├── CompileError      an environment's own Python could not compile its packages
├── CacheError        the cache's folder cannot be made, read or written
├── DiskFullError     the cache's disk, or the engine's, has no room left
├── IncompleteImage   layers of a known image are nowhere to be had any more
├── ExportError       a file cannot be written, or is there already
├── RegistryError     a registry does not answer, or does not take an image
└── LoadError         the engine did not take an image, or took something else
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from errno import EDQUOT, ENOSPC
from pathlib import Path

from dockerflow.errors import DockerflowError


class ImageError(DockerflowError):
    """A package, a layer or an image. `is_of_host`: the message names the host that it is about."""

    exit_code = 5
    is_of_host = False


class PackageError(ImageError):
    """One package archive; the message names it."""


class BaseImageError(ImageError):
    """No base image to build upon."""


class OwnImageError(ImageError):
    """An image that a step brings along."""


class LayerDamaged(ImageError):
    """`diff_id` was asked of the cache, which had other bytes under that name or none."""

    def __init__(self, diff_id: str, title: str, found: str) -> None:
        super().__init__(
            f"the layer `{title}` in the cache is damaged: expected {diff_id}, found {found}",
            hint="it has been removed; run the command again to build it anew",
        )
        self.diff_id = diff_id
        self.title = title


class CompileError(ImageError):
    """The bytecode of an environment could not be made."""


class CacheError(ImageError):
    """The folder in which packages and layers are kept cannot be used."""


class DiskFullError(ImageError):
    """No room left; nothing half written stays under a final name."""


class IncompleteImage(ImageError):
    """A known image whose layers neither the cache, the engine nor a lock can give."""


class ExportError(ImageError):
    """The file that an image was to be written to."""


class RegistryError(ImageError):
    """What a registry says, or that it says nothing."""


class LoadError(ImageError):
    """The engine did not take the image."""


def of_host(name: str, error: ImageError) -> ImageError:
    """The error of a remote host's engine as one that names the host; others are about this machine, and stay."""
    of_engine = isinstance(error, (LoadError, CompileError, BaseImageError, OwnImageError))
    if error.is_of_host or not (of_engine or "the engine's disk" in error.message):
        return error
    hint = error.hint
    if isinstance(error, LoadError):
        hint = f"check it with `dockerflow hosts check {name}`; what has arrived there is not sent again"
    elif "dockerflow doctor" in (hint or ""):  # which looks at the engine of this machine
        hint = f"check it with `dockerflow hosts check {name}`"
    found = type(error)(f"host `{name}`: {error.message}", hint)
    found.is_of_host = True
    return found


@contextmanager
def explaining_full_disk(folder: Path, what: str) -> Iterator[None]:
    """Say which disk is full while `what` is written below `folder`."""
    try:
        yield
    except OSError as error:
        if error.errno not in (ENOSPC, EDQUOT):
            raise
        raise DiskFullError(
            f"no space left on the disk of `{folder}` while writing {what}",
            hint="free some space, or put the cache elsewhere with the setting `cache_dir`",
        ) from error


@contextmanager
def explaining_cache(folder: Path) -> Iterator[None]:
    """Say that the cache in `folder` cannot be used where a file or folder of it cannot."""
    try:
        yield
    except OSError as error:
        if not str(error.filename or "").startswith(str(folder)) and error.filename not in map(str, folder.parents):
            raise
        raise CacheError(
            f"the cache `{folder}` cannot be used: {error.strerror} (`{error.filename}`)",
            hint="name another folder with DOCKERFLOW_CACHE_DIR or the setting `cache_dir`",
        ) from error
