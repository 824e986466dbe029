"""`runs list` over runs as the scheduler leaves them, also when it was killed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dockerflow.store import runs
from dockerflow.store.directory import DirectoryStore, create
from tests.unit.cli.commands import dockerflow
from tests.unit.client.runs_by_hand import FLOW, RunByHand


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    return create(tmp_path)


def listed(store: DirectoryStore) -> dict[str, str]:
    """The status of each run, by its id."""
    answer = dockerflow("runs", "list", "--json", cwd=store.root.parent)
    assert (answer.code, answer.stderr) == (0, "")
    return {line["run"].partition("/")[2]: line["status"] for line in json.loads(answer.stdout)}


def test_a_run_that_never_began_is_not_listed(store: DirectoryStore) -> None:
    runs.new_run_id(store, FLOW)
    begun = RunByHand(store, runs.new_run_id(store, FLOW))
    begun.finish()
    assert listed(store) == {begun.run_id: "succeeded"}


def test_a_run_is_running_while_its_scheduler_lives_and_killed_then(store: DirectoryStore) -> None:
    run = RunByHand(store, runs.new_run_id(store, FLOW))
    with runs.hold(store, FLOW, run.run_id):
        assert listed(store) == {run.run_id: "running"}
    assert listed(store) == {run.run_id: "killed"}
