"""The store in a plain directory: small objects under keys, and blobs.

    <root>/blobs/…                      blobs, see `blobs`
    <root>/<key>                        one file per object; what keys there are is said in `runs`

A key is a relative path of names that do not begin with a dot. An object under its key is whole at any moment, also
while it is replaced and after a SIGKILL. A power cut may empty or undo what was put in the seconds before it, unless
`durable` was asked for: then `put` waits for the disk, which takes long where much else is being written.
"""

from __future__ import annotations

import fcntl
import os
import platform
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Iterator, List, Optional, Union

from dockerflow.store import files
from dockerflow.store.base import Ends, KeyInfo, Store, check_key, last_of
from dockerflow.store.beating import BEAT, LIFE, beating
from dockerflow.store.blobs import Blobs
from dockerflow.store.errors import StoreError

# The configuration may be committed, runs are not.
IGNORED = "*\n!.gitignore\n!config.yaml\n"

# The name that is looked for from a folder upwards.
NAME = ".dockerflow"

# What is read at once to find an object's last line.
LINE = 1 << 13


def find(start: Union[str, Path]) -> Optional[Path]:
    """The root of the store in `start` or in the nearest folder above it."""
    folder = Path(start).absolute()
    return next((place / NAME for place in [folder, *folder.parents] if (place / NAME).is_dir()), None)


def create(folder: Union[str, Path]) -> DirectoryStore:
    """The store in `folder`, made if there is none."""
    root = Path(folder).absolute() / NAME
    try:
        files.make_folder(root / "blobs")
        ignored = root / ".gitignore"
        if not ignored.exists():
            ignored.write_text(IGNORED)
    except OSError as error:
        hint = "name another with DOCKERFLOW_STORE"
        raise StoreError(f"cannot make the store `{root}`: {error.strerror}", hint) from error
    return DirectoryStore(root)


