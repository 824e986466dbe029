"""A wire to an engine's socket that can be broken in every way in which a network breaks, the engine being there.

It listens at a path of its own and passes bytes on, both ways. What is cut is closed on our side; the engine is told
of it, or, as where a network falls silent, it is not: then it goes on writing to a client that reads no more.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from pathlib import Path

_READ = 64 * 1024


class Wire:
    def __init__(self, path: Path, target: str) -> None:
        self.url = f"unix://{path}"
        self.passed = 0  # bytes that came from the engine
        self._target = target.removeprefix("unix://")
        self._lock = threading.Lock()
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._stale: list[socket.socket] = []
        self._is_away = False
        self._next_cut: int | None = None
        self._tells = True
        self.cuts = 0
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(path))
        self._listening.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, tells: bool = True) -> None:
        """All connections that there are; `tells`: also the engine learns it."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
        if not tells:
            self._stale += [theirs for _, theirs in pairs]
        for ours, theirs in pairs:
            _end(ours)
            if tells:
                _end(theirs)
        self.cuts += bool(pairs)

    def cut_after(self, passed: int, tells: bool = True) -> None:
        """As soon as so many bytes more have come from the engine."""
        self._tells = tells
        self._next_cut = self.passed + passed

    def forget(self) -> None:
        """Have the engine notice what it was not told."""
        while self._stale:
            _end(self._stale.pop())

    def leave(self) -> None:
        """Nobody answers any more."""
        self._is_away = True
        self.cut()

    def come_back(self) -> None:
        self._is_away = False

    def close(self) -> None:
        self.leave()
        self.forget()
        _end(self._listening)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                ours, _ = self._listening.accept()
                if self._is_away:
                    ours.close()
                    continue
                theirs = socket.socket(socket.AF_UNIX)
                try:
                    theirs.connect(self._target)
                except OSError:
                    ours.close()
                    continue
                with self._lock:
                    self._pairs.append((ours, theirs))
                threading.Thread(target=self._pass, args=(ours, theirs, False), daemon=True).start()
                threading.Thread(target=self._pass, args=(theirs, ours, True), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, counts: bool) -> None:
        with suppress(OSError):
            while content := source.recv(_READ):
                target.sendall(content)
                if counts:
                    self._count(len(content))
        pair = (target, source) if counts else (source, target)
        with self._lock:
            if pair not in self._pairs:  # it was cut: the engine's side may have to stay
                return
            if not counts:
                with suppress(OSError):
                    target.shutdown(socket.SHUT_WR)
                return
            self._pairs.remove(pair)
        _end(source)
        _end(target)

    def _count(self, length: int) -> None:
        self.passed += length
        if self._next_cut is not None and self.passed >= self._next_cut:
            self._next_cut = None
            self.cut(self._tells)


def _end(each: socket.socket) -> None:
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()
