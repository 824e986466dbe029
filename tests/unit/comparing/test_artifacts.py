"""Which artifacts of two runs are told to be the same, and where."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockerflow.comparing.artifacts import ComparedTask, Side, compare
from dockerflow.flow.view import CARDS
from dockerflow.store import history, runs
from dockerflow.store.directory import DirectoryStore, create
from dockerflow.store.history import RunHistory
from dockerflow.store.records import RunStarted, StepRecord, TaskCreated
from tests.unit.comparing.runs import Made, written


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    return create(tmp_path / "store")


def compared(store: DirectoryStore, first: list[Made], second: list[Made]) -> list[ComparedTask]:
    sides = [Side(store, history.read(store, "F", written(store, tasks))) for tasks in (first, second)]
    return list(compare(*sides))


def told(tasks: list[ComparedTask]) -> dict[str, dict[str, str]]:
    """What is told of each task, by its step and place."""
    return {
        f"{task.pair.place.step}{[*task.pair.place.indexes]}": {each.name: each.verdict for each in task.made}
        for task in tasks
    }


def test_runs_that_made_the_same_are_identical(store: DirectoryStore) -> None:
    run = [Made("start", {"x": 1, "text": "a" * 100_000}), Made("end", {"y": 2}, passes=("x", "text"))]
    tasks = compared(store, run, run)
    assert told(tasks) == {"start[]": {"text": "identical", "x": "identical"}, "end[]": {"y": "identical"}}
    assert all(task.identical for task in tasks)


def test_a_difference_is_told_where_it_was_made_and_nowhere_else(store: DirectoryStore) -> None:
    first, second = (
        [Made("start", {"x": value, "y": 5}), Made("end", {}, passes=("x", "y"))] for value in ("one", "two")
    )
    tasks = compared(store, first, second)
    assert told(tasks) == {"start[]": {"x": "differs", "y": "identical"}, "end[]": {}}
    assert [task.identical for task in tasks] == [False, True]
    assert {each.name: each.verdict for each in tasks[1].artifacts} == {"x": "differs", "y": "identical"}


def test_a_value_that_a_later_step_makes_anew_counts_for_it_as_well(store: DirectoryStore) -> None:
    first, second = ([Made("start", {"x": value}), Made("end", {"x": value})] for value in (1, 2))
    assert told(compared(store, first, second)) == {"start[]": {"x": "differs"}, "end[]": {"x": "differs"}}


def test_what_one_task_alone_has_is_told(store: DirectoryStore) -> None:
    tasks = compared(store, [Made("start", {"x": 1, "old": 1})], [Made("start", {"x": 1, "new": 1})])
    assert told(tasks) == {
        "start[]": {"new": "only in the second", "old": "only in the first", "x": "identical"},
    }


def test_tasks_are_paired_by_their_place_and_not_by_their_order(store: DirectoryStore) -> None:
    def each(*indexes: int) -> list[Made]:
        return [Made("start", {}), *(Made("each", {"x": index}, index=index) for index in indexes)]

    tasks = compared(store, each(0, 1, 2), each(3, 1, 0))
    assert told(tasks) == {
        "start[]": {},
        "each[0]": {"x": "identical"},
        "each[1]": {"x": "identical"},
        "each[2]": {"x": "only in the first"},
        "each[3]": {"x": "only in the second"},
    }
    assert [task.pair.statuses for task in tasks[-2:]] == [("succeeded", ""), ("", "succeeded")]
    assert [task.identical for task in tasks] == [True, True, True, False, False]


def test_a_task_that_failed_in_one_of_them_is_not_identical(store: DirectoryStore) -> None:
    (task,) = compared(store, [Made("start", {"x": 1})], [Made("start", {"x": 1}, fails=True)])
    assert (task.pair.statuses, task.identical) == (("succeeded", "failed"), False)
    (task,) = compared(store, [Made("start", {"x": 1}, fails=True)], [Made("start", {"x": 1}, fails=True)])
    assert task.identical


def test_nothing_runs_any_more_in_a_run_that_was_killed(store: DirectoryStore) -> None:
    whole = history.read(store, "F", written(store, [Made("start", {"x": 1})]))
    run_id = runs.new_run_id(store, "F")
    started = RunStarted(1.0, "F", run_id, "", "", "", (StepRecord("start", ()),))
    killed = RunHistory.of([started, TaskCreated(1.0, "start", "1", (), ())])
    with runs.hold(store, "F", run_id):
        assert statuses(store, killed, whole) == [("waiting", "succeeded")]
    assert statuses(store, killed, whole) == [("cut off", "succeeded")]


def statuses(store: DirectoryStore, *both: RunHistory) -> list[tuple[str, str]]:
    return [task.pair.statuses for task in compare(*(Side(store, run) for run in both))]


def test_cards_and_what_else_is_ours_are_left_out(store: DirectoryStore) -> None:
    first, second = ([Made("start", {"x": 1, CARDS: [time]})] for time in ("today", "tomorrow"))
    (task,) = compared(store, first, second)
    assert (task.identical, [each.name for each in task.artifacts]) == (True, ["x"])


def test_a_manifest_that_is_gone_is_a_difference_that_says_so(store: DirectoryStore) -> None:
    run_id = written(store, [Made("start", {"x": 1})])
    run = history.read(store, "F", run_id)
    result = run.tasks["1"].result
    assert result is not None
    assert result.manifest is not None
    store.blobs.delete([result.manifest])
    (task,) = compare(Side(store, run), Side(store, run))
    assert not task.identical
    assert "the artifacts of task `start/1` cannot be read" in task.unreadable


def test_runs_of_two_stores_are_compared(store: DirectoryStore, tmp_path: Path) -> None:
    other = create(tmp_path / "other")
    first, second = [Made("start", {"x": 1, "y": 1})], [Made("start", {"x": 1, "y": 2})]
    one = Side(store, history.read(store, "F", written(store, first)))
    two = Side(other, history.read(other, "F", written(other, second)))
    assert told(list(compare(one, two))) == {"start[]": {"x": "identical", "y": "differs"}}


def test_more_tasks_than_are_read_at_a_time_are_all_compared(store: DirectoryStore) -> None:
    run = [Made("start", {}), *(Made("each", {"x": index}, index=index) for index in range(600))]
    tasks = compared(store, run, run)
    assert len(tasks) == 601
    assert all(task.identical for task in tasks)
