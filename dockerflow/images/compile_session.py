"""Talk with the program that compiles modules in a container (`compile_program`).

Any number of threads send modules and wait for what becomes of theirs; one thread listens. Modules are read from their
layer as they are sent, so what is in memory is one module and the results that somebody waits for.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Iterator, Mapping
from typing import Protocol

from dockerflow.attached import STDOUT, Demultiplexer
from dockerflow.images.bytecode import Sources
from dockerflow.images.compile_program import END, JOB, RESULT
from dockerflow.images.errors import CompileError

# How much of what the container says beside its results is kept for a message.
_SAID = 2000


# What the kernel says of a program for another machine, and what is to be done about each kind of failure.
_NO_PROGRAM = "exec format error"
_OTHER_MACHINE = "that engine does not run programs of the image's architecture, which it says is its own"
_OTHER_BASE = "the environment's `python` package does not run on this base image; try another `base_image`"


class Connection(Protocol):
    """To a container's standard streams; what is received is as a `Demultiplexer` takes it."""

    def send(self, content: bytes) -> None: ...

    def receive(self) -> bytes: ...

    def close(self) -> None: ...


class CompileSession:
    """One container that compiles, from its start to `close`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._numbers = itertools.count()
        # One package after another, so that the first is complete when the last begins: its layer can be sent then.
        self._turns = threading.Lock()
        self._sending = threading.Lock()
        self._answered = threading.Condition()
        self._results: dict[int, bytes] = {}
        self._said = b""
        self._over = False
        threading.Thread(target=self._listen, name="compile", daemon=True).start()

    def compile(self, sources: Sources) -> Mapping[str, bytes]:
        """The bytecode by the source's path; modules that do not compile are left out. Raises `CompileError`."""
        with self._turns:
            numbers = {self._send(path, text): path for path, text in sources.texts()}
        found = {path: self._result(number) for number, path in numbers.items()}
        return {path: data for path, data in found.items() if data}

    def close(self) -> None:
        """Let the container end. Whoever still waits gets a `CompileError`."""
        try:
            with self._sending:
                self._connection.send(JOB.pack(END, 0, 0))
        except OSError:  # it has ended already
            pass
        finally:
            self._connection.close()

    def _send(self, path: str, text: bytes) -> int:
        name = os.fsencode(f"/{path}")
        try:
            with self._sending:
                number = next(self._numbers)
                self._connection.send(JOB.pack(number, len(name), len(text)) + name + text)
        except OSError:
            raise self._failure() from None
        return number

    def _result(self, number: int) -> bytes:
        with self._answered:
            self._answered.wait_for(lambda: number in self._results or self._over)
            if number not in self._results:
                raise self._failure()
            return self._results.pop(number)

    def _failure(self) -> CompileError:
        with self._answered:
            self._answered.wait_for(lambda: self._over)
        said = self._said.decode(errors="replace").strip()
        return CompileError(
            f"the environment's Python could not compile its packages: {said or 'it ended without a word'}",
            hint=_OTHER_MACHINE if _NO_PROGRAM in said.lower() else _OTHER_BASE,
        )

    def _listen(self) -> None:
        try:
            for number, data in _results(self._output()):
                with self._answered:
                    self._results[number] = data
                    self._answered.notify_all()
        finally:
            with self._answered:
                self._over = True
                self._answered.notify_all()

    def _output(self) -> Iterator[bytes]:
        """The container's stdout; its stderr is kept."""
        demultiplexer = Demultiplexer()
        while received := self._connection.receive():
            for stream, part in demultiplexer.feed(received):
                if stream == STDOUT:
                    yield part
                else:
                    self._said = (self._said + part)[-_SAID:]


def _results(parts: Iterator[bytes]) -> Iterator[tuple[int, bytes]]:
    """What the program sends, taken apart however it arrives."""
    kept = bytearray()
    for part in parts:
        kept += part
        while len(kept) >= RESULT.size:
            number, size = RESULT.unpack_from(kept)
            if len(kept) < RESULT.size + size:
                break
            yield number, bytes(kept[RESULT.size : RESULT.size + size])
            del kept[: RESULT.size + size]
