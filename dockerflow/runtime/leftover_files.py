"""What tasks leave in the folders of their container: there for the next task of their step, and for no other step's.

Tasks of one step may want to find it, such as what was downloaded to the home folder. Those of another step are in the
same container or in another one, as it comes: so nothing of it may be there that they could come to rely on.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from typing import AbstractSet, Iterable, Iterator, List

# A container's root cannot be written; these can, beside the worker's own folder and the outbox.
FOLDERS = ("/tmp", "/dev/shm")

# In the worker's own folder that of the flow's file, as `store.code_package` lays it out. A task can write there too:
# beside the file, and through links to what travels with it.
CODE = "user-code"


class LeftoverFiles:
    """What is in `folders` by now is for the tasks of all steps, and so is what is ever below those that are `private`,
    except in those of the folders that are there."""

    def __init__(self, folders: Iterable[str], *private: str) -> None:
        self._folders = tuple(folders)
        self._private = frozenset(private)
        self._spared = frozenset(path for folder in self._folders for path in _below(folder, self._private))

    def remove(self) -> None:
        """Whatever else is there. What cannot be removed stays."""
        for folder in self._folders:
            self._clear(folder)

    def _clear(self, folder: str) -> None:
        with suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                if entry.path in self._private:
                    continue
                if entry.path not in self._spared:
                    _remove(entry)
                elif entry.is_dir(follow_symlinks=False):
                    self._clear(entry.path)


def _below(top: str, but: AbstractSet[str]) -> Iterator[str]:
    """All paths below a folder, without what is in those that are left out."""
    for above, folders, files in os.walk(top):
        folders[:] = [name for name in folders if os.path.join(above, name) not in but]
        for name in (*folders, *files):
            yield os.path.join(above, name)


def _remove(entry: os.DirEntry[str]) -> None:
    if not entry.is_dir(follow_symlinks=False):
        with suppress(OSError):
            os.unlink(entry.path)
        return
    folders = [entry.path]
    for folder in folders:  # which grow; not by recursion: they may be inside each other by the thousand
        folders += _emptied(folder)
    for folder in reversed(folders):
        with suppress(OSError):
            os.rmdir(folder)


def _emptied(folder: str) -> List[str]:
    """The folders in it, which alone are left."""
    inner = []
    with suppress(OSError):
        os.chmod(folder, stat.S_IRWXU)  # a task may have taken from its own user the right to look into it
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                inner.append(entry.path)
                continue
            with suppress(OSError):
                os.unlink(entry.path)
    return inner