class DirectoryStore(Store):
    """Objects and `blobs` below the folder `root`, which need not exist before the first write."""

    shows_scratch = True

    def __init__(self, root: Union[str, Path], beat: float = BEAT, life: float = LIFE) -> None:
        self.root = Path(root).absolute()
        self.blobs: Blobs = Blobs(self.root / "blobs")
        self._beat, self._life = beat, life

    @property
    def name(self) -> str:
        return str(self.root)

    @property
    def scratch(self) -> Path:
        return self.root

    def put(self, key: str, data: bytes, durable: bool = False) -> None:
        """Store `data` under `key`, in place of what was there."""
        self._write(key, data, new=False, durable=durable)

    def put_new(self, key: str, data: bytes) -> bool:
        """Store `data` under `key` unless something is there; whether it was. Of several at once one succeeds."""
        return self._write(key, data, new=True)

    def get(self, key: str) -> Optional[bytes]:
        """The object under `key`, None if there is none."""
        try:
            return self._path(key).read_bytes()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        except OSError as error:
            raise StoreError(f"cannot read `{key}` of `{self.root}`: {error.strerror}") from error

    def first_line(self, key: str) -> Optional[bytes]:
        try:
            with self._path(key).open("rb") as stream:
                return stream.readline()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        except OSError as error:
            raise StoreError(f"cannot read `{key}` of `{self.root}`: {error.strerror}") from error

    def exists(self, key: str) -> bool:
        return self._path(key).is_file()

    def ends(self, key: str, size: int) -> Optional[Ends]:
        try:
            with self._path(key).open("rb") as stream:
                first = stream.readline()
                start, last = stream.seek(0, os.SEEK_END), b""
                while start > 0 and last_of(last) == last:
                    start = max(0, start - LINE)
                    stream.seek(start)
                    last = stream.read()
                return Ends(first, last_of(last))
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        except OSError as error:
            raise StoreError(f"cannot read `{key}` of `{self.root}`: {error.strerror}") from error

    def every(self, prefix: str = "") -> Iterator[KeyInfo]:
        folder, _, _ = prefix.rpartition("/")
        below = _below(self._path(folder) if folder else self.root, f"{folder}/" if folder else "")
        return (found for found in below if found.key.startswith(prefix))

    def children(self, prefix: str) -> List[str]:
        """The names right below `prefix` (no final slash), of objects and of what holds objects, sorted."""
        try:
            names = os.listdir(str(self._path(prefix)))
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise StoreError(f"cannot list `{prefix}` of `{self.root}`: {error.strerror}") from error
        return sorted(name for name in names if not name.startswith("."))

    def delete(self, *keys: str) -> None:
        for key in keys:
            try:
                self._path(key).unlink()
            except (FileNotFoundError, NotADirectoryError):
                pass
            except OSError as error:
                raise StoreError(f"cannot delete `{key}` of `{self.root}`: {error.strerror}") from error

    @contextmanager
    def hold(self, key: str) -> Iterator[None]:
        """By a lock on the file, which the system takes back when the process ends, however it ends, and by signs of
        life for machines that do not see the lock: the file's time. On a file system that has no locks the owner goes
        on without one. Raises StoreError where the file cannot be made."""
        path = self._path(key)
        with ExitStack() as open_files:
            try:
                files.make_folder(path.parent)
                stream = open_files.enter_context(path.open("wb", 0))
                with suppress(OSError):
                    fcntl.flock(stream, fcntl.LOCK_EX)  # waits at most for a reader that asks `is_held`
                stream.write(platform.node().encode())
                os.fchmod(stream.fileno(), 0o644)
            except OSError as error:
                raise StoreError(f"cannot write `{path}`: {error.strerror}") from error

            def beat() -> None:
                with suppress(OSError, ValueError):  # it is closed, where the file system took too long for the last
                    os.utime(stream.fileno())  # by the clock of the file system

            try:
                with beating(beat, self._beat):
                    yield
            finally:
                with suppress(OSError):
                    path.unlink()

    def is_held(self, key: str) -> bool:
        """Locks over a network file system are seen by other machines or not, as it likes. So what another machine
        holds (by its name in the file) and is not locked is held as long as there are signs of life."""
        path = self._path(key)
        try:
            with path.open() as stream:
                fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
                if stream.read() in ("", platform.node()):
                    return False
                return _now(path.parent) - os.fstat(stream.fileno()).st_mtime < self._life
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError:  # locked, or not to be known
            return True

    def _write(self, key: str, data: bytes, new: bool, durable: bool = False) -> bool:
        path = self._path(key)
        try:
            with files.temporary(path.parent) as stream:
                stream.write(data)
                files.close_for_reading(stream, durable)
                if new:
                    return files.move_if_new(Path(stream.name), path)
                files.move(Path(stream.name), path)
                return True
        except OSError as error:
            raise StoreError(f"cannot write `{key}` of `{self.root}`: {error.strerror}") from error

    def _path(self, key: str) -> Path:
        check_key(key)
        return self.root / key


def _now(folder: Path) -> float:
    """By the clock of the file system, which may be another machine's; ours where one may not write."""
    try:
        with files.temporary(folder) as stream:
            return os.fstat(stream.fileno()).st_mtime
    except OSError:
        return time.time()


def _below(folder: Path, prefix: str) -> Iterator[KeyInfo]:
    """What is in a folder of the store and in those below it, links not followed; `prefix` is the folder's key."""
    try:
        with os.scandir(str(folder)) as entries:
            found = [entry for entry in entries if not entry.name.startswith(".")]
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise StoreError(f"cannot list `{folder}`: {error.strerror}") from error
    for entry in found:
        if entry.is_dir(follow_symlinks=False):
            if prefix or entry.name != "blobs":
                yield from _below(Path(entry.path), f"{prefix}{entry.name}/")
        else:
            with suppress(FileNotFoundError):
                yield KeyInfo(prefix + entry.name, entry.stat(follow_symlinks=False).st_size)
