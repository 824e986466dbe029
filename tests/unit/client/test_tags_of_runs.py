"""Tags as they are changed with the client, from outside of a run and from its steps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dockerflow.client import Flow, Run, TaggingError
from dockerflow.store import run_tags
from dockerflow.store.directory import DirectoryStore
from tests.unit.client.runs_by_hand import FLOW, successful_run


@pytest.fixture
def run(store: DirectoryStore) -> Run:
    return Run(f"{FLOW}/{successful_run(store, ('first',))}")


def test_tags_are_those_of_the_system_and_of_the_user(run: Run) -> None:
    for thing in (run, run["each"], run["each"]["2"], run["each"]["2"]["film"]):
        assert thing.system_tags == {"user:anna"}
        assert thing.user_tags == {"first"}
        assert thing.tags == {"user:anna", "first"}
    assert Flow(FLOW).tags == frozenset()


def test_every_way_of_changing_tags(run: Run) -> None:
    run.add_tag("a")
    run.add_tags(["b", "c d", "ü"])
    assert run.user_tags == {"first", "a", "b", "c d", "ü"}
    run.remove_tag("first")
    run.remove_tags(["a", "never there"])
    assert run.user_tags == {"b", "c d", "ü"}
    run.replace_tag("b", "B")
    run.replace_tags(["c d"], ["e", "f"])
    assert run.user_tags == {"B", "ü", "e", "f"}
    run.add_tag(["of", "a list"])
    run.remove_tag(("B", "ü", "e", "f"))
    assert Run(run.pathspec).user_tags == {"of", "a list"}
    assert run["each"].task.tags == {"of", "a list", "user:anna"}


def test_removal_comes_before_addition(run: Run) -> None:
    run.replace_tags(["first", "x"], ["x"])
    assert run.user_tags == {"x"}


def test_a_run_shows_its_own_change_while_others_change_tags_too(run: Run) -> None:
    other = Run(run.pathspec)
    run.add_tag("mine")
    other.add_tag("theirs")
    run.add_tag("mine again")
    assert run.user_tags == other.user_tags == {"first", "mine", "theirs", "mine again"}


def test_a_system_tag_is_not_added_and_not_removed(run: Run) -> None:
    run.add_tag("user:anna")
    assert run.user_tags == {"first"}
    for change in (lambda: run.remove_tag("user:anna"), lambda: run.replace_tags(["first", "user:anna"], ["x"])):
        with pytest.raises(TaggingError, match="`user:anna` is a system tag"):
            change()
    assert run.user_tags == {"first"}


@pytest.mark.parametrize(
    "change",
    [
        lambda run: run.add_tag(""),
        lambda run: run.add_tag("x" * 501),
        lambda run: run.add_tag(b"\xff"),
        lambda run: run.add_tag("\ud800"),
        lambda run: run.add_tag(7),
        lambda run: run.add_tags(["fine", None]),
        lambda run: run.remove_tags("text"),
        lambda run: run.add_tags(5),
        lambda run: run.remove_tag(""),
        lambda run: run.replace_tag([], []),
        lambda run: run.replace_tags([], []),
        lambda run: run.add_tags(map(str, range(50))),
    ],
)
def test_what_cannot_be_a_tag_changes_nothing(run: Run, change: Callable[[Run], None]) -> None:
    with pytest.raises(TaggingError):
        change(run)
    assert run.user_tags == {"first"}


def test_runs_are_found_by_the_tags_of_now(run: Run) -> None:
    run.replace_tag("first", "second")
    assert [each.id for each in Flow(FLOW).runs("second")] == [run.id]
    assert list(Flow(FLOW).runs("first")) == []
    assert list(run.steps("second")) == list(run)
    assert list(run["each"].tasks("first")) == []


# ---- in a step: the store cannot be written


@pytest.fixture
def outbox(store: DirectoryStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "outbox"
    folder.mkdir()
    monkeypatch.setenv("DOCKERFLOW_STORE", str(store.root))
    monkeypatch.setenv("DOCKERFLOW_OUTBOX", str(folder))
    return folder


def test_a_step_sees_its_change_at_once_and_others_when_it_was_taken_over(
    run: Run, store: DirectoryStore, outbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.add_tag("a")
    run.replace_tag("a", "b")
    assert run.user_tags == Run(run.pathspec).user_tags == {"first", "b"}
    assert run_tags.read(store, run_tags.begun(store, FLOW, run.id)) == {"first"}
    assert run_tags.take_over(store, outbox) == []
    monkeypatch.delenv("DOCKERFLOW_OUTBOX")
    assert run.user_tags == {"first", "b"}


def test_a_step_is_told_at_once_what_cannot_be(run: Run, outbox: Path) -> None:
    for wrong in (lambda: run.remove_tag("user:anna"), lambda: run.add_tag("")):
        with pytest.raises(TaggingError):
            wrong()
    run.add_tag("first")
    assert list(outbox.iterdir()) == []


def test_a_step_that_names_another_store_writes_to_that(run: Run, outbox: Path, tmp_path: Path) -> None:
    other = DirectoryStore(tmp_path / "other")
    there = Run(f"{FLOW}/{successful_run(other)}", store=other)
    there.add_tag("there")
    assert there.user_tags == {"there"}
    assert list(outbox.iterdir()) == []
