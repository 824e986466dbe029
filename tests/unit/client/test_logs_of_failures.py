"""The stderr of a task that failed ends with why."""

from __future__ import annotations

import pytest

from dockerflow.client import Task
from dockerflow.store import runs
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.errors import DamagedRecord
from dockerflow.store.records import Failure, LogLine
from tests.unit.client.runs_by_hand import FLOW, RunByHand

CRASH = Failure("signal", "the process was killed by SIGSEGV (segmentation fault)", hint="look at stderr")
RAISED = Failure("exception", "no good", "builtins.ValueError", "Traceback …\nValueError: no good")
PRINTED = (LogLine(1.0, "stdout", "out"), LogLine(2.0, "stderr", "oh"))


@pytest.fixture
def writing(store: DirectoryStore) -> RunByHand:
    run = RunByHand(store, runs.new_run_id(store, FLOW))
    run.create("start", "1")
    return run


def _task(run: RunByHand, attempt: int | None = None) -> Task:
    return Task(f"{FLOW}/{run.run_id}/start/1", attempt=attempt)


def test_a_traceback_stands_behind_what_was_printed(writing: RunByHand) -> None:
    writing.attempt("start", "1", {}, failure=RAISED, lines=PRINTED)
    assert _task(writing).stderr == "oh\nTraceback …\nValueError: no good\n"
    assert _task(writing).stdout == "out\n"
    assert [text for _, text in _task(writing).loglines("stderr")] == ["oh", "Traceback …", "ValueError: no good"]


def test_a_crash_is_told_where_nothing_was_printed(writing: RunByHand) -> None:
    writing.attempt("start", "1", {}, failure=CRASH)
    assert _task(writing).stderr == f"error: {CRASH.message}\nhint: {CRASH.hint}\n"


def test_it_begins_on_a_line_of_its_own(writing: RunByHand) -> None:
    writing.attempt("start", "1", {}, failure=CRASH, lines=(LogLine(1.0, "stderr", "half a li", ended=False),))
    assert _task(writing).stderr.startswith("half a li\nerror: ")


def test_every_attempt_has_its_own(writing: RunByHand) -> None:
    writing.attempt("start", "1", {}, failure=RAISED, final=False)
    writing.attempt("start", "1", {}, number=1, failure=CRASH)
    assert "no good" in _task(writing, 0).stderr
    assert "no good" not in _task(writing, 1).stderr


def test_what_was_caught_is_no_failure(writing: RunByHand) -> None:
    writing.attempt("start", "1", {}, failure=RAISED, caught=True, lines=PRINTED)
    assert _task(writing).stderr == "oh\n"


def test_a_line_that_came_in_pieces_is_one_line(writing: RunByHand) -> None:
    pieces = [
        LogLine(float(number), "stdout", text, ended)
        for number, text, ended in [(1, "a", False), (2, "b", True), (3, "c", True), (4, "d", False)]
    ]
    writing.attempt("start", "1", {}, lines=tuple(pieces))
    assert [text for _, text in _task(writing).loglines("stdout")] == ["ab", "c", "d"]
    assert _task(writing).stdout == "ab\nc\nd"


def test_a_damaged_log_of_a_task_that_runs_is_named(writing: RunByHand, store: DirectoryStore) -> None:
    file = runs.running_log(store, FLOW, writing.run_id, "1", 0)
    file.parent.mkdir()
    file.write_bytes(b"\0" * 10 + b"\n")
    with pytest.raises(DamagedRecord, match="is damaged"):
        _ = _task(writing).stdout
