"""Runs by the command whose reader, a pipe's or a terminal, stands still: nothing waits for it but the last word."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from dockerflow.cli import apart
from tests.unit.cli.commands import PROGRAM, dockerflow, environment

# A fifo tells when the run has come so far: who opens one side of it waits for the other.
PRINTS = """
from dockerflow import FlowSpec, Parameter, step


class Prints(FlowSpec):
    lines = Parameter("lines", type=int)
    stays = Parameter("stays", default=False)

    @step
    def start(self):
        for number in range(self.lines):
            print(f"{number:099d}")
        self.next(self.end)

    @step
    def end(self):
        open("FIFO", "w").close()
        if self.stays:
            open("FIFO-of-nobody", "w").close()
"""
SHOWN = re.compile(rb"start/1\]? (?:\x1b\[0m)?(\d{99})\r?\n")
LEFT_OUT = re.compile(rb"([\d,]+) lines that tasks printed are left out here")

# A pipe holds 64 KiB.
MANY = 20_000


@pytest.fixture
def project(tmp_path: Path) -> Path:
    os.mkfifo(tmp_path / "fifo")
    os.mkfifo(tmp_path / "fifo-of-nobody")
    (tmp_path / "prints.py").write_text(PRINTS.replace("FIFO", str(tmp_path / "fifo")))
    return tmp_path


@contextmanager
def running(
    project: Path, lines: int, terminal: bool = False, *more: str
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The command, and what its output comes out of."""
    ours, its = pty.openpty() if terminal else os.pipe()
    words = [*PROGRAM, "run", "prints.py", "--engine", "process", "--run-id-file", "id", "--lines", str(lines), *more]
    variables = environment(TERM="xterm-256color", TMPDIR=str(project))
    try:
        with subprocess.Popen(words, cwd=project, env=variables, stdin=its, stdout=its, stderr=its) as process:
            os.close(its)
            try:
                yield process, ours
            finally:
                process.kill()
    finally:
        os.close(ours)
    assert list(project.glob("dockerflow-mistake-*")) == []


def wait_for_the_end(project: Path) -> None:
    """Until the last step runs."""
    with (project / "fifo").open():
        pass


def wait_until_finished(project: Path) -> None:
    """Until the journal has the end of the run; nobody but the journal tells."""
    status = "running"
    while status == "running":
        [run] = json.loads(dockerflow("runs", "list", "--json", cwd=project).stdout)
        status = run["status"]
    assert status == "succeeded"


def rest_of(ours: int) -> bytes:
    pieces = []
    try:
        while piece := os.read(ours, 1 << 16):
            pieces.append(piece)
    except OSError:  # how Linux says that nobody has the other side of a terminal open any more
        pass
    return b"".join(pieces)


@pytest.mark.parametrize("terminal", [False, True], ids=["pipe", "terminal"])
def test_a_run_that_nobody_reads_goes_on_to_its_end_and_is_shown_then(project: Path, terminal: bool) -> None:
    with running(project, MANY, terminal) as (process, ours):
        wait_for_the_end(project)
        wait_until_finished(project)
        assert process.poll() is None
        shown = rest_of(ours)
        assert process.wait(timeout=60) == 0
    assert [int(number) for number in SHOWN.findall(shown)] == list(range(MANY))
    assert not LEFT_OUT.search(shown)
    assert b"succeeded in" in shown


