"""A run goes through a file from any kind of store to any other, as it would be copied."""

from __future__ import annotations

from pathlib import Path

from dockerflow.housekeeping import bundling
from dockerflow.housekeeping import verify as verifying
from dockerflow.housekeeping.bundle_store import opened
from dockerflow.housekeeping.bundling import Wanted
from dockerflow.housekeeping.mirroring import Places
from dockerflow.housekeeping.references import RunName
from dockerflow.store import history, journal, mirror, overview
from dockerflow.store.base import Store
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.mirror import Kept
from tests.integration.housekeeping.made import Made, large, make

ALL = Wanted(artifacts=None, images=False)


def write(store: Store, made: Made, path: Path, wanted: Wanted = ALL) -> Path:
    content = bundling.content(Places(store, path.parent / "cache", None), RunName(made.flow, made.run_id), wanted)
    bundling.write(content, path)
    return path


def test_a_run_goes_from_any_store_into_a_folder(store: Store, tmp_path: Path) -> None:
    made = make(store, {"x": large("a"), "y": 1}, tag="paper")
    target = DirectoryStore(tmp_path / "target")
    bundling.bring(opened(write(store, made, tmp_path / "b.tar")), target)
    assert journal.text(target, "Films", made.run_id) == journal.text(store, "Films", made.run_id)
    (seen,) = overview.of_flow(target, "Films")
    assert "paper" in seen.tags
    assert verifying.verify(target).faults == ()


def test_a_run_goes_from_a_folder_into_any_store(store: Store, tmp_path: Path) -> None:
    source = DirectoryStore(tmp_path / "source")
    made = make(source, {"x": large("a")})
    path = write(source, made, tmp_path / "b.tar")
    assert len(bundling.bring(opened(path), store).runs) == 1
    assert bundling.bring(opened(path), store).known == 1
    assert journal.text(store, "Films", made.run_id) == journal.text(source, "Films", made.run_id)
    assert verifying.verify(store).faults == ()


def test_a_killed_run_comes_along_with_what_it_had_printed(store: Store, tmp_path: Path) -> None:
    made = make(store, {"x": 1}, status=None, cut_off=["one", "two"])
    target = DirectoryStore(tmp_path / "target")
    bundling.bring(opened(write(store, made, tmp_path / "b.tar")), target)
    there = history.read(target, "Films", made.run_id)
    assert there.finished is None
    printed = target.get(f"runs/Films/{made.run_id}/logs/2.0") or b""
    assert b"one" in printed
    assert b"two" in printed


def test_what_is_mirrored_comes_along_or_is_left_out_with_the_images(store: Store, tmp_path: Path) -> None:
    """The locks of this run are none; what its mirror has is taken from the store."""
    made = make(store, {"x": 1})
    blob = store.blobs.put([b"an archive"])
    mirror.add(store, made.flow, made.run_id, [Kept(blob, "package one.conda", 10)])
    without = DirectoryStore(tmp_path / "without")
    bundling.bring(opened(write(store, made, tmp_path / "b.tar")), without)
    assert not without.blobs.has(blob)
    assert mirror.read(without, made.flow, made.run_id) == ()
    with_it = DirectoryStore(tmp_path / "with")
    bundling.bring(opened(write(store, made, tmp_path / "c.tar", Wanted())), with_it)
    assert bytes(with_it.blobs.get(blob)) == b"an archive"
    assert mirror.read(with_it, made.flow, made.run_id) == mirror.read(store, made.flow, made.run_id)
