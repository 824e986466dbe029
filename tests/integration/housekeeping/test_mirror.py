"""What is kept of a run's images is the run's, for all that look after a store."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockerflow.housekeeping import collect as collecting
from dockerflow.housekeeping import copy as copying
from dockerflow.housekeeping import verify as verifying
from dockerflow.housekeeping.choosing import Wanted
from dockerflow.housekeeping.mirroring import Places, mirror_run
from dockerflow.housekeeping.references import RunName, of_store
from dockerflow.store import history, mirror, uses
from dockerflow.store.base import Store
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.errors import DamagedRecord, MissingBlob
from dockerflow.store.mirror import Kept
from tests.integration.housekeeping.made import make


def mirrored(store: Store, data: bytes = b"an archive") -> tuple[RunName, str]:
    made = make(store, {"x": 1})
    blob = store.blobs.put([data])
    mirror.add(store, made.flow, made.run_id, [Kept(blob, "package one.conda", len(data))])
    return RunName(made.flow, made.run_id), blob


def collect(store: Store, *named: RunName) -> None:
    collecting.collect(store, Wanted(named=frozenset(named)), grace=-1)


def test_what_is_mirrored_is_referred_to_and_said_to_be_used(store: Store) -> None:
    run, blob = mirrored(store)
    assert of_store(store).users[blob] == [run]
    assert [(use.pathspec, use.what) for use in uses.of_blob(store, blob)] == [(str(run), "package one.conda")]
    assert verifying.verify(store).faults == ()


def test_what_is_mirrored_stays_until_it_is_forgotten(store: Store) -> None:
    run, blob = mirrored(store)
    collect(store)
    assert store.blobs.has(blob)
    assert [kept.blob for kept in mirror.forget(store, *run)] == [blob]
    collect(store)
    assert not store.blobs.has(blob)
    assert history.read(store, *run).status == "succeeded"


def test_what_is_mirrored_goes_with_its_run_unless_another_keeps_it(store: Store) -> None:
    one, blob = mirrored(store)
    other, _ = mirrored(store)
    collect(store, one)
    assert store.blobs.has(blob)
    collect(store, other)
    assert not store.blobs.has(blob)


def test_what_is_mirrored_is_copied_also_when_the_run_was_copied_before(store: Store, tmp_path: Path) -> None:
    target = DirectoryStore(tmp_path / "target")
    run, _ = mirrored(store)
    copying.copy(store, target, copying.Wanted())
    more = store.blobs.put([b"another"])
    mirror.add(store, *run, [Kept(more, "package two.conda", 7)])
    copying.copy(store, target, copying.Wanted())
    assert target.blobs.has(more)
    assert mirror.read(target, *run) == mirror.read(store, *run)
    collect(target)
    assert verifying.verify(target).faults == ()


def test_a_mirrored_blob_that_is_lost_is_told_with_what_it_was(store: Store) -> None:
    run, blob = mirrored(store)
    store.blobs.delete([blob])
    (fault,) = verifying.verify(store).faults
    assert (fault.kind, fault.runs, fault.uses[0].what) == (verifying.MISSING, (run,), "package one.conda")


def test_a_list_that_cannot_be_read_stops_whoever_deletes(store: Store) -> None:
    run, _ = mirrored(store)
    store.put(mirror.key(*run), b'{"version": 1, "kept": [["../x", "y", 1]]}')
    with pytest.raises(DamagedRecord, match="names what is no blob"):
        mirror.read(store, *run)
    assert of_store(store).unreadable[0].run == run


def test_what_cannot_be_had_is_told_and_keeps_nothing_else_back(store: Store, tmp_path: Path) -> None:
    """The lock of this run is none, and it had no image."""
    made = make(store, {"x": 1})
    run = RunName(made.flow, made.run_id)
    done = mirror_run(Places(store, tmp_path / "cache", None), run)
    assert [lost.what for lost in done.lost] == ["the packages of step `step_0`", "the packages of step `step_1`"]
    assert (done.all, done.sent) == (0, 0)
    assert store.get(mirror.key(*run)) is None


def test_a_lock_that_is_gone_is_told(store: Store, tmp_path: Path) -> None:
    made = make(store)
    steps = history.read(store, made.flow, made.run_id).steps.values()
    store.blobs.delete([step.lock for step in steps])
    done = mirror_run(Places(store, tmp_path / "cache", None), RunName(made.flow, made.run_id))
    assert isinstance(done.lost[0].error, MissingBlob)
