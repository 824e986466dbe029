"""A worker's end is heard of, and nobody waits for it, whatever it does. The workers here are shell scripts."""

from __future__ import annotations

import queue
import time
from pathlib import Path

import pytest

from dockerflow.engines.process import ProcessHost
from dockerflow.engines.worker import Said, Worker, WorkerEnded, WorkerRequest
from dockerflow.runtime.messages import HEADER, Ready, RunTask, encode

TASK = RunTask("F", "1", "s", "1", 0, True, "m", (), user="x" * 1_000_000)  # more than a pipe holds

# Nothing that a test waits for takes so long, in seconds; and what does not wait takes less than the second.
LIMIT = 20
AT_ONCE = 1.0


class Scripted:
    """A worker that writes `said` and then runs `program`."""

    def __init__(self, folder: Path, said: bytes, program: str) -> None:
        (folder / "said").write_bytes(said)
        python = folder / "python"
        python.write_text(f"#!/bin/sh\ncat {folder}/said\n{program}\n")
        python.chmod(0o755)
        self._heard: queue.Queue[Said] = queue.Queue()
        request = WorkerRequest(1, "x", "", {}, "F", "f.py", "abc", folder, folder)
        self.worker: Worker = ProcessHost(str(python)).start_worker(request, lambda _, said: self._heard.put(said))

    def next(self) -> Said:
        return self._heard.get(timeout=LIMIT)


def frame(body: bytes) -> bytes:
    return HEADER.pack(len(body)) + body


@pytest.mark.parametrize("said", [frame(b'["Ready", []]'), frame(b"[" * 100_000), HEADER.pack(0xFFFFFFFF)])
def test_a_worker_that_cannot_be_understood_is_ended(tmp_path: Path, said: bytes) -> None:
    ended = Scripted(tmp_path, said, "exec sleep 1000").next()
    assert isinstance(ended, WorkerEnded)
    assert "not a worker message" in ended.diagnostics


def test_sending_does_not_wait_for_a_worker_that_does_not_read(tmp_path: Path) -> None:
    scripted = Scripted(tmp_path, encode(Ready("3", 1.0)), "exec sleep 1000")
    assert isinstance(scripted.next(), Ready)
    began = time.monotonic()
    scripted.worker.send(TASK)
    scripted.worker.send(TASK)
    scripted.worker.stop()
    scripted.worker.kill()
    assert time.monotonic() - began < AT_ONCE
    assert isinstance(scripted.next(), WorkerEnded)


def test_stopping_a_worker_that_is_not_ready_ends_it(tmp_path: Path) -> None:
    scripted = Scripted(tmp_path, b"", "exec sleep 1000")
    scripted.worker.send(TASK)
    scripted.worker.stop()
    assert isinstance(scripted.next(), WorkerEnded)
