"""Blobs, in every kind of store."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from dockerflow.store import pieces
from dockerflow.store.base import BlobStore, Store, hash_of
from dockerflow.store.blobs import CHECKED
from dockerflow.store.errors import DamagedBlob, MissingBlob, StoreError
from dockerflow.store.mapped import READ
from dockerflow.store.s3_blobs import MEMORABLE, ONE_REQUEST, SMALL
from tests.integration.store.kinds import Where, overwrite

# Each on the two sides of where something is done in another way.
SIZES = sorted({0, 1, *(size + more for size in (READ, SMALL, MEMORABLE, CHECKED, ONE_REQUEST) for more in (0, 1))})


def test_a_blob_is_named_by_the_sha256_of_its_bytes(blobs: BlobStore) -> None:
    sha256 = blobs.put([b"one", bytearray(b" two"), memoryview(b" three")])
    assert sha256 == hashlib.sha256(b"one two three").hexdigest() == hash_of([b"one two ", b"three"])
    assert bytes(blobs.get(sha256)) == b"one two three"
    assert blobs.written == [sha256]


@pytest.mark.parametrize("size", SIZES)
def test_what_is_got_is_what_was_put(where: Where, size: int) -> None:
    content = os.urandom(size)
    sha256 = where.open().blobs.put([content])
    blobs = where.open().blobs
    assert bytes(blobs.get(sha256)) == content
    assert bytes(blobs.get(sha256)) == content
    assert b"".join(blobs.stream(sha256)) == content
    assert (blobs.has(sha256), blobs.size(sha256)) == (True, size)
    blobs.verify(sha256)


@pytest.mark.parametrize("held", [0, 1000])
def test_what_comes_in_pieces_is_put_whole_however_much_it_is(
    blobs: BlobStore, held: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces, "HELD", held)
    content = [os.urandom(100), b"", os.urandom(SMALL), os.urandom(1000)]
    assert bytes(blobs.get(blobs.put(iter(content)))) == b"".join(content)
    assert bytes(blobs.get(blobs.put(iter(content[:1])))) == content[0]


@pytest.mark.parametrize("size", [10, READ + 1, MEMORABLE + 1])
def test_writing_to_what_was_got_leaves_the_blob_as_it_is(blobs: BlobStore, size: int) -> None:
    sha256 = blobs.put([b"x" * size])
    for _ in range(2):
        view = blobs.get(sha256)
        assert view[0] == ord("x")
        view[0] = 0
        assert view[0] == 0
    blobs.verify(sha256)


@pytest.mark.parametrize("size", [10, SMALL + 1])
def test_a_blob_that_is_there_is_kept(blobs: BlobStore, size: int) -> None:
    sha256 = blobs.put([b"x" * size])
    before = list(blobs.every())
    assert blobs.put([b"x" * size]) == sha256
    assert list(blobs.every()) == before
    assert blobs.written == [sha256] * 2


@pytest.mark.parametrize("size", [10, SMALL + 1])
def test_a_blob_of_another_size_than_its_is_mended_by_putting_it_again(where: Where, size: int) -> None:
    store = where.open()
    sha256 = store.blobs.put([b"x" * size])
    overwrite(store, sha256, b"con")
    store.blobs.put([b"x" * size])
    assert bytes(where.open().blobs.get(sha256)) == b"x" * size


def test_nothing_is_left_of_a_blob_whose_writing_fails(blobs: BlobStore) -> None:
    def chunks() -> object:
        yield b"x"
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        blobs.put(chunks())  # type: ignore[arg-type]
    assert list(blobs.every()) == []


def test_a_missing_blob_is_named(blobs: BlobStore) -> None:
    sha256 = hash_of([b"never written"])
    assert not blobs.has(sha256)
    for ask in (blobs.get, blobs.size, blobs.location, blobs.verify, lambda sha256: list(blobs.stream(sha256))):
        with pytest.raises(MissingBlob, match=sha256):
            ask(sha256)


@pytest.mark.parametrize("size", [1, CHECKED + 1])
def test_a_damaged_blob_is_found_when_streamed_and_when_verified(where: Where, size: int) -> None:
    store = where.open()
    sha256 = store.blobs.put([b"x" * size])
    overwrite(store, sha256, b"y" * size)
    with pytest.raises(DamagedBlob, match=sha256):
        store.blobs.verify(sha256)
    with pytest.raises(DamagedBlob, match=sha256):
        list(store.blobs.stream(sha256))


def test_a_small_damaged_blob_is_found_when_read(where: Where) -> None:
    store = where.open()
    sha256 = store.blobs.put([b"content"])
    overwrite(store, sha256, b"another")
    with pytest.raises(DamagedBlob, match=sha256):
        where.open().blobs.get(sha256)


@pytest.mark.parametrize("name", ["", "abc", "../" * 10 + "a" * 34, "A" * 64])
def test_what_is_no_hash_reads_nothing(blobs: BlobStore, name: str) -> None:
    for ask in (blobs.get, blobs.has, blobs.size, blobs.location, lambda name: blobs.delete([name])):
        with pytest.raises(StoreError, match="not the hash of a blob"):
            ask(name)


def test_every_blob_is_listed_in_order_with_its_size_and_time(store: Store, blobs: BlobStore) -> None:
    names = sorted(blobs.put([b"x" * size]) for size in range(30))
    store.put("runs/F/1/claim", b"")
    found = list(blobs.every())
    assert [one.sha256 for one in found] == names
    assert {one.sha256: one.size for one in found} == {hash_of([b"x" * size]): size for size in range(30)}
    assert all(one.modified > 1e9 for one in found)


def test_deleted_blobs_are_gone_and_others_stay(blobs: BlobStore) -> None:
    gone, stays = blobs.put([b"gone"]), blobs.put([b"stays"])
    assert bytes(blobs.get(gone)) == b"gone"
    blobs.delete([gone, hash_of([b"never written"])])
    assert (blobs.has(gone), blobs.has(stays)) == (False, True)
    with pytest.raises(MissingBlob):
        blobs.get(gone)
    blobs.delete([])


def test_a_blob_can_be_looked_for_where_it_is_said_to_be(store: Store, blobs: BlobStore) -> None:
    sha256 = blobs.put([b"x"])
    assert blobs.location(sha256).startswith(store.name)
    assert blobs.location(sha256).endswith(f"blobs/{sha256[:2]}/{sha256}")


# --- what containers leave in their outbox


@pytest.fixture
def outbox(tmp_path: Path) -> Path:
    folder = tmp_path / "outbox"
    folder.mkdir()
    return folder


def left(outbox: Path, content: bytes, name: bytes | None = None) -> str:
    sha256 = hash_of([content if name is None else name])
    (outbox / sha256).write_bytes(content)
    return sha256


@pytest.mark.parametrize("size", [0, 1, SMALL + 1, ONE_REQUEST + 1])
def test_an_adopted_blob_is_the_stores(blobs: BlobStore, outbox: Path, size: int) -> None:
    content = os.urandom(size)
    sha256 = left(outbox, content)
    blobs.adopt(outbox, sha256)
    assert bytes(blobs.get(sha256)) == content
    assert os.listdir(str(outbox)) == []


def test_adopting_twice_is_adopting_once(blobs: BlobStore, outbox: Path) -> None:
    sha256 = left(outbox, b"x")
    blobs.adopt(outbox, sha256)
    blobs.adopt(outbox, sha256)
    left(outbox, b"x")
    blobs.adopt(outbox, sha256)
    assert blobs.has(sha256)
    assert os.listdir(str(outbox)) == []


@pytest.mark.parametrize("size", [10, SMALL + 1])
def test_an_outbox_file_that_lies_about_its_hash_is_not_adopted(blobs: BlobStore, outbox: Path, size: int) -> None:
    """The store is shared by all flows: the false value would be read by every one that has the true value."""
    sha256 = left(outbox, b"x" * size, name=b"what it says")
    with pytest.raises(DamagedBlob, match=sha256):
        blobs.adopt(outbox, sha256)
    assert not blobs.has(sha256)


def test_a_file_that_has_a_second_name_is_not_adopted(blobs: BlobStore, outbox: Path, tmp_path: Path) -> None:
    """Whoever keeps the other name could still write to it, under the hash of what it was."""
    sha256 = left(outbox, b"x")
    os.link(outbox / sha256, tmp_path / "kept")
    with pytest.raises(DamagedBlob, match="second name"):
        blobs.adopt(outbox, sha256)
    assert not blobs.has(sha256)


def test_only_plain_files_are_adopted(blobs: BlobStore, outbox: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    names = {kind: hash_of([kind.encode()]) for kind in ("link", "pipe", "folder")}
    (outbox / names["link"]).symlink_to(tmp_path / "secret")
    os.mkfifo(outbox / names["pipe"])
    (outbox / names["folder"]).mkdir()
    for sha256 in names.values():
        with pytest.raises(StoreError):
            blobs.adopt(outbox, sha256)
        assert not blobs.has(sha256)


def test_an_announced_blob_that_is_not_there_is_named(blobs: BlobStore, outbox: Path) -> None:
    sha256 = hash_of([b"x"])
    with pytest.raises(MissingBlob, match=sha256):
        blobs.adopt(outbox, sha256)
