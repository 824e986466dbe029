"""A relay with a worker and a client that comes and goes; that it outlasts connections, an engine's tests hold."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dockerflow.runtime.messages import RunTask, TaskResult, encode
from dockerflow.runtime.packets import magic
from dockerflow.runtime.relay import SPILLS
from dockerflow.runtime.session import FRAME, ClientSide, Item, Waits
from dockerflow.runtime.spill import PIECES

NAME = "dockerflow-1-train-0"
TASK = encode(RunTask("Flow", "1", "train", "1", 0, True, "0" * 64, ()))
RESULT = encode(TaskResult("train", "1", 0, True))

# The frame of a line, to be followed by eight digits.
LINE = (len(b'["Log"') + 8).to_bytes(4, "big") + b'["Log"'

# One of another message, which is not kept together with others.
OTHER = LINE.replace(b"Log", b"Odd")

# More lines than there are places for what nobody has acknowledged, and than fit into a pipe beside them.
LINES = PIECES + 20_000

# How long a test waits for what must come, in seconds.
LIMIT = 120.0

# A worker whose task prints so many lines, and ends when there is a file; the worker ends with its input.
WORKER = f"""
import os, sys, time
from dockerflow.runtime import relay
relay.SPILLS, relay.LAST = float(sys.argv[3]), 0.2
relay.stand_between({NAME!r}, sys.argv[1])
os.read(0, 1 << 16)
for number in range(int(sys.argv[2])):
    os.write(1, b"%b%08d" % (bytes.fromhex(sys.argv[4]), number))
open(sys.argv[1] + "/said", "x").close()
while not os.path.exists(sys.argv[1] + "/told"):
    time.sleep(0.02)
os.write(1, {RESULT!r})
while os.read(0, 1 << 16):
    pass
"""

# What a client says how long is waited for it, in seconds.
WAITS = Waits(gone=0.1, idle=300.0, kept=3.0)


class Client:
    def __init__(self, process: subprocess.Popen[bytes], waits: Waits = WAITS) -> None:
        self.side = ClientSide(magic(NAME), 1 << 20, waits=waits)
        self._process = process
        self.side.attach()
        self.write()

    def write(self) -> None:
        assert self._process.stdin is not None
        while self.side.has_output():
            self._process.stdin.write(self.side.output())
        self._process.stdin.flush()

    def read(self) -> list[Item]:
        """What has come, when something has."""
        assert self._process.stdout is not None
        received = os.read(self._process.stdout.fileno(), 1 << 16)
        assert received, "the relay has ended"
        return self.side.feed(received)


@contextmanager
def running(
    folder: Path, lines: int = 0, spills: float = SPILLS, line: bytes = LINE
) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", WORKER, str(folder), str(lines), str(spills), line.hex()]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            (folder / "told").touch()
            process.kill()


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    with running(tmp_path) as process:
        yield process


def test_a_result_is_kept_from_when_it_is_there_however_long_nobody_was_before(
    relay: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    """A task may take longer than its result is kept."""
    client = Client(relay)
    while not client.side.is_open:
        client.read()
    client.side.send(FRAME, TASK)
    client.write()
    with pytest.raises(subprocess.TimeoutExpired):
        relay.wait(WAITS.gone + WAITS.kept + 0.5)
    (tmp_path / "told").touch()
    items: list[Item] = []
    while not items:
        items = client.read()
    assert [item.content for item in items] == [RESULT]
    with pytest.raises(subprocess.TimeoutExpired):
        relay.wait(0.5)
    assert relay.wait() == 0


def test_a_task_that_prints_many_lines_to_nobody_goes_on_and_all_of_them_come(tmp_path: Path) -> None:
    """However short they are."""
    with running(tmp_path, LINES, spills=0.0) as process:
        client = Client(process)
        client.side.send(FRAME, TASK)
        while not client.side.is_open:
            client.read()
        client.write()
        deadline = time.monotonic() + LIMIT
        while not (tmp_path / "said").exists():
            assert time.monotonic() < deadline, "the task waits"
            if select.select([process.stdout], [], [], 0.02)[0]:
                assert process.stdout is not None
                os.read(process.stdout.fileno(), 1 << 16)  # as an engine does to which nobody is attached
        client.side.attach()
        client.write()
        heard = b""
        while len(heard) < LINES * (len(LINE) + 8):
            for item in client.read():
                heard += item.content
                client.side.processed(item.number)
            client.write()
        assert heard == b"".join(b"%b%08d" % (LINE, number) for number in range(LINES))


@pytest.mark.parametrize("what", ["the worker dies", "the container is stopped"])
def test_a_relay_with_no_room_for_the_end_of_a_worker_does_not_stay_for_ever(tmp_path: Path, what: str) -> None:
    """Nobody takes what it keeps, so its worker's stream is not read to the end."""
    with running(tmp_path, PIECES + 100, spills=0.0, line=OTHER) as process:
        stopped = what == "the container is stopped"
        client = Client(process, WAITS._replace(idle=300.0 if stopped else 0.2))
        client.side.send(FRAME, TASK)
        while not client.side.is_open:
            client.read()
        client.write()
        while not (tmp_path / "said").exists():  # the last of it is in the pipe
            select.select([], [], [], 0.02)
            assert process.poll() is None
        if stopped:
            process.terminate()
        else:
            [worker] = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            os.kill(int(worker), signal.SIGKILL)
        process.wait(LIMIT)
