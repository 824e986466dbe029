"""Who uses the cache: any number of builds at once, or one that removes from it.

The system takes the lock back when its process ends, however it ends. Whoever can read the file of the lock can build
under it, also with another user's cache; whoever removes must be able to write it. Where a file system has no locks, or
the file cannot be read, builds go on without one; where it cannot be locked for removing, nothing is removed.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from dockerflow.images.errors import CacheError

NAME = "in-use.lock"


@contextmanager
def used(cache_dir: Path) -> Iterator[None]:
    """Be one of those who build, send or read: nothing is removed from the cache meanwhile."""
    with ExitStack() as stack:
        with suppress(OSError):
            cache_dir.mkdir(parents=True, exist_ok=True)
            fcntl.flock(stack.enter_context(_opened(cache_dir / NAME)), fcntl.LOCK_SH)
        yield


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("ab")
    except PermissionError:  # another user's: reading is enough to share a lock
        return path.open("rb")


@contextmanager
def alone(cache_dir: Path) -> Iterator[None]:
    """Be the only one. Raises CacheError at once where somebody builds."""
    with ExitStack() as stack:
        try:
            fcntl.flock(stack.enter_context((cache_dir / NAME).open("ab")), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CacheError(
                f"the cache `{cache_dir}` is in use: images are being built or sent",
                hint="wait for the runs and builds that are under way, then run the command again",
            ) from None
        except OSError as error:
            raise CacheError(
                f"the cache `{cache_dir}` cannot be locked, so nothing is removed from it: {error.strerror}",
                hint="name another folder with DOCKERFLOW_CACHE_DIR or the setting `cache_dir`",
            ) from error
        yield
