"""Client objects are values: they are stored, moved and compared."""

from __future__ import annotations

import copy
import pickle
import shutil
from pathlib import Path
from weakref import WeakValueDictionary

import pytest

from dockerflow.client import DataArtifact, Flow, Metaflow, NoStore, NotFound, Run, Task, get_metadata, metadata, source
from dockerflow.client.stores import default_metadata
from dockerflow.store import runs
from dockerflow.store.directory import DirectoryStore
from tests.unit.client.runs_by_hand import FLOW, RunByHand, successful_run


@pytest.fixture
def run(store: DirectoryStore) -> Run:
    return Run(f"{FLOW}/{successful_run(store)}")


def test_a_stored_object_names_no_path(run: Run, store: DirectoryStore) -> None:
    for thing in (Flow(FLOW), run, run["each"], run["each"]["2"], run["each"]["2"]["film"]):
        assert str(store.root).encode() not in pickle.dumps(thing)
        assert pickle.loads(pickle.dumps(thing)) == thing
    everything = Metaflow()
    assert everything.flows == [Flow(FLOW)]
    assert str(store.root).encode() not in pickle.dumps(everything)
    assert pickle.loads(pickle.dumps(everything)).flows == [Flow(FLOW)]


def test_a_store_that_was_given_stays_with_the_object(
    run: Run, store: DirectoryStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = pickle.dumps(Run(run.pathspec, store=store.root)["each"]["2"])
    monkeypatch.setenv("DOCKERFLOW_STORE", str(tmp_path / "none"))
    assert pickle.loads(stored).data.film == "Alien"


@pytest.mark.parametrize(
    ("called", "below"),
    [
        ("flow\nFlow", ""),
        ("flow\nRun", "/{id}"),
        ("task\nStep", "/{id}/each"),
        ("task\nTask", "/{id}/each/2"),
        ("artifact\nArtifact", "/{id}/each/2/film"),
    ],
)
def test_objects_that_were_stored_before_there_were_namespaces_are_found(
    run: Run, store: DirectoryStore, monkeypatch: pytest.MonkeyPatch, called: str, below: str
) -> None:
    """They are calls of their class, with the store's root, and for tasks no attempt."""
    pathspec = FLOW + below.format(id=run.id)
    more = "N" if called.endswith("Task") else ""
    stored = f"cdockerflow.client.{called}\n(V{pathspec}\nV{store.root}\n{more}tR.".encode()
    monkeypatch.setenv("DOCKERFLOW_USER", "ben")
    found = pickle.loads(stored)
    assert found.pathspec == pathspec
    assert found._store_name() == store.name


def test_the_values_of_a_task_are_copied_and_stored_as_names(run: Run) -> None:
    for values in (run.data, run.end_task.artifacts):
        for other in (copy.copy(values), pickle.loads(pickle.dumps(values))):
            assert list(other) == list(values)
    assert pickle.loads(pickle.dumps(run.data)).best == "Brazil"


def test_an_object_is_loaded_where_there_is_no_store_and_found_when_there_is(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stored = pickle.dumps(run["each"]["2"])
    monkeypatch.setenv("DOCKERFLOW_STORE", str(tmp_path / "none"))
    task = pickle.loads(stored)
    assert task.pathspec == f"{run.pathspec}/each/2"
    assert len({task, pickle.loads(stored)}) == 1
    with pytest.raises(NoStore):
        _ = task.data
    monkeypatch.delenv("DOCKERFLOW_STORE")
    assert task.data.film == "Alien"


def test_an_object_of_a_run_that_is_gone_says_so_when_it_is_used(
    run: Run, store: DirectoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = [pickle.dumps(thing) for thing in (run, run["each"], run["each"]["2"], run["each"]["2"]["film"])]
    shutil.rmtree(store.root / "runs" / FLOW / run.id)
    monkeypatch.setattr(source, "_known", WeakValueDictionary())  # as in another process
    other_run, step, task, artifact = map(pickle.loads, stored)
    for use in (lambda: other_run.tags, lambda: step.task, lambda: task.status, lambda: artifact.data):
        with pytest.raises(NotFound):
            use()


def test_an_object_that_is_read_from_a_store_belongs_to_it(
    store: DirectoryStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was stored in a container, where the store has another path, and is read with the store's name given."""
    first = Run(f"{FLOW}/{successful_run(store)}")
    second = RunByHand(store, runs.new_run_id(store, FLOW))
    second.create("start", "1")
    second.attempt("start", "1", {"earlier": first, "several": {"tasks": [*first["each"]]}})
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(store.root, elsewhere)
    monkeypatch.chdir("/")
    data = Task(f"{FLOW}/{second.run_id}/start/1", store=elsewhere).data
    assert data.earlier.data.best == "Brazil"
    assert [task.data.film for task in data.several["tasks"]] == ["Brazil", "Alien"]
    assert data.earlier == Run(first.pathspec, store=elsewhere)


def test_equal_objects_are_those_of_one_name_in_one_store(run: Run, store: DirectoryStore, tmp_path: Path) -> None:
    other = DirectoryStore(tmp_path / "other")
    shutil.copytree(store.root, other.root)
    assert run == Run(run.pathspec) == Run(run.pathspec, store=store)
    assert run != Run(run.pathspec, store=other)
    assert Task(f"{run.pathspec}/each/2", attempt=0) != Task(f"{run.pathspec}/each/2")
    assert run != run.pathspec


def test_attempts_are_kept(run: Run) -> None:
    task = pickle.loads(pickle.dumps(Task(f"{run.pathspec}/each/2", attempt=0)))
    assert repr(task) == f"Task('{run.pathspec}/each/2', attempt=0)"
    assert repr(task["film"]) == f"DataArtifact('{run.pathspec}/each/2/film', attempt=0)"
    assert task == Task(f"{run.pathspec}/each/2", 0)


@pytest.mark.parametrize("attempt", [-1, "first"])
def test_what_is_no_attempt_is_not_found(run: Run, attempt: int) -> None:
    with pytest.raises(NotFound):
        Task(f"{run.pathspec}/each/2", attempt=attempt)
    with pytest.raises(NotFound, match="a flow has no attempts"):
        Flow(FLOW, attempt=0)


def test_an_attempt_that_there_was_not_has_nothing(run: Run) -> None:
    task = Task(f"{run.pathspec}/each/2", attempt=7)
    assert (task.finished, task.finished_at, list(task), task.stdout, task.current_attempt) == (False, None, [], "", 7)
    with pytest.raises(NotFound):
        DataArtifact(f"{run.pathspec}/each/2/film", attempt=7)


# ---- which store


def test_the_store_that_is_read_can_be_named_for_the_process(store: DirectoryStore, tmp_path: Path) -> None:
    assert get_metadata() == f"local@{store.root}"
    other = DirectoryStore(tmp_path / "other" / ".dockerflow")
    run_id = successful_run(other)
    for name in (str(other.root), str(other.root.parent), f"local@{other.root}"):
        assert metadata(name) == get_metadata() == f"local@{other.root}"
        assert Flow(FLOW).latest_run.id == run_id
    assert default_metadata() == metadata("local") == f"local@{store.root}"
    with pytest.raises(NotFound):
        Flow(FLOW)


@pytest.mark.parametrize("name", ["service@http://x", "http://x", "spin@.", "/no/where"])
def test_what_is_no_store_is_refused(store: DirectoryStore, name: str) -> None:
    with pytest.raises(NoStore):
        metadata(name)
    assert get_metadata() == f"local@{store.root}"
