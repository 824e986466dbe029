"""Workers as plain processes of the Python that runs dockerflow: no image, no isolation, no limits.

For looking into a flow with a debugger, and for tests of what flows mean. A worker ends with the process that started
it, as in a container; processes that a task leaves behind end with the task.
"""

from __future__ import annotations

import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from dockerflow.engines.answering import Answering
from dockerflow.engines.command import Place, worker_command
from dockerflow.engines.errors import EngineError
from dockerflow.engines.listener import Listener
from dockerflow.engines.sender import Sender
from dockerflow.engines.watch import Tell
from dockerflow.engines.worker import Notify, Worker, WorkerEnded, WorkerRequest
from dockerflow.host_settings import LOCAL, HostSettings
from dockerflow.runtime.messages import RunTask

# How long a worker may take to end its tasks after SIGTERM, in seconds.
PATIENCE = 5.0

_READ = 64 * 1024


class ProcessHost:
    """This machine, without an engine. `python` is the interpreter that workers run in: this one, unless another is
    given."""

    name = "process"
    settings = HostSettings(LOCAL, "")
    is_remote = False

    def __init__(self, python: str = sys.executable) -> None:
        self._python = python

    @property
    def cpus(self) -> int:
        return os.cpu_count() or 1

    @property
    def memory(self) -> int:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")

    def gateway(self, network: str) -> str | None:
        return "127.0.0.1"

    def make_outbox(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)

    def start_worker(self, request: WorkerRequest, notify: Notify) -> Worker:
        work = Path(tempfile.mkdtemp(prefix="dockerflow-"))
        try:
            return ProcessWorker(_start(request, self._python, work), work, request, notify)
        except OSError as error:
            shutil.rmtree(work, ignore_errors=True)
            raise EngineError(f"could not start a worker with `{self._python}`: {error.strerror}") from error

    def adopt(self, container: str, request: WorkerRequest, notify: Notify) -> Worker:
        raise EngineError(f"there is no worker `{container}`: a process ends with the scheduler that started it")

    def kill_container(self, container: str) -> None:
        """A process has ended with its scheduler."""

    def when_away(self, tell: Tell) -> None:
        """It never is."""

    def is_away(self) -> bool:
        return False

    def close(self) -> None:
        """There is nothing to let go of."""


def _start(request: WorkerRequest, python: str, work: Path) -> subprocess.Popen[bytes]:
    blobs = None if request.blobs is None else request.blobs.absolute()
    place = Place("process", python, blobs, request.outbox.absolute(), work)
    store: dict[str, str] = {}
    if request.bucket:
        store = {"DOCKERFLOW_STORE": request.bucket.name, "DOCKERFLOW_OUTBOX": str(place.outbox)}
    elif request.runs:
        store = {"DOCKERFLOW_STORE": str(request.runs.absolute().parent), "DOCKERFLOW_OUTBOX": str(place.outbox)}
    return subprocess.Popen(
        worker_command(request, place),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        cwd=work,
        env={**os.environ, **store, **request.environment},
        start_new_session=True,  # Ctrl-C is for us, not for it
    )


class ProcessWorker:
    """A worker that is a child of this process, and the thread that listens to it."""

    address = "127.0.0.1"

    def __init__(self, process: subprocess.Popen[bytes], work: Path, request: WorkerRequest, notify: Notify) -> None:
        self._process = process
        self._stdin: Any = process.stdin  # a raw stream, whose `write` may write a part
        self._work = work
        name = f"worker-{process.pid}"
        self._sender = Sender(name, self._write, self._end_input)
        self._answering = Answering(request, self._sender)
        self._answering.begin()
        self._listener = Listener(request.worker_id, notify, self._answering)
        listeners = (self._listener.messages, self._listener.diagnostics)
        self._streams: Any = list(zip((process.stdout, process.stderr), listeners, strict=True))
        threading.Thread(target=self._listen, name=name, daemon=True).start()

    def send(self, task: RunTask) -> None:
        self._answering.send(task)

    def stop(self) -> None:
        """By force while it imports its flow: it reads nothing then."""
        if self._listener.ready:
            self._listener.hurry()
            self._sender.end()
        else:
            self.kill()

    def kill(self) -> None:
        """By SIGTERM first, so that it can end what its task has started."""
        self._listener.hurry()
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            timer = threading.Timer(PATIENCE, self._process.kill)
            timer.daemon = True
            timer.start()

    def _write(self, frame: bytes) -> None:
        rest = memoryview(frame)
        while rest:
            rest = rest[self._stdin.write(rest) :]

    def _end_input(self) -> None:
        self._stdin.close()

    def _listen(self) -> None:
        code = None
        try:
            self._read_to_end()
        except Exception as error:  # noqa: BLE001 - whatever a task made of it, the scheduler waits for the end
            self._listener.diagnostics(f"{error}\n".encode("utf-8", "replace"))
            self.kill()
        try:
            code = self._process.wait()
            self._sender.end()
            for stream, _ in self._streams:
                stream.close()
            shutil.rmtree(self._work, ignore_errors=True)
        finally:
            self._listener.end(WorkerEnded(128 - code if code is not None and code < 0 else code))

    def _read_to_end(self) -> None:
        with selectors.DefaultSelector() as selector:
            for stream, listen in self._streams:
                selector.register(stream, selectors.EVENT_READ, listen)
            while selector.get_map():
                for key, _ in selector.select():
                    received = os.read(key.fd, _READ)
                    if received:
                        key.data(received)
                    else:
                        selector.unregister(key.fileobj)
