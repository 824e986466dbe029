"""A session in a process of this Python: for the tasks of runs whose steps were processes, without images."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dockerflow.config import Config
from dockerflow.debugging import terminal
from dockerflow.debugging.bucket import answering
from dockerflow.debugging.code import Code
from dockerflow.debugging.files import Place, session_files
from dockerflow.debugging.subject import Subject, Wanted
from dockerflow.engines.process import ProcessHost
from dockerflow.store.directory import DirectoryStore

_READ = 64 * 1024


def run(subject: Subject, wanted: Wanted, code: Code, config: Config) -> int:
    """Be in the session until it ends; the exit code of its program. Raises StoreError."""
    work = Path(tempfile.mkdtemp(prefix="dockerflow-debug-"))
    try:
        store = subject.store
        blobs = store.blobs.root if isinstance(store, DirectoryStore) else None
        place = Place(work / "session", work, code.folder, blobs)
        for name, content in session_files(subject, wanted, code, place).items():
            target = work / "session" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        with _broker(subject, config, place):
            return _in_front(place, wanted, {"DOCKERFLOW_STORE": store.name, "DOCKERFLOW_USER": subject.started.user})
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _in_front(place: Place, wanted: Wanted, variables: dict[str, str]) -> int:
    """At the user's own terminal. Ctrl-C is the session's."""
    words = [sys.executable, "-B", place.program, place.told, *([] if wanted.way == "python" else [wanted.way])]
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with terminal.put_back():  # a session that is killed does not
            session = subprocess.Popen(words, env={**os.environ, **variables}, preexec_fn=_heed_ctrl_c)
            try:
                return session.wait()
            finally:
                session.kill()
                session.wait()
    finally:
        signal.signal(signal.SIGINT, before)


def _heed_ctrl_c() -> None:
    """What a process ignores, its children ignore as well."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def _broker(subject: Subject, config: Config, place: Place) -> Iterator[None]:
    if isinstance(subject.store, DirectoryStore):
        yield
        return
    from dockerflow.scheduler.bucket import bucket_for_workers  # noqa: PLC0415 - the SDK is imported only for a bucket

    bucket = bucket_for_workers(subject.store, config, ProcessHost(), subject.started)
    words = [sys.executable, "-B", place.program, place.told, "broker"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "start_new_session": True, "bufsize": 0}
    with subprocess.Popen(words, **pipes) as beside:  # type: ignore[call-overload]
        try:
            answering(_Piped(beside), bucket.answer)
            yield
        finally:
            beside.kill()


class _Piped:
    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def send(self, content: bytes) -> None:
        stream = self._process.stdin
        rest = memoryview(content)
        while rest and stream is not None:
            rest = rest[stream.write(rest) or 0 :]

    def receive(self) -> bytes:
        stream = self._process.stdout
        with suppress(ValueError):  # closed
            return os.read(stream.fileno(), _READ) if stream is not None else b""
        return b""
