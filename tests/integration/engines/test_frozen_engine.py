"""Whoever ends a worker does not wait for its engine."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from dockerflow.engines.docker import PATIENCE, DockerHost
from dockerflow.engines.worker import WorkerEnded
from dockerflow.runtime.messages import Ready, RunTask
from tests.integration.engines.conftest import PYTHON
from tests.integration.engines.conversation import Scene

SOCKET = "/var/run/docker.sock"
AT_ONCE = 1.0  # second


class Line:
    """A socket that passes everything on to the engine, until it is frozen: then nothing gets through any more."""

    def __init__(self, path: Path) -> None:
        self._flowing = threading.Event()
        self._flowing.set()
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._server = self._kept(socket.socket(socket.AF_UNIX))
        self._server.bind(str(path))
        self._server.listen()
        self._start(self._accept)

    def freeze(self) -> None:
        self._flowing.clear()

    def cut(self) -> None:
        self._flowing.set()
        for each in self._sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for each in self._sockets:
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near = self._kept(self._server.accept()[0])
                far = self._kept(socket.socket(socket.AF_UNIX))
                far.connect(SOCKET)
                self._start(self._pass_on, near, far)
                self._start(self._pass_on, far, near)

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while received := source.recv(1 << 16):
                self._flowing.wait()
                target.sendall(received)
            target.shutdown(socket.SHUT_WR)

    def _kept(self, one: socket.socket) -> socket.socket:
        self._sockets.append(one)
        return one

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    line = Line(tmp_path / "docker.sock")
    yield line
    line.cut()


def test_nobody_waits_for_an_engine_that_no_longer_answers(line: Line, image: str, tmp_path: Path) -> None:
    host = DockerHost.connect(f"unix://{tmp_path}/docker.sock", python=PYTHON)
    scene = Scene(host, tmp_path, image)
    conversation = scene.start()
    conversation.until(Ready)
    line.freeze()
    began = time.monotonic()
    task = RunTask("Hostile", "1", "start", "1", 0, True, scene.parameters, ())
    conversation.worker.send(replace(task, user="x" * 5_000_000))  # more than the sockets hold
    conversation.worker.stop()
    conversation.worker.kill()
    assert time.monotonic() - began < AT_ONCE
    host.close()
    assert time.monotonic() - began < PATIENCE + AT_ONCE
    line.cut()
    conversation.until(WorkerEnded)
