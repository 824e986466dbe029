"""What somebody is about to refer to is young, in every kind of store, and what is young is not deleted."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from dockerflow.buckets.sdk import SdkObjects
from dockerflow.store import condemned, doomed
from dockerflow.store.base import YOUNG, BlobStore, Store, hash_of
from dockerflow.store.blobs import Blobs
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.errors import MissingBlob
from dockerflow.store.s3.objects import ObjectInfo
from dockerflow.store.s3_blobs import ONE_REQUEST, SMALL, S3Blobs
from dockerflow.store.s3_store import S3Store
from dockerflow.store.sweep import sweep
from tests.integration.store import kinds
from tests.integration.store.kinds import Where, age

OLD = 2 * YOUNG


def age_of(blobs: BlobStore, sha256: str) -> float:
    return blobs.now() - next(found.modified for found in blobs.every() if found.sha256 == sha256)


def put_old(where: Where, content: bytes = b"old", seconds: float = OLD) -> str:
    sha256 = where.open().blobs.put([content])
    age(where, sha256, seconds)
    assert age_of(where.open().blobs, sha256) > seconds - 60
    return sha256


def left(outbox: Path, content: bytes) -> str:
    outbox.mkdir(exist_ok=True)
    (outbox / hash_of([content])).write_bytes(content)
    os.utime(outbox / hash_of([content]), (1, 1))  # its writer says what it likes
    return hash_of([content])


@pytest.mark.parametrize("size", [10, SMALL + 1, ONE_REQUEST + 1])
def test_an_old_blob_that_is_put_again_is_young(where: Where, size: int) -> None:
    sha256 = put_old(where, b"x" * size)
    where.open().blobs.put([b"x" * size])
    assert age_of(where.open().blobs, sha256) < YOUNG


@pytest.mark.parametrize("size", [10, SMALL + 1])
def test_a_young_blob_is_not_put_again(where: Where, size: int) -> None:
    sha256 = put_old(where, b"x" * size, YOUNG / 2)
    where.open().blobs.put([b"x" * size])
    assert where.open().blobs.keep(sha256)
    assert age_of(where.open().blobs, sha256) > YOUNG / 2 - 60


@pytest.mark.parametrize("size", [10, SMALL + 1])
def test_an_old_blob_that_is_adopted_again_is_young(where: Where, tmp_path: Path, size: int) -> None:
    sha256 = put_old(where, b"x" * size)
    where.open().blobs.adopt(tmp_path / "outbox", left(tmp_path / "outbox", b"x" * size))
    assert age_of(where.open().blobs, sha256) < YOUNG
    assert os.listdir(tmp_path / "outbox") == []


def test_an_adopted_blob_is_young_whatever_time_its_writer_gave_it(where: Where, tmp_path: Path) -> None:
    blobs = where.open().blobs
    blobs.adopt(tmp_path / "outbox", left(tmp_path / "outbox", b"x"))
    assert age_of(blobs, hash_of([b"x"])) < YOUNG


@pytest.mark.parametrize("size", [0, 10, SMALL + 1])
def test_an_old_blob_that_is_kept_is_young_and_the_same(where: Where, size: int) -> None:
    sha256 = put_old(where, b"x" * size)
    assert where.open().blobs.keep(sha256)
    assert age_of(where.open().blobs, sha256) < YOUNG
    assert bytes(where.open().blobs.get(sha256)) == b"x" * size


def test_what_is_not_there_is_not_kept(blobs: BlobStore) -> None:
    assert not blobs.keep(hash_of([b"never written"]))


def test_what_a_container_finds_old_it_leaves_in_its_outbox_so_that_it_cannot_be_missing(tmp_path: Path) -> None:
    """The folder with the blobs cannot be written there, and the file may be deleted before it is adopted."""
    home, outbox = tmp_path / "blobs", tmp_path / "outbox"
    outbox.mkdir()
    old, young = Blobs(home).put([b"old"]), Blobs(home).put([b"young"])
    os.utime(home / old[:2] / old, (1, 1))
    inside = Blobs(home, outbox)
    assert [inside.put([b"old"]), inside.put([b"young"])] == inside.written
    assert os.listdir(outbox) == [old]
    (home / old[:2] / old).unlink()
    for sha256 in inside.written:
        Blobs(home).adopt(outbox, sha256)
    assert bytes(Blobs(home).get(old)) == b"old"
    assert bytes(Blobs(home).get(young)) == b"young"


def test_only_what_is_old_is_deleted_and_it_is_said_what(where: Where) -> None:
    blobs = where.open().blobs
    every = [blobs.put([bytes([number])]) for number in range(30)]
    for sha256 in every[:20]:
        age(where, sha256, OLD)
    blobs.put([bytes([3])])
    gone = blobs.delete_untouched([*every, hash_of([b"never written"])], blobs.now() - YOUNG)
    assert sorted(gone) == sorted({*every[:20]} - {every[3]})
    assert {found.sha256 for found in blobs.every()} == {*every} - {*gone}
    with pytest.raises(MissingBlob):
        blobs.get(gone[0])
    assert blobs.delete_untouched([], blobs.now()) == []


def test_where_many_blobs_are_deleted_folders_are_looked_at_and_not_each_blob(where: Where) -> None:
    """Many in one folder: their hashes begin with the same digits."""
    blobs = where.open().blobs
    contents = [content for content in (str(n).encode() for n in range(6000)) if hash_of([content])[:2] == "ab"][:12]
    every = [blobs.put([content]) for content in contents]
    for sha256 in every[:10]:
        age(where, sha256, OLD)
    assert sorted(blobs.delete_untouched(every, blobs.now() - YOUNG)) == sorted(every[:10])
    assert {found.sha256 for found in blobs.every()} == {*every[10:]}


# ---- in a folder: renamed, looked at, and given back


@pytest.fixture
def folder(tmp_path: Path) -> DirectoryStore:
    return kinds.store_of(kinds.DIRECTORY, tmp_path / ".dockerflow", None).open()  # type: ignore[return-value]


def renamed(store: DirectoryStore, sha256: str) -> Path:
    """As it is for a moment while the blob is deleted, and for longer if that is killed."""
    target = store.blobs.root / f".doomed-{sha256}-{'0' * 32}"
    store.blobs.path(sha256).rename(target)
    return target


def test_what_a_killed_deletion_has_renamed_gets_its_name_back(folder: DirectoryStore) -> None:
    sha256 = folder.blobs.put([b"x"])
    left = renamed(folder, sha256)
    assert not folder.blobs.keep(sha256)
    sweep(folder)
    assert bytes(folder.blobs.get(sha256)) == b"x"
    assert not left.exists()


def test_a_file_that_gets_its_name_back_replaces_none_that_is_younger(folder: DirectoryStore) -> None:
    sha256 = folder.blobs.put([b"x"])
    os.utime(folder.blobs.path(sha256), (1, 1))
    left = renamed(folder, sha256)
    folder.blobs.put([b"x"])
    doomed.restore_all(folder.blobs.root)
    assert not left.exists()
    assert age_of(folder.blobs, sha256) < YOUNG


def test_a_blob_that_is_adopted_while_it_is_deleted_is_there_afterwards(folder: DirectoryStore, tmp_path: Path) -> None:
    """Many times, by two threads that meet as they like: who has adopted it finds it there whenever it looks."""
    outbox, over = tmp_path / "outbox", threading.Event()
    sha256 = folder.blobs.put([b"x"])

    def delete() -> None:
        blobs = DirectoryStore(folder.root).blobs
        while not over.is_set():
            blobs.delete_untouched([sha256], blobs.now() - YOUNG)

    deleting = threading.Thread(target=delete)
    deleting.start()
    try:
        for _ in range(500):
            folder.blobs.adopt(outbox, left(outbox, b"x"))
            assert any(folder.blobs.has(sha256) for _ in range(100_000))  # it may be about to get its name back
            os.utime(folder.blobs.path(sha256), (1, 1))
    finally:
        over.set()
        deleting.join()


# ---- in a bucket: said before, and waited for


class Meeting(SdkObjects):
    """Somebody else does something right before anything is deleted: after its age was seen, before it is gone."""

    meanwhile: object = None

    def delete(self, keys: Iterable[str], once: bool = False) -> None:
        found = list(keys)
        if callable(self.meanwhile) and not found[0].startswith(condemned.FOLDER):
            self.meanwhile()
        super().delete(found, once)


class Seen(SdkObjects):
    """Tells when it has listed what is being deleted."""

    def __init__(self, *given: object) -> None:
        super().__init__(*given)  # type: ignore[arg-type]
        self.looked = threading.Event()

    def every(self, prefix: str) -> Iterable[ObjectInfo]:  # type: ignore[override]
        found = list(super().every(prefix))
        if prefix.startswith(condemned.FOLDER) and found:
            self.looked.set()
        return iter(found)


@pytest.fixture(params=["minio", "versitygw"])
def bucket(request: pytest.FixtureRequest, tmp_path: Path) -> Where:
    return kinds.store_of(request.param, tmp_path, request.getfixturevalue(f"{request.param}_bucket"))


def client(where: Where, kind: type[SdkObjects]) -> SdkObjects:
    store = where.open()
    assert isinstance(store, S3Store)
    assert isinstance(store.objects, SdkObjects)
    return kind(store.objects.place, store.objects.identity)


@pytest.mark.parametrize("way", ["put", "keep"])
def test_a_blob_that_is_asked_for_between_the_look_and_the_deletion_is_put_again_or_not_kept(
    bucket: Where, way: str
) -> None:
    sha256 = put_old(bucket)
    deleting, asking = client(bucket, Meeting), client(bucket, Seen)
    assert isinstance(deleting, Meeting)
    assert isinstance(asking, Seen)
    kept: list[object] = []
    blobs = S3Blobs(asking)
    ask = {"put": lambda: kept.append(blobs.put([b"old"])), "keep": lambda: kept.append(blobs.keep(sha256))}[way]
    thread = threading.Thread(target=ask)

    def meanwhile() -> None:
        thread.start()
        assert asking.looked.wait(60)

    deleting.meanwhile = meanwhile
    assert S3Blobs(deleting).delete_untouched([sha256], asking.now() - YOUNG) == [sha256]
    thread.join()
    there = bucket.open().blobs.has(sha256)
    assert (kept, there) == (([sha256], True) if way == "put" else ([False], False))


def test_what_a_killed_deletion_has_said_counts_no_longer_after_a_while(
    bucket: Where, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects = client(bucket, SdkObjects)
    sha256 = put_old(bucket)
    objects.put(f"{condemned.FOLDER}/x", f'["{sha256}"]'.encode())
    monkeypatch.setattr(condemned, "LIFE", -60.0)
    assert S3Blobs(objects).put([b"old"]) == sha256
    condemned.forget(objects)
    assert list(objects.every(condemned.FOLDER)) == []


class Lost(SdkObjects):
    """The answer to the first deletion of blobs is lost, and something happens before it is made again."""

    meanwhile: Callable[[], object] | None = None

    def _delete(self, names: list[str]) -> None:
        super()._delete(names)
        if self.meanwhile is not None and condemned.FOLDER not in names[0]:
            meanwhile, self.meanwhile = self.meanwhile, None
            meanwhile()
            raise ConnectionResetError


def test_a_deletion_whose_answer_was_lost_takes_nothing_that_was_put_since(bucket: Where) -> None:
    every = [put_old(bucket, content) for content in (b"old", b"older", b"oldest")]
    deleting = client(bucket, Lost)
    assert isinstance(deleting, Lost)
    deleting.meanwhile = lambda: bucket.open().blobs.put([b"old"])
    assert every[0] not in S3Blobs(deleting).delete_untouched(every, deleting.now() - YOUNG)
    assert deleting.meanwhile is None
    assert [bucket.open().blobs.has(sha256) for sha256 in every] == [True, False, False]


def test_who_finds_a_blob_old_waits_while_nobody_knows_whether_it_was_deleted(bucket: Where) -> None:
    """A deletion that was broken off may still be under way."""
    sha256, deleting = put_old(bucket), client(bucket, Meeting)
    assert isinstance(deleting, Meeting)

    def interrupted() -> None:
        raise KeyboardInterrupt

    deleting.meanwhile = interrupted
    with pytest.raises(KeyboardInterrupt):
        S3Blobs(deleting).delete_untouched([sha256], deleting.now() - YOUNG)
    assert [found.key for found in deleting.every(condemned.FOLDER)] != []


def test_what_is_being_deleted_is_said_as_long_as_it_is(store: Store) -> None:
    sha256 = store.blobs.put([b"x"])
    assert store.blobs.delete_untouched([sha256], store.blobs.now() + 60) == [sha256]
    assert isinstance(store, DirectoryStore) or list(store.objects.every("blobs/")) == []  # type: ignore[attr-defined]
