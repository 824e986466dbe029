"""How a process ended, in words, and what the control group says about memory."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from dockerflow.runtime import ending, memory


def exited(code: int) -> int:
    return code << 8


def test_an_exit_is_named_with_its_status() -> None:
    failure = ending.failure(exited(3), False, None)
    assert (failure.kind, failure.message) == ("exit", "the process exited with status 3 before the step had ended")


def test_a_signal_is_named() -> None:
    failure = ending.failure(int(signal.SIGSEGV), False, None)
    assert failure.kind == "signal"
    assert "SIGSEGV" in failure.message
    assert failure.hint


def test_a_signal_without_a_name_has_its_number() -> None:
    assert "signal 40" in ending.failure(40, False, None).message


def test_a_kill_with_the_kernels_count_risen_is_out_of_memory_with_the_limit() -> None:
    failure = ending.failure(int(signal.SIGKILL), True, 512)
    assert failure.kind == "out_of_memory"
    assert "512 MiB" in failure.message


def test_only_a_kill_is_out_of_memory() -> None:
    assert ending.failure(int(signal.SIGSEGV), True, 512).kind == "signal"
    assert ending.failure(exited(137), True, 512).kind == "exit"


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("memory.events", "low 0\nhigh 0\nmax 7\noom 3\noom_kill 2\noom_group_kill 0\n"),
        ("memory/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"),
    ],
)
def test_kills_are_read_from_both_versions_of_control_groups(tmp_path: Path, file: str, text: str) -> None:
    (tmp_path / "memory").mkdir()
    (tmp_path / file).write_text(text)
    assert memory.kills(str(tmp_path)) == 2


@pytest.mark.parametrize(
    ("file", "text", "limit"),
    [
        ("memory.max", "268435456\n", 256),
        ("memory.max", "max\n", None),
        ("memory/memory.limit_in_bytes", "268435456\n", 256),
        ("memory/memory.limit_in_bytes", "9223372036854771712\n", None),
    ],
)
def test_the_limit_is_read_from_both_versions(tmp_path: Path, file: str, text: str, limit: int | None) -> None:
    (tmp_path / "memory").mkdir()
    (tmp_path / file).write_text(text)
    assert memory.limit(str(tmp_path)) == limit


def test_a_machine_without_control_groups_has_no_limit_and_no_kills(tmp_path: Path) -> None:
    assert memory.limit(str(tmp_path)) is None
    assert memory.kills(str(tmp_path)) == 0


@pytest.mark.parametrize(("number", "words"), [(11, "segmentation fault"), (6, "aborted"), (7, "bus error")])
def test_a_signal_is_told_in_words(number: int, words: str) -> None:
    """What the system calls it is what people look for in a log."""
    assert f"({words})" in ending.failure(number, False, None).message
