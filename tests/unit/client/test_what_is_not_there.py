"""Errors name what is missing, where it was looked for, and what is near."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dockerflow.client import (
    ClientError,
    DataArtifact,
    Flow,
    InvalidPathspec,
    NoStore,
    NotFound,
    Run,
    Step,
    Task,
    namespace,
)
from dockerflow.client.errors import not_found
from dockerflow.store import runs
from dockerflow.store.directory import DirectoryStore, create
from tests.unit.client.runs_by_hand import FLOW, successful_run


@pytest.mark.parametrize(
    ("find", "message", "hint"),
    [
        (lambda run: Flow("Film"), "no flow `Film` in the store", "did you mean `Films`?"),
        (lambda run: Run("Films/1"), "no run `1` in flow `Films`", "there is `1"),
        (lambda run: run["eech"], "no step `eech` in run `Films/", "did you mean `each`?"),
        (lambda run: Step(f"{run.pathspec}/eech"), "no step `eech` in run `Films/", "did you mean `each`?"),
        (lambda run: Task(f"{run.pathspec}/each/9"), "no task `9` in step `Films/", "there is `3`, `2`"),
        (lambda run: run["each"]["2"]["filn"], "no artifact `filn` in task `Films/", "did you mean `film`?"),
        (lambda run: run["each"]["2"].data.filn, "no artifact `filn` in task `Films/", "did you mean `film`?"),
    ],
)
def test_a_missing_thing_is_named_with_its_neighbours(
    store: DirectoryStore, find: Callable[[Run], object], message: str, hint: str
) -> None:
    run = Run(f"{FLOW}/{successful_run(store)}")
    with pytest.raises(NotFound) as raised:
        find(run)
    assert message in raised.value.message
    assert hint in str(raised.value.hint)


def test_another_run_of_the_same_week_is_not_taken_for_the_one_that_was_meant() -> None:
    there = ["1795446013915903"]
    assert not_found("run", "1795446892127010", "flow `Films`", there).hint == "there is `1795446013915903`"
    assert not_found("run", "1795446013915093", "flow `Films`", there).hint == "did you mean `1795446013915903`?"


def test_a_missing_thing_is_also_the_error_that_python_has_for_it(store: DirectoryStore) -> None:
    run = Run(f"{FLOW}/{successful_run(store)}")
    with pytest.raises(KeyError):
        run["nothing"]
    assert not hasattr(run.data, "nothing")
    assert issubclass(NotFound, ClientError)
    assert ClientError("").exit_code == 8


@pytest.mark.parametrize("find", [lambda: Run(FLOW), lambda: Flow("a/b"), lambda: Task("F/1/start"), lambda: Run("/")])
def test_a_text_of_another_shape_is_no_pathspec(store: DirectoryStore, find: Callable[[], object]) -> None:
    with pytest.raises(InvalidPathspec, match="cannot name a"):
        find()


def test_an_artifact_has_the_article_that_it_needs(store: DirectoryStore) -> None:
    with pytest.raises(InvalidPathspec, match="`F/1` cannot name an artifact"):
        DataArtifact("F/1")


def test_without_a_store_the_error_says_how_to_get_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DOCKERFLOW_STORE", raising=False)
    with pytest.raises(NoStore, match="run a flow here first"):
        Flow(FLOW)
    with pytest.raises(NoStore, match="nowhere"):
        Flow(FLOW, store="nowhere")
    monkeypatch.setenv("DOCKERFLOW_STORE", "elsewhere")
    with pytest.raises(NoStore, match="elsewhere") as raised:
        Flow(FLOW)
    assert raised.value.hint == "it was named by DOCKERFLOW_STORE"


def test_an_empty_variable_names_no_store(store: DirectoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    successful_run(store)
    monkeypatch.setenv("DOCKERFLOW_STORE", "")
    assert Flow(FLOW) == Flow(FLOW, store=store)


def test_a_home_folder_in_the_variable_is_the_users(
    store: DirectoryStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    successful_run(store)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DOCKERFLOW_STORE", "~/.dockerflow")
    assert Flow(FLOW) == Flow(FLOW, store=store)


def test_a_store_is_found_upwards_by_variable_or_by_argument(
    store: DirectoryStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    successful_run(store)
    assert Flow(FLOW).latest_run is not None
    other = create(tmp_path / "other")
    successful_run(other)
    monkeypatch.setenv("DOCKERFLOW_STORE", str(other.root))
    assert Flow(FLOW).latest_run != Flow(FLOW, store=store.root).latest_run
    assert Flow(FLOW, store=other) == Flow(FLOW)


def test_a_run_that_lost_its_beginning_in_a_power_cut_hides_no_other(store: DirectoryStore) -> None:
    whole, torn = successful_run(store), successful_run(store)
    for segment in store.keys(f"{runs.journal_key(FLOW, torn)}/"):
        store.put(segment, b"")
    assert Flow(FLOW).latest_run.id == whole
    namespace(None)
    assert next((run.id, run.tags) for run in Flow(FLOW)) == (torn, frozenset())
    assert [run.id for run in Flow(FLOW).runs("user:anna")] == [whole]
