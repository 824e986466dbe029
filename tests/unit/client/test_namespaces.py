"""Whose runs are seen. Every rule here is Metaflow's."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from dockerflow.client import (
    DataArtifact,
    Flow,
    Metaflow,
    NamespaceMismatch,
    NotFound,
    Run,
    Step,
    Task,
    default_namespace,
    get_namespace,
    namespace,
)
from dockerflow.flow.current import Situation, current
from dockerflow.store.directory import DirectoryStore
from tests.unit.client.runs_by_hand import FLOW, successful_run


@pytest.fixture
def run(store: DirectoryStore) -> Run:
    return Run(f"{FLOW}/{successful_run(store, ('draft',))}")


def test_the_namespace_is_that_of_the_user_until_another_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert get_namespace() == "user:anna"
    assert namespace("team") == get_namespace() == "team"
    assert namespace(None) is get_namespace() is None
    assert default_namespace() == get_namespace() == "user:anna"


@pytest.mark.parametrize(("given", "expected"), [("user:ada", "user:ada"), ("team", "team"), ("", None)])
def test_in_a_step_it_is_that_of_the_run(given: str, expected: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    flow = SimpleNamespace(name=FLOW)
    monkeypatch.setattr(current, "_situation", Situation(flow, "1", "a", "1", 0, given, "ada"))  # type: ignore[arg-type]
    assert get_namespace() == expected
    assert default_namespace() == "user:ada"


@pytest.mark.parametrize(
    "find",
    [
        lambda run: Flow(FLOW),
        lambda run: Run(run.pathspec),
        lambda run: Step(f"{run.pathspec}/each"),
        lambda run: Task(f"{run.pathspec}/each/2"),
        lambda run: DataArtifact(f"{run.pathspec}/each/2/film"),
        lambda run: Metaflow()[FLOW],
    ],
)
def test_what_is_in_another_namespace_raises_and_is_found_in_all(run: Run, find: Callable[[Run], object]) -> None:
    namespace("user:bob")
    with pytest.raises(NamespaceMismatch, match="in the namespace `user:bob`") as raised:
        find(run)
    assert raised.value.hint == "it is in `user:anna`; `namespace(None)` looks at the runs of all users"
    assert not isinstance(raised.value, NotFound)
    for seen in (None, "user:anna", "draft"):
        namespace(seen)
        assert find(run) is not None


def test_what_is_nowhere_is_not_found_in_any_namespace(run: Run) -> None:
    namespace("user:bob")
    with pytest.raises(NotFound):
        Flow("Nothing")
    with pytest.raises(NotFound):
        Run(f"{FLOW}/1")


def test_a_flow_has_the_runs_of_its_namespace(run: Run, store: DirectoryStore) -> None:
    later = successful_run(store)
    assert [each.id for each in Flow(FLOW)] == [later, run.id]
    namespace("draft")
    drafts = Flow(FLOW)
    assert [each.id for each in drafts] == [run.id]
    assert drafts.latest_run == drafts.latest_successful_run == run
    namespace("user:bob")
    assert [each.id for each in drafts] == [run.id]


def test_a_run_that_is_asked_for_by_its_id_must_be_in_the_flows_namespace(run: Run, store: DirectoryStore) -> None:
    later = successful_run(store)
    namespace("draft")
    drafts = Flow(FLOW)
    assert later in drafts
    with pytest.raises(NamespaceMismatch):
        drafts[later]
    namespace(None)
    assert Flow(FLOW)[later].id == later


def test_all_flows_are_those_with_runs_in_the_namespace(run: Run) -> None:
    assert [flow.id for flow in Metaflow()] == [flow.id for flow in Metaflow().flows] == [FLOW]
    assert FLOW in Metaflow()
    namespace("user:bob")
    assert Metaflow().flows == []
    assert FLOW not in Metaflow()
    assert repr(Metaflow()) == "Metaflow()"


def test_objects_show_what_they_have_whatever_the_namespace_becomes(run: Run) -> None:
    task, restored = run["each"]["2"], pickle.loads(pickle.dumps(run))
    namespace("user:bob")
    assert task.data.film == "Alien"
    assert [step.id for step in restored] == [step.id for step in run]
    assert (run.is_in_namespace(), Flow(FLOW, _namespace_check=False).is_in_namespace()) == (False, False)
    assert run.parent == Flow(FLOW, _namespace_check=False)
    assert [each.id for each in run.parent] == [run.id]


def test_an_object_that_is_loaded_keeps_the_namespace_that_it_was_made_in(run: Run, store: DirectoryStore) -> None:
    successful_run(store)
    namespace("draft")
    stored = pickle.dumps(Flow(FLOW))
    namespace("user:bob")
    assert [each.id for each in pickle.loads(stored)] == [run.id]


def test_without_the_check_everything_is_there(run: Run) -> None:
    namespace("user:bob")
    assert Task(f"{run.pathspec}/each/2", _namespace_check=False).data.film == "Alien"
    assert Flow(FLOW, _namespace_check=False)[run.id] == run


def test_the_run_and_the_task_of_now_are_there_in_any_namespace(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    flow = SimpleNamespace(name=FLOW)
    monkeypatch.setattr(current, "_situation", Situation(flow, run.id, "each", "2", 0, "user:anna", "anna"))  # type: ignore[arg-type]
    namespace("user:bob")
    assert (current.run, current.task) == (run, run["each"]["2"])
    assert current.task.data.film == "Alien"
    assert current.run.user_tags == {"draft"}
