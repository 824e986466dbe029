"""What runs use is known from their journals alone, also where something of it is gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockerflow.client import Run
from dockerflow.store import history, runs, uses
from dockerflow.store.directory import DirectoryStore, create
from dockerflow.store.history import RunHistory
from dockerflow.store.records import RunStarted, StepRecord
from dockerflow.store.uses import Use
from tests.unit.client.runs_by_hand import FLOW, RunByHand, successful_run

LARGE = bytes(1 << 17)


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    return create(tmp_path)


def with_a_large_artifact(store: DirectoryStore) -> str:
    run = RunByHand(store, runs.new_run_id(store, FLOW))
    run.create("start", "1")
    run.attempt("start", "1", {"large": LARGE, "_cards": LARGE, "small": 1})
    run.finish()
    return run.run_id


def large_blob(store: DirectoryStore, run_id: str) -> str:
    found = uses.of_run(store, history.read(store, FLOW, run_id))
    return next(use.blob for use in found if use.what == "artifact large")


def test_a_blob_is_used_by_every_run_that_shares_it_the_newest_first(store: DirectoryStore) -> None:
    first, second = with_a_large_artifact(store), with_a_large_artifact(store)
    assert list(uses.of_blob(store, large_blob(store, first))) == [
        Use(large_blob(store, first), f"{FLOW}/{run_id}/start/1", f"artifact {name}", large_blob(store, first))
        for run_id in (second, first)
        for name in ("_cards", "large")
    ]


def test_a_small_artifact_is_found_by_its_own_hash_though_its_blob_has_others_in_it(
    store: DirectoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKERFLOW_USER", "anna")
    run_ids = [with_a_large_artifact(store), with_a_large_artifact(store)]
    small = Run(f"{FLOW}/{run_ids[0]}", store=store.name)["start"].task["small"]
    assert [use._replace(blob="") for use in uses.of_blob(store, small.sha)] == [
        Use("", f"{FLOW}/{run_id}/start/1", "artifact small", small.sha) for run_id in reversed(run_ids)
    ]


def test_all_that_a_run_needs_is_among_what_it_uses(store: DirectoryStore) -> None:
    run_id = successful_run(store)
    used = {use.blob for use in uses.of_run(store, history.read(store, FLOW, run_id))}
    assert {blob.sha256 for blob in store.blobs.every()} == used - {"cc"}  # a lock that is not in the store


def test_what_a_missing_manifest_had_is_not_known_and_the_rest_is(store: DirectoryStore) -> None:
    run_id = with_a_large_artifact(store)
    blob = large_blob(store, run_id)
    manifest = next(u.blob for u in uses.of_run(store, history.read(store, FLOW, run_id)) if u.what == "artifacts")
    store.blobs.delete([manifest])
    assert list(uses.of_blob(store, blob)) == []
    assert [use.what for use in uses.of_run(store, history.read(store, FLOW, run_id))] == ["code", "lock", "artifacts"]


def test_a_run_that_cannot_be_read_hides_no_other(store: DirectoryStore) -> None:
    torn, whole = with_a_large_artifact(store), with_a_large_artifact(store)
    blob = large_blob(store, whole)
    for key in store.keys(f"{runs.journal_key(FLOW, torn)}/"):
        store.put(key, b"no record\n" * 3)
    assert {use.pathspec.split("/")[1] for use in uses.of_blob(store, blob)} == {whole}


def test_the_locks_of_other_platforms_are_used_too() -> None:
    step = StepRecord("start", (), lock="here", elsewhere=(StepRecord("start", (), lock="there"),))
    started = RunStarted(0.0, FLOW, "1", "anna", "", "code", (step,))
    assert [use.blob for use in uses.direct(RunHistory(started=started)) if use.what == "lock"] == ["here", "there"]
