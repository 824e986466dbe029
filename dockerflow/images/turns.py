"""One at a time sends layers to a remote engine, so that none goes twice: threads of this process, and other processes.

    sending/<engine>.lock    locked by whoever sends; its content changes with each image that an engine was given

The content tells whether what is known of an engine's layers still holds: while nobody else has sent anything, it need
not be asked again. The system takes the lock back when its process ends, however it ends. Where a file system has no
locks, the threads of a process still wait for each other, and the engine is asked each time.
"""

from __future__ import annotations

import fcntl
import hashlib
import threading
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from dockerflow.images.engine_layers import EngineLayers

FOLDER = "sending"


class Turns:
    """Of one process at one engine, which `whose` tells from others."""

    def __init__(self, cache_dir: Path, whose: str) -> None:
        self._path = cache_dir / FOLDER / f"{hashlib.sha256(whose.encode()).hexdigest()[:24]}.lock"
        self._threads = threading.Lock()
        self._known: EngineLayers | None = None
        self._mark = b""

    @contextmanager
    def turn(self) -> Iterator[Turn]:
        """Wait until nobody sends; nobody does until the end."""
        with self._threads, ExitStack() as stack:
            file = _locked(self._path, stack)
            mark = _read(file)
            turn = Turn(self._known if mark and mark == self._mark else None)
            try:
                yield turn
            finally:
                if turn.is_changed:
                    mark = uuid.uuid4().hex.encode()
                    _write(file, mark)
                self._known, self._mark = turn.known, mark


class Turn:
    """While it is one's turn. `known` is what the engine has; None if it must be asked."""

    def __init__(self, known: EngineLayers | None) -> None:
        self.known = known
        self.is_changed = False

    def learn(self, known: EngineLayers, *, changed: bool) -> None:
        """The engine has this; `changed`: because it was given something."""
        self.known = known
        self.is_changed |= changed

    def forget(self) -> None:
        """What the engine has may be otherwise."""
        self.known = None
        self.is_changed = True


def _locked(path: Path, stack: ExitStack) -> BinaryIO | None:
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = stack.enter_context(path.open("a+b"))
        fcntl.flock(file, fcntl.LOCK_EX)
        return file
    return None


def _read(file: BinaryIO | None) -> bytes:
    if file is None:
        return b""
    file.seek(0)
    return file.read()


def _write(file: BinaryIO | None, mark: bytes) -> None:
    if file is not None:
        with suppress(OSError):  # a full disk: what was read of it then holds for nobody
            file.truncate(0)
            file.write(mark)
            file.flush()