@pytest.mark.parametrize("terminal", [False, True], ids=["pipe", "terminal"])
def test_of_what_nobody_reads_so_much_is_kept_and_the_rest_is_counted(project: Path, terminal: bool) -> None:
    """A third of it is more than is kept. The command takes 60 MiB itself, and all lines would be 75 MiB more."""
    lines = 3 * apart.KEEP // (apart.LINE + 99)
    with running(project, lines, terminal) as (process, ours):
        wait_for_the_end(project)
        status = Path(f"/proc/{process.pid}/status").read_text()
        shown = rest_of(ours)
        assert process.wait(timeout=60) == 0
    numbers = [int(number) for number in SHOWN.findall(shown)]
    left_out = sum(int(count.replace(b",", b"")) for count in LEFT_OUT.findall(shown))
    assert numbers == sorted(set(numbers))
    assert (numbers[0], len(numbers) + left_out) == (0, lines)
    assert left_out > 0
    assert int(re.search("VmHWM:[^0-9]*([0-9]+)", status)[1]) < 110 << 10  # type: ignore[index]
    logs = dockerflow("logs", f"Prints/{(project / 'id').read_text()}/start", "--stdout", cwd=project)
    assert [int(line) for line in logs.lines] == list(range(lines))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
@pytest.mark.parametrize("terminal", [False, True], ids=["pipe", "terminal"])
def test_a_run_that_is_stopped_ends_though_nobody_reads(
    project: Path, terminal: bool, number: signal.Signals, code: int
) -> None:
    with running(project, MANY, terminal, "--stays", "true") as (process, _):
        wait_for_the_end(project)
        process.send_signal(number)
        assert process.wait(timeout=60) == code
    [run] = json.loads(dockerflow("runs", "list", "--json", cwd=project).stdout)
    assert run["status"] == "stopped"


@pytest.mark.parametrize("terminal", [False, True], ids=["pipe", "terminal"])
def test_ctrl_c_ends_the_wait_for_who_does_not_read_the_end(project: Path, terminal: bool) -> None:
    with running(project, MANY, terminal) as (process, _):
        wait_for_the_end(project)
        wait_until_finished(project)
        while process.poll() is None:  # one that comes before the wait begins would stop the run, which has ended
            process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=5 * apart.LAST)
        assert process.returncode == 130


def test_a_task_that_prints_waits_for_a_reader_who_is_slow_and_no_line_is_left_out(project: Path) -> None:
    lines = 3 * apart.KEEP // (apart.LINE + 99)
    with running(project, lines) as (process, ours):
        shown, left = bytearray(), lines
        while left > 0:
            piece = os.read(ours, 1 << 14)
            assert piece
            shown += piece
            left -= piece.count(b"\n")
            time.sleep(0.003)  # slower than the task prints, and far from standing still
        wait_for_the_end(project)
        shown += rest_of(ours)
        assert process.wait(timeout=60) == 0
    assert [int(number) for number in SHOWN.findall(bytes(shown))] == list(range(lines))


def test_ctrl_c_ends_logs_that_nobody_reads(project: Path) -> None:
    with running(project, MANY) as (process, ours):
        wait_for_the_end(project)
        rest_of(ours)
        assert process.wait(timeout=60) == 0
    ours, its = os.pipe()
    words = [*PROGRAM, "logs", f"Prints/{(project / 'id').read_text()}"]
    try:
        with subprocess.Popen(words, cwd=project, env=environment(), stdout=its, stderr=subprocess.PIPE) as process:
            while select.select([], [its], [], 0)[1]:  # until the pipe is full
                pass
            process.send_signal(signal.SIGINT)
            assert process.communicate(timeout=60) == (None, b"")
            assert process.returncode == 130
    finally:
        os.close(its)
        os.close(ours)


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", ">/dev/full"])
def test_a_run_goes_on_without_the_streams_or_where_they_take_nothing(project: Path, closed: str) -> None:
    command = f"{shlex.join([*PROGRAM, 'run', 'prints.py', '--engine', 'process', '--lines', '3'])} {closed}"
    with subprocess.Popen(command, shell=True, cwd=project, env=environment(), stderr=subprocess.PIPE) as process:
        wait_for_the_end(project)
        _, errors = process.communicate(timeout=60)
    full = closed == ">/dev/full"
    told = b"error: what happened could not be told: No space left on device" if full else b""
    assert (process.returncode, errors.partition(b"\n")[0]) == (int(full), told)
    [run] = json.loads(dockerflow("runs", "list", "--json", cwd=project).stdout)
    assert run["status"] == "succeeded"
