"""`dockerflow gc` as it is typed: what it shows, what it does, what it refuses."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from dockerflow.cli.app import carry_out
from dockerflow.errors import DockerflowError
from dockerflow.store import runs
from dockerflow.store.directory import DirectoryStore, create
from tests.integration.housekeeping.made import Made, large, make


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DirectoryStore:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DOCKERFLOW_STORE", raising=False)
    return create(tmp_path)


def all_old(store: DirectoryStore) -> None:
    for path in store.blobs.root.glob("??/*"):
        os.utime(path, (1, 1))


def ran(store: DirectoryStore) -> tuple[Made, Made]:
    older, newer = make(store, {"x": large("x")}, status="failed"), make(store, {"y": large("y")}, tag="paper")
    all_old(store)
    store.blobs.put([b"nobody's, and young"])
    return older, newer


def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[str, str]:
    assert carry_out(["gc", *words]) == 0
    return capsys.readouterr()


def test_it_shows_what_would_go_and_does_it_when_told_to(
    store: DirectoryStore, capsys: pytest.CaptureFixture[str]
) -> None:
    older, newer = ran(store)
    shown, noted = said(capsys, "--keep", "1")
    assert shown.splitlines()[0] == "these runs would be removed:"
    assert f"  {older.pathspec}  failed" in shown
    assert "to remove: 1 run, 3 blobs (131 kB)" in shown
    assert "kept for now: 1 blob (19 B) that no run uses, younger than 24 h\n" in shown
    assert noted.splitlines() == [
        "note: nothing was removed; say `--delete` to remove it",
        "note: step images stay; see `dockerflow images prune`",
    ]
    assert runs.run_ids(store, "Films") == [newer.run_id, older.run_id]
    done, noted = said(capsys, "--keep", "1", "--delete")
    assert done.splitlines()[0] == "removed these runs:"
    assert "removed: 1 run, 3 blobs (131 kB)" in done
    assert noted == "note: step images stay; see `dockerflow images prune`\n"
    assert runs.run_ids(store, "Films") == [newer.run_id]
    assert said(capsys)[0].splitlines()[0] == "nothing to remove"


def test_programs_get_json(store: DirectoryStore, capsys: pytest.CaptureFixture[str]) -> None:
    older, newer = ran(store)
    with runs.hold(store, newer.flow, newer.run_id):
        store.delete(*store.keys(f"runs/Films/{newer.run_id}/journal/"))
        told = json.loads(said(capsys, "--json", "--older-than", "1d")[0])
    assert [one["run"] for one in told["runs"]] == [older.pathspec]
    assert (told["deleted"], told["kept"], told["leftovers"], told["young"]["blobs"]) == (False, [], [], 1)


def test_a_run_that_is_kept_is_told_with_the_reason(store: DirectoryStore, capsys: pytest.CaptureFixture[str]) -> None:
    made = make(store, {}, status=None)
    with runs.hold(store, made.flow, made.run_id):
        shown, _ = said(capsys, made.pathspec, "--delete")
    assert shown.splitlines()[0] == f"kept: {made.pathspec}, it still runs"
    assert runs.run_ids(store, "Films") == [made.run_id]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--status", "faild"], "`faild` is no status of a run that is over"),
        (["--older-than", "30"], "`30` is no length of time, which `--older-than` needs"),
        (["--older-than", "3", "weeks"], "`3` is no length of time, which `--older-than` needs"),
        (["--grace", "soon"], "`soon` is no length of time, which `--grace` needs"),
        (["--flow", "Filmz"], "flow `Filmz`"),
        (["Filmz/1"], "flow `Filmz`"),
        (["Films"], "`Films` names no run"),
        (["Films/1/start/2"], "`Films/1/start/2` names no run"),
        (["Films/1"], "run `1`"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_nothing_is_removed(
    store: DirectoryStore, words: list[str], expected: str
) -> None:
    ran(store)
    before = len(list(store.blobs.every()))
    with pytest.raises(DockerflowError) as refused:
        carry_out(["gc", *words, "--delete"])
    assert expected in refused.value.message
    assert refused.value.exit_code in (2, 8)
    assert len(list(store.blobs.every())) == before


def test_a_flow_in_place_of_a_run_is_answered_with_the_option_for_flows(store: DirectoryStore) -> None:
    ran(store)
    with pytest.raises(DockerflowError) as refused:
        carry_out(["gc", "Films"])
    assert refused.value.hint == "write `Flow/run`, or `--flow Films` with `--keep 0` for all runs of the flow"


def test_without_a_store_there_is_nothing_to_remove(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DOCKERFLOW_STORE", raising=False)
    with pytest.raises(DockerflowError, match="there is no store"):
        carry_out(["gc"])
