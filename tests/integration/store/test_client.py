"""The client reads every kind of store, and tells the same of the same run."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

from dockerflow.client import Flow, Metaflow, Run, Task, namespace
from dockerflow.store.base import Store
from dockerflow.store.directory import create
from tests.integration.store.kinds import Where
from tests.unit.client.runs_by_hand import FLOW, successful_run


@pytest.fixture(autouse=True)
def _anna(monkeypatch: pytest.MonkeyPatch) -> None:
    """The user who ran the runs."""
    monkeypatch.setenv("DOCKERFLOW_USER", "anna")


def told(run: Run) -> dict[str, Any]:
    """What the client says of a run, without its id."""
    return {
        "of the run": (run.status, run.successful, run.duration, run.tags, run.code and run.code.flowspec),
        "steps": [step.id for step in run],
        "tasks": {task.id: _of_task(task) for step in run for task in step},
    }


def _of_task(task: Task) -> dict[str, Any]:
    return {
        "values": {artifact.id: (artifact.data, artifact.sha, artifact.size) for artifact in task},
        "printed": (task.stdout, task.stderr, [text for _, text in task.loglines("stdout")]),
        "place": (task.index, [each.id for each in task.parent_tasks], [each.id for each in task.child_tasks]),
        "metadata": sorted((entry.name, entry.value) for entry in task.metadata if entry.name != "ds-root"),
        "ended": (task.status, task.duration, task.exception),
    }


def test_a_run_is_told_as_it_would_be_from_a_folder(where: Where, store: Store, tmp_path: Path) -> None:
    folder = create(tmp_path / "folder")
    expected = told(Run(f"{FLOW}/{successful_run(folder, ('mine',))}", store=folder))
    run_id = successful_run(store, ("mine",))
    assert told(Run(f"{FLOW}/{run_id}", store=where.open())) == expected
    assert expected["tasks"]["5"]["values"]["best"][0] == "Brazil"


def test_runs_are_found_by_namespace_and_tags(store: Store) -> None:
    ids = [successful_run(store, tags) for tags in ((), ("good",), ("good", "best"), *[()] * 5)]
    flow = Flow(FLOW, store=store)
    assert [run.id for run in flow] == sorted(ids, reverse=True)
    assert [run.id for run in flow.runs("good")] == [ids[2], ids[1]]
    assert flow.latest_run is not None
    assert (flow.latest_run.id, len(Metaflow(store).flows)) == (ids[-1], 1)
    namespace("user:nobody")
    assert Metaflow(store).flows == []
    namespace("best")
    assert [run.id for run in Flow(FLOW, store=store)] == [ids[2]]


def test_tags_that_are_changed_are_there_for_others(where: Where, store: Store) -> None:
    pathspec = f"{FLOW}/{successful_run(store)}"
    Run(pathspec, store=store).add_tag("good")
    assert "good" in Run(pathspec, store=where.open()).user_tags


def test_an_object_pickles_with_the_store_that_the_user_has_named(store: Store) -> None:
    run = Run(f"{FLOW}/{successful_run(store)}", store=store)
    assert store.name.encode() in pickle.dumps(run)
