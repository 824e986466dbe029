"""What a client of a bucket promises: each of the two, on each of the servers."""

from __future__ import annotations

import hashlib
import threading
import time

import pytest

from dockerflow.store.errors import StoreError
from dockerflow.store.s3.objects import Objects
from dockerflow.store.s3.reading import RANGE
from tests.integration.s3.clients import ONE_PIECE, PART

MIB = 1 << 20
SIZES = [0, 1, PART - 1, PART, PART + 1, ONE_PIECE, ONE_PIECE + 1, 2 * PART, 2 * PART + 1, RANGE, RANGE + 1, 2 * RANGE]


def of_size(size: int) -> bytes:
    """Bytes of which no two pieces are the same."""
    return b"".join(number.to_bytes(4, "big") for number in range(-(-size // 4)))[:size]


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("size", SIZES)
def test_what_was_put_is_what_is_got_and_streamed(objects: Objects, size: int) -> None:
    content = of_size(size)
    objects.put_large("k", [content], size, sha256(content))
    assert objects.get("k") == content
    pieces = objects.stream("k")
    assert pieces is not None
    assert b"".join(pieces) == content
    info = objects.head("k")
    assert info is not None
    assert (info.key, info.size) == ("k", size)


def test_a_body_of_many_chunks_is_put_as_one(objects: Objects) -> None:
    chunks = [of_size(3 * MIB), b"", memoryview(of_size(4 * MIB)), bytearray(b"end")]
    content = b"".join(chunks)
    objects.put_large("k", chunks, len(content), sha256(content))
    assert objects.get("k") == content


def test_what_is_not_there_is_none(objects: Objects) -> None:
    assert objects.get("k") is None
    assert objects.get_range("k", 0, 1) is None
    assert objects.stream("k") is None
    assert objects.head("k") is None
    objects.delete(["k"])
    objects.delete(["k", "l"])


def test_a_range_ends_with_the_object(objects: Objects) -> None:
    objects.put("k", b"0123456789")
    assert objects.get_range("k", 2, 3) == b"234"
    assert objects.get_range("k", 8, 100) == b"89"
    assert objects.get_range("k", 10, 5) == b""
    objects.put("empty", b"")
    assert objects.get_range("empty", 0, 5) == b""


def test_an_object_is_replaced_as_a_whole(objects: Objects) -> None:
    assert objects.put("k", b"a long text")
    assert objects.put("k", b"short")
    assert objects.get("k") == b"short"


def test_a_new_object_is_put_only_where_there_is_none(objects: Objects) -> None:
    assert objects.put("k", b"first", new=True)
    assert not objects.put("k", b"second", new=True)
    assert objects.get("k") == b"first"


def test_of_many_that_put_a_new_object_at_once_one_does(objects: Objects) -> None:
    results: list[bool] = []
    at_once = threading.Barrier(8)

    def put(number: int) -> None:
        at_once.wait()
        results.append(objects.put("k", b"%d" % number, new=True))

    threads = [threading.Thread(target=put, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [False] * 7 + [True]


def test_the_server_knows_the_hash_of_what_it_got_in_one_piece(objects: Objects) -> None:
    objects.put("small", b"small")
    large = of_size(ONE_PIECE)
    objects.put_large("large", [large], len(large), sha256(large))
    for key, content in (("small", b"small"), ("large", large)):
        info = objects.head(key)
        assert info is not None
        assert info.sha256 == sha256(content)


def test_the_server_refuses_bytes_that_are_not_those_of_their_hash(objects: Objects) -> None:
    content = of_size(2 * MIB)
    with pytest.raises(StoreError):
        objects.put_large("k", [content], len(content), sha256(b"something else"))
    assert objects.get("k") is None


def test_a_listing_has_every_key_below_a_prefix_in_order(objects: Objects) -> None:
    for key in ("b/1", "a/2", "a/10", "a-b", "ab"):
        objects.put(key, key.encode())
    assert [found.key for found in objects.every("")] == ["a-b", "a/10", "a/2", "ab", "b/1"]
    assert [found.key for found in objects.every("a/")] == ["a/10", "a/2"]
    assert [found.key for found in objects.every("a/1")] == ["a/10"]
    assert [found.size for found in objects.every("a/")] == [4, 3]
    assert list(objects.every("nothing")) == []


def test_children_are_objects_and_what_holds_objects(objects: Objects) -> None:
    for key in ("top", "a/2", "a/10", "a/deep/er/3", "ab"):
        objects.put(key, b"")
    assert objects.children("") == ["a", "ab", "top"]
    assert objects.children("a") == ["10", "2", "deep"]
    assert objects.children("nothing") == []


def test_more_keys_than_a_page_are_listed_and_deleted(objects: Objects) -> None:
    keys = [f"many/{number:04}" for number in range(1_003)]
    failed: list[BaseException] = []

    def put(mine: list[str]) -> None:
        try:
            for key in mine:
                objects.put(key, b"")
        except BaseException as error:
            failed.append(error)
            raise

    threads = [threading.Thread(target=put, args=(keys[start::8],)) for start in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    objects.put("other", b"")
    assert [found.key for found in objects.every("many/")] == keys
    assert objects.children("many") == [key.rpartition("/")[2] for key in keys]
    objects.delete(keys)
    assert [found.key for found in objects.every("")] == ["other"]


def test_times_are_by_the_servers_clock(objects: Objects) -> None:
    before = objects.now()
    objects.put("k", b"")
    info = objects.head("k")
    assert info is not None
    listed = next(objects.every("k"))
    # Dates are in whole seconds.
    assert before - 1 <= info.modified <= objects.now() + 1
    assert abs(listed.modified - info.modified) <= 1
    assert abs(objects.now() - time.time()) < 60


def test_a_stream_that_is_left_early_does_not_spoil_the_client(objects: Objects) -> None:
    content = of_size(ONE_PIECE)
    objects.put_large("k", [content], len(content), sha256(content))
    pieces = objects.stream("k")
    assert pieces is not None
    first = next(pieces)
    del pieces
    assert content.startswith(first)
    assert objects.get("k") == content
