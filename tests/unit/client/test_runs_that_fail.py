"""Runs that go on, failed, or were cut off."""

from __future__ import annotations

import pytest

from dockerflow.client import Flow, Run, Task
from dockerflow.store import runs
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.records import Failure
from tests.unit.client.runs_by_hand import FLOW, RunByHand, successful_run

BROKEN = Failure("exception", "division by zero", "builtins.ZeroDivisionError", "Traceback …\nZeroDivisionError", "")


@pytest.fixture
def writing(store: DirectoryStore) -> RunByHand:
    return RunByHand(store, runs.new_run_id(store, FLOW))


def test_a_run_without_an_end_is_running_while_its_scheduler_lives_and_killed_then(
    store: DirectoryStore, writing: RunByHand
) -> None:
    run = Run(f"{FLOW}/{writing.run_id}")
    with runs.hold(store, FLOW, writing.run_id):
        assert run.status == "running"
    assert (run.status, run.finished, run.successful) == ("killed", False, False)
    writing.finish()
    assert run.status == "succeeded"


def test_an_object_shows_what_the_run_has_done_since(writing: RunByHand) -> None:
    run = Run(f"{FLOW}/{writing.run_id}")
    assert (run.finished, run.finished_at, run.data, list(run)) == (False, None, None, [])
    writing.create("start", "1")
    task = run["start"].task
    assert (task.status, task.finished, task.exception, task.stdout) == ("waiting", False, None, "")
    writing.attempt("start", "1", {"films": []})
    assert (task.status, task.data.films) == ("succeeded", [])
    writing.create("end", "2")
    assert (run.end_task.finished, len(run.data)) == (False, 0)
    writing.attempt("end", "2", {"best": "Alien"})
    writing.finish()
    assert (run.successful, run.data.best) == (True, "Alien")


def test_a_failed_task_says_why(writing: RunByHand) -> None:
    writing.create("start", "1")
    writing.attempt("start", "1", {"half": 1}, failure=BROKEN)
    writing.finish("failed", "step `start` failed")
    run = Run(f"{FLOW}/{writing.run_id}")
    task = run["start"].task
    assert (run.status, run.successful, run.finished, run.finished_at) == ("failed", False, False, None)
    assert run.reason == "step `start` failed"
    assert (task.status, task.successful, task.finished) == ("failed", False, False)
    assert task.finished_at is not None
    assert task.exception.exception == "division by zero"
    assert task.exception.type == "builtins.ZeroDivisionError"
    assert "Traceback" in str(task.exception)
    assert "ZeroDivisionError" in task.stderr
    assert task.data.half == 1


def test_a_caught_failure_ends_a_task_well_but_is_no_success(writing: RunByHand) -> None:
    writing.create("start", "1")
    writing.attempt("start", "1", {}, failure=BROKEN, caught=True)
    task = Task(f"{FLOW}/{writing.run_id}/start/1")
    assert (task.finished, task.successful, task.exception) == (True, False, None)
    assert (task.metadata_dict["caught"], task.metadata_dict["attempt_ok"]) == ("True", "True")


def test_a_retried_task_shows_its_last_attempt_or_the_one_asked_for(writing: RunByHand) -> None:
    writing.create("start", "1")
    writing.attempt("start", "1", {"x": 0}, failure=BROKEN, final=False)
    pathspec = f"{FLOW}/{writing.run_id}/start/1"
    assert (Task(pathspec).status, Task(pathspec).finished) == ("waiting", False)
    writing.attempt("start", "1", {"x": 1}, number=1)
    assert (Task(pathspec).data.x, Task(pathspec).current_attempt, Task(pathspec).exception) == (1, 1, None)
    first = Task(pathspec, attempt=0)
    assert (first.data.x, first.exception.kind, first.metadata_dict["container"]) == (0, "exception", "box-0")


def test_the_latest_successful_run_is_not_the_latest(store: DirectoryStore, writing: RunByHand) -> None:
    successful = successful_run(store)
    later = RunByHand(store, runs.new_run_id(store, FLOW))
    later.finish("stopped", "Ctrl-C")
    assert Flow(FLOW).latest_run.id == later.run_id
    assert Flow(FLOW).latest_successful_run.id == successful


def test_a_run_killed_while_it_began_is_not_listed(store: DirectoryStore, writing: RunByHand) -> None:
    runs.new_run_id(store, FLOW)
    assert [run.id for run in Flow(FLOW)] == [writing.run_id]
