"""`runs kill` of runs that have ended, and of names that are none. What lives is killed in `tests/faults`."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockerflow.store import runs
from dockerflow.store.directory import DirectoryStore, create
from tests.unit.cli.commands import Answer, dockerflow, refused
from tests.unit.client.runs_by_hand import FLOW, RunByHand


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    return create(tmp_path)


def written(store: DirectoryStore) -> RunByHand:
    return RunByHand(store, runs.new_run_id(store, FLOW))


def kill(store: DirectoryStore, *named: str) -> Answer:
    """Where no engine is: what is not asked of one needs none."""
    return dockerflow("runs", "kill", *named, cwd=store.root.parent, DOCKER_HOST="unix:///nowhere/docker.sock")


def test_of_runs_that_are_over_it_is_told_how_they_ended(store: DirectoryStore) -> None:
    first, second = written(store), written(store)
    first.finish()
    second.finish("stopped", "Ctrl-C")
    told = f"run `{FLOW}/{first.run_id}` is over: succeeded\nrun `{FLOW}/{second.run_id}` is over: stopped (Ctrl-C)\n"
    assert kill(store, f"{FLOW}/{first.run_id}", second.run_id, f"{FLOW}/{first.run_id}/") == Answer(0, told, "")


def test_of_a_dead_run_that_began_no_task_nothing_can_be_left(store: DirectoryStore) -> None:
    run = written(store)
    told = f"run `{FLOW}/{run.run_id}` is not running: its scheduler was killed\n"
    assert kill(store, run.run_id) == Answer(0, told, "")


def test_a_host_that_nobody_knows_here_is_named(store: DirectoryStore) -> None:
    """It may be the engine of another machine, or of this one, which does not answer."""
    run = written(store)
    run.host = "lost-box"
    run.create("start", "1")
    run.attempt("start", "1", {})
    answer = kill(store, run.run_id)
    why = "it is not among the hosts that are known here (`dockerflow hosts list`)"
    assert answer.code == 1
    assert answer.stderr.splitlines()[-1] == (
        f"host `lost-box`: containers of run `{FLOW}/{run.run_id}` may be left there: {why}"
    )
    assert "no Docker engine answers at `unix:///nowhere/docker.sock`" in answer.stderr


def test_a_flow_is_no_run(store: DirectoryStore) -> None:
    written(store)
    hint = f"`dockerflow runs list --flow {FLOW}` lists its runs"
    refused(
        "runs", "kill", FLOW, code=2, error=f"`{FLOW}` is a flow, and names no run", hint=hint, cwd=store.root.parent
    )


@pytest.mark.parametrize("named", ["", "/", f"{FLOW}/1/start", f"{FLOW}//1"])
def test_what_cannot_name_a_run_is_refused(store: DirectoryStore, named: str) -> None:
    answer = kill(store, named)
    assert (answer.code, answer.stdout) == (2, "")
    assert "`Flow/ID`" in answer.stderr or "is a flow" in answer.stderr


def test_a_run_that_is_not_there_is_answered_with_the_nearest(store: DirectoryStore) -> None:
    run = written(store)
    answer = kill(store, f"{FLOW}/{run.run_id[:-1]}")
    assert answer == Answer(8, "", answer.stderr)
    assert run.run_id in answer.stderr
    assert kill(store, "None/1").code == 8


def test_an_id_of_several_flows_is_not_guessed(store: DirectoryStore) -> None:
    run = written(store)
    other = store.root / "runs" / "Other"
    other.mkdir()
    (other / run.run_id).symlink_to(store.root / "runs" / FLOW / run.run_id)
    answer = kill(store, run.run_id)
    assert answer.code == 2
    assert f"may be one of several runs: `{FLOW}/{run.run_id}`, `Other/{run.run_id}`" in answer.stderr
