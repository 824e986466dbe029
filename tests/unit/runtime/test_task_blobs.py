"""What a task writes to a bucket that it may not write to: small things come along, large ones are let in, or wait."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import pytest

from dockerflow.runtime.messages import Inline
from dockerflow.runtime.task_blobs import SMALL, TOGETHER, TaskBlobs
from dockerflow.store.base import Chunk
from dockerflow.store.blobs import Blobs
from dockerflow.store.errors import AccessDenied, MissingBlob, StoreError, Unreachable

LARGE = b"l" * (SMALL + 1)


class Refusing(Blobs):
    """Those of a server that does not take what is put there."""

    error: StoreError | None = None

    def put(self, chunks: Iterable[Chunk]) -> str:
        if self.error is not None:
            list(chunks)  # as one that fails after it has sent everything
            raise self.error
        return super().put(chunks)


@pytest.fixture
def bucket(tmp_path: Path) -> Refusing:
    return Refusing(tmp_path / "bucket")


@pytest.fixture
def outbox(tmp_path: Path) -> Path:
    (tmp_path / "outbox").mkdir()
    return tmp_path / "outbox"


def hash_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_small_blobs_come_along_and_are_not_sent(bucket: Refusing, outbox: Path) -> None:
    blobs = TaskBlobs(bucket, outbox)
    for data in (b"", b"small", bytes(SMALL)):
        sha256 = blobs.put([data[:2], data[2:]])
        assert sha256 == hash_of(data)
        assert bytes(blobs.get(sha256)) == b"".join(blobs.stream(sha256)) == data
        assert (blobs.has(sha256), blobs.size(sha256)) == (True, len(data))
        assert not bucket.has(sha256)
    assert blobs.inline == tuple(Inline.of(hash_of(data), data) for data in (b"", b"small", bytes(SMALL)))
    assert blobs.written == []


def test_what_comes_along_is_limited_as_a_whole(bucket: Refusing, outbox: Path) -> None:
    blobs = TaskBlobs(bucket, outbox)
    hashes = [blobs.put([bytes([number]) * SMALL]) for number in range(TOGETHER // SMALL + 3)]
    assert sum(len(each.data) for each in blobs.inline) == TOGETHER
    assert [bucket.has(sha256) for sha256 in hashes[-3:]] == [True] * 3


def test_a_large_blob_goes_to_the_bucket_by_itself(bucket: Refusing, outbox: Path) -> None:
    blobs = TaskBlobs(bucket, outbox)
    sha256 = blobs.put([LARGE])
    assert bucket.has(sha256)
    assert blobs.inline == ()
    assert blobs.written == []
    assert list(outbox.iterdir()) == []


@pytest.mark.parametrize("error", [Unreachable("away"), AccessDenied("not signed")])
def test_what_the_bucket_does_not_take_waits_in_the_outbox(bucket: Refusing, outbox: Path, error: StoreError) -> None:
    bucket.error = error
    blobs = TaskBlobs(bucket, outbox)
    sha256 = blobs.put(iter([LARGE[:10], LARGE[10:]]))
    assert blobs.written == [sha256]
    assert (outbox / sha256).read_bytes() == bytes(blobs.get(sha256)) == LARGE
    bucket.error = None
    bucket.adopt(outbox, sha256)
    assert bucket.has(sha256)


def test_a_full_outbox_is_an_error(bucket: Refusing, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    bucket.error = Unreachable("away")
    with pytest.raises(StoreError, match="cannot write"):
        TaskBlobs(bucket, tmp_path / "file").put([LARGE])


def test_what_is_known_is_not_asked_for_and_does_not_come_back(bucket: Refusing, outbox: Path) -> None:
    blobs = TaskBlobs(bucket, outbox, [Inline.of(hash_of(b"known"), b"known"), Inline.of(hash_of(b""), b"")])
    assert bytes(blobs.get(hash_of(b"known"))) == b"known"
    assert bytes(blobs.get(hash_of(b""))) == b""
    assert blobs.inline == ()
    with pytest.raises(MissingBlob):
        blobs.get(hash_of(b"other"))


def test_what_is_got_may_be_changed_and_the_blob_is_not(bucket: Refusing, outbox: Path) -> None:
    blobs = TaskBlobs(bucket, outbox)
    sha256 = blobs.put([b"abc"])
    blobs.get(sha256)[0] = 0
    assert bytes(blobs.get(sha256)) == b"abc"
