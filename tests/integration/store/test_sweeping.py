"""What killed processes have left beside a bucket, and in it, goes when a later run begins."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dockerflow.buckets.sdk import SdkObjects
from dockerflow.store import runs
from dockerflow.store.s3_store import S3Store
from dockerflow.store.sweep import ABANDONED, sweep
from tests.integration.store.kinds import store_of


@pytest.fixture(params=["minio", "versitygw"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> S3Store:
    bucket = request.getfixturevalue(f"{request.param}_bucket")
    store = store_of(request.param, tmp_path / "scratch", bucket).open()
    assert isinstance(store, S3Store)
    return store


def outbox(store: S3Store, run_id: str) -> Path:
    """The outbox of a run, with a file in the folder of a worker."""
    folder = runs.outbox_folder(store, "F", run_id)
    (folder / "1").mkdir(parents=True)
    (folder / "1" / "blob").write_bytes(b"x")
    return folder


def test_what_steps_have_sent_goes_when_their_scheduler_is_long_dead(store: S3Store) -> None:
    dead, alive = runs.new_run_id(store, "F"), runs.new_run_id(store, "F")
    for run_id in (dead, alive):
        store.put(f"{runs.outbox_key('F', run_id)}/{'a' * 64}", b"x")
    sweep(store)
    assert len(store.keys("outbox/")) == 2, "a machine that was away may still come back to it"
    with runs.hold(store, "F", alive):
        sweep(store, waiting=-ABANDONED)
        assert store.keys("outbox/") == [f"{runs.outbox_key('F', alive)}/{'a' * 64}"]
    sweep(store, waiting=-ABANDONED)
    assert store.keys() == [f"runs/F/{dead}/claim", f"runs/F/{alive}/claim"]


def test_an_outbox_on_this_machine_goes_when_its_scheduler_is_dead(store: S3Store) -> None:
    dead, alive = outbox(store, "1"), outbox(store, "2")
    with runs.hold(store, "F", "2"):
        sweep(store)
    assert not dead.exists()
    assert (alive / "1" / "blob").exists()


def test_empty_folders_of_runs_go_when_they_are_old(store: S3Store) -> None:
    old, young, full = (store.scratch / runs.run_key("F", run_id) for run_id in "123")
    for folder in (old, young, full / "logs"):
        folder.mkdir(parents=True)
    now = old.stat().st_mtime
    for folder in (old, full):
        os.utime(folder, (1000, 1000))
    sweep(store, clock=lambda: now + 1)
    assert [folder.exists() for folder in (old, young, full)] == [False, True, True]


def test_parts_that_nobody_completed_are_given_up_when_they_are_old(store: S3Store) -> None:
    objects = store.objects
    assert isinstance(objects, SdkObjects)
    client, bucket, name = objects.link.client, objects.place.bucket, objects.link.name("outbox/F/1/x")
    client._create_multipart_upload(bucket, name, {})
    others = [objects.link.name("another program/x"), "elsewhere/x"]
    begun = {other: client._create_multipart_upload(bucket, other, {}) for other in others}
    sweep(store)
    objects.give_up_uploads("outbox/", ABANDONED)
    before = {upload.object_name for upload in client._list_multipart_uploads(bucket).uploads}
    objects.give_up_uploads("outbox/", -ABANDONED)
    after = {upload.object_name for upload in client._list_multipart_uploads(bucket).uploads}
    assert (before, after) == ({name, *others}, {*others})
    for other, upload_id in begun.items():
        client._abort_multipart_upload(bucket, other, upload_id)
