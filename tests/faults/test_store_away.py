"""A real MinIO goes away under a store that is written: nothing is lost, and all of it is there when it is back."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dockerflow.buckets.spool import Delivered, Spooling, deliver, spool_folder
from dockerflow.store import history, run_tags, tags
from dockerflow.store.base import hash_of
from dockerflow.store.blobs import Blobs
from dockerflow.store.errors import DamagedBlob, StoreError, Unreachable
from dockerflow.store.journal import MERGE, JournalWriter
from dockerflow.store.records import RunFinished, RunStarted, TaskCreated
from dockerflow.store.runs import outbox_key
from dockerflow.store.s3_store import S3Store
from tests.faults.buckets import SHORT, BucketOnMinio, bucket_on_minio

_NUMBERS = itertools.count(1)

LARGE = bytes(range(256)) * 40_000

SENT = outbox_key("F", "1")


@pytest.fixture(scope="module")
def minio_of_ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BucketOnMinio]:
    with bucket_on_minio(tmp_path_factory.mktemp("away")) as found:
        yield found


@pytest.fixture
def bucket(minio_of_ours: BucketOnMinio) -> BucketOnMinio:
    return replace(minio_of_ours, name=f"{minio_of_ours.name}/{next(_NUMBERS)}")


@pytest.fixture
def store(bucket: BucketOnMinio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Store]:
    """A store with little patience. Its server runs again when the test is over."""
    for name, value in bucket.variables(tmp_path / "state").items():
        monkeypatch.setenv(name, value)
    found = bucket.store(SHORT)
    yield found
    if bucket.server.is_stopped:
        bucket.server.start()


def started(run_id: str) -> RunStarted:
    return RunStarted(1.0, "F", run_id, "ada", "p", "c", ())


def new_run() -> str:
    return str(next(_NUMBERS))


def spooling(store: S3Store) -> tuple[Spooling, list[StoreError]]:
    lost: list[StoreError] = []
    return Spooling(store, lost.append), lost


def test_what_the_server_cannot_take_is_kept_and_delivered_when_it_is_back(bucket, store, tmp_path):
    keeping, lost = spooling(store)
    keeping.put("runs/F/a", b"before")
    before = keeping.blobs.put([b"before"])
    outbox = Blobs(tmp_path / "none", tmp_path / "outbox")
    of_task = outbox.put([LARGE])
    bucket.server.kill()
    keeping.put("runs/F/b", b"after")
    after = [keeping.blobs.put([b"after"]), keeping.blobs.put(iter([LARGE, b"log"]))]
    keeping.blobs.adopt(tmp_path / "outbox", of_task)
    assert not list((tmp_path / "outbox").iterdir())
    assert [type(error) for error in lost] == [Unreachable]
    bucket.server.start()
    assert not any(map(store.blobs.has, [*after, of_task]))
    delivered = deliver(store)
    assert delivered == Delivered(3, 2 * len(LARGE) + len(b"log") + len(b"after"), 1)
    assert (store.get("runs/F/a"), store.get("runs/F/b")) == (b"before", b"after")
    for blob in (before, *after, of_task):
        store.blobs.verify(blob)
    assert not spool_folder(store).exists()
    assert deliver(store) == Delivered()


def test_what_steps_have_sent_in_parts_is_taken_over_when_the_server_is_back(bucket, store):
    """It waits in the bucket; what is kept here is that it does."""
    keeping, lost = spooling(store)
    sha256, other, gone = (hash_of([value]) for value in (LARGE, b"other", b"gone"))
    for name in (sha256, other):
        store.put(f"{SENT}/{name}", LARGE)
    bucket.server.kill()
    for name in (sha256, other, gone):
        keeping.blobs.take_over(SENT, name)
    keeping.put("runs/F/e", b"kept")
    assert [type(error) for error in lost] == [Unreachable]
    bucket.server.start()
    deliver(store)
    store.blobs.verify(sha256)
    assert not store.blobs.has(other), "it holds what its name does not say"
    assert not store.blobs.has(gone), "nobody had sent it"
    assert store.get("runs/F/e") == b"kept"
    assert store.keys("outbox/") == []
    assert not spool_folder(store).exists()


def test_of_a_server_that_is_away_nobody_waits_for_another_answer(bucket, store):
    keeping, _ = spooling(store)
    bucket.server.kill()
    keeping.put("runs/F/a", b"")
    bucket.server.start()  # it would answer, but who writes has gone on without it by now
    keeping.put("runs/F/b", b"kept")
    with pytest.raises(Unreachable):
        keeping.get("runs/F/b")
    assert store.get("runs/F/b") is None
    deliver(store)
    assert store.get("runs/F/b") == b"kept"


def test_what_a_server_refuses_is_kept_as_well(bucket, store):
    """Here because its bucket is gone; it might be full, or no longer know us."""
    keeping, lost = spooling(store)
    name = store.name.removeprefix("s3://").partition("/")[0]
    client = bucket.server.client()
    for each in client.list_objects(name, recursive=True):
        client.remove_object(name, each.object_name)
    client.remove_bucket(name)
    blob = keeping.blobs.put([LARGE])
    keeping.put("runs/F/d", b"kept")
    assert len(lost) == 1
    client.make_bucket(name)
    deliver(store)
    store.blobs.verify(blob)
    assert store.get("runs/F/d") == b"kept"


def test_a_delivery_that_is_broken_off_is_begun_again(bucket, store):
    keeping, _ = spooling(store)
    bucket.server.kill()
    blob = keeping.blobs.put([LARGE])
    keeping.put("runs/F/c", b"kept")
    with pytest.raises(Unreachable):
        deliver(store)
    bucket.server.start()
    deliver(store)
    store.blobs.verify(blob)
    assert store.get("runs/F/c") == b"kept"


def test_a_spooled_blob_that_was_damaged_keeps_nothing_else_from_being_delivered(bucket, store):
    keeping, _ = spooling(store)
    bucket.server.kill()
    bad, good = keeping.blobs.put([LARGE]), keeping.blobs.put([b"good"])
    damaged = keeping.spool.blobs.path(bad)
    damaged.chmod(0o600)
    damaged.write_bytes(b"something else")
    bucket.server.start()
    (left,) = deliver(store).damaged
    assert left.read_bytes() == b"something else"
    store.blobs.verify(good)
    assert not store.blobs.has(bad)
    assert deliver(store) == Delivered()


def test_what_is_wrong_with_a_blob_is_not_the_fault_of_the_server(store, tmp_path):
    keeping, lost = spooling(store)
    (tmp_path / ("0" * 64)).write_bytes(b"not of this hash")
    with pytest.raises(DamagedBlob):
        keeping.blobs.adopt(tmp_path, "0" * 64)
    (tmp_path / ("1" * 64)).mkdir()
    with pytest.raises(StoreError):
        keeping.blobs.adopt(tmp_path, "1" * 64)
    assert not lost
    assert keeping.error is None


@pytest.mark.parametrize("flushes", [0, 1, MERGE - 1, MERGE, MERGE + 1])
def test_a_journal_is_whole_wherever_the_server_went_away(flushes, bucket, store):
    """Also in the middle of merging its segments, of which the server keeps some that nobody needs."""
    run_id = new_run()
    keeping, _ = spooling(store)
    writer = JournalWriter(keeping, "F", run_id)
    writer.append(started(run_id))
    for number in range(MERGE * 2):
        if number == flushes:
            bucket.server.kill()
        writer.append(TaskCreated(1.0, "start", str(number)))
        writer.flush()
    writer.append(RunFinished(2.0, "failed"))
    writer.close()
    bucket.server.start()
    deliver(store)
    told = history.read(store, "F", run_id)
    assert told.started == started(run_id)
    assert list(told.tasks) == [str(number) for number in range(MERGE * 2)]
    assert told.status == "failed"


def test_tags_that_a_step_asks_for_while_the_server_is_away_are_the_runs_when_it_is_back(bucket, store, tmp_path):
    run_id = new_run()
    keeping, lost = spooling(store)
    writer = JournalWriter(keeping, "F", run_id)
    writer.append(started(run_id))
    writer.flush()
    (tmp_path / "outbox").mkdir()
    run_tags.ask(tmp_path / "outbox", "F", run_id, tags.change([], ["asked"]))
    bucket.server.kill()
    assert run_tags.take_over(keeping, tmp_path / "outbox") == []
    assert [type(error) for error in lost] == [Unreachable]
    keeping.keep_asked(tmp_path / "outbox")
    writer.close()
    bucket.server.start()
    deliver(store)
    assert run_tags.read(store, started(run_id)) == {"asked"}
    assert not spool_folder(store).exists()
