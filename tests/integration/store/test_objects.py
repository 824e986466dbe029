"""Objects under their keys, in every kind of store."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from dockerflow.store.base import Store
from dockerflow.store.errors import StoreError
from tests.integration.store.kinds import Where

LONG = b"x" * 100_000


def test_the_last_object_put_under_a_key_is_the_one_that_is_there(store: Store) -> None:
    assert store.get("a/b") is None
    store.put("a/b", b"1")
    store.put("a/b", b"2", durable=True)
    assert (store.get("a/b"), store.exists("a/b"), store.exists("a")) == (b"2", True, False)
    store.delete("a/b")
    store.delete("a/b")
    assert (store.get("a/b"), store.exists("a/b")) == (None, False)


def test_what_one_has_put_another_gets(where: Where) -> None:
    where.open().put("a/b", b"1")
    assert where.open().get("a/b") == b"1"
    assert where.open().name == where.open().name


def test_keys_are_listed_by_any_prefix_and_blobs_are_no_keys(store: Store) -> None:
    for key in ("runs/F/1/x", "runs/F/12/x", "runs/G/1", "locks/a", "bl", "blobsy/x"):
        store.put(key, b"")
    store.blobs.put([b"x"])
    assert store.keys() == ["bl", "blobsy/x", "locks/a", "runs/F/1/x", "runs/F/12/x", "runs/G/1"]
    assert store.keys("runs/F/1") == ["runs/F/1/x", "runs/F/12/x"]
    assert store.keys("runs/F/1/") == ["runs/F/1/x"]
    assert store.keys("bl") == ["bl", "blobsy/x"]
    assert store.keys("nothing/") == []
    assert store.children("runs") == ["F", "G"]
    assert store.children("runs/F") == ["1", "12"]
    assert store.children("nothing") == []


def test_a_listing_tells_sizes(store: Store) -> None:
    store.put("a/b", b"123")
    store.put("a/c/d", b"")
    assert sorted(store.every("a/")) == [("a/b", 3), ("a/c/d", 0)]


def test_more_keys_than_a_server_lists_at_once_are_all_listed(store: Store) -> None:
    names = [f"a/{number:04d}" for number in range(1001)]
    store.each(lambda key: store.put(key, b""), names)
    assert store.keys("a/") == names
    store.delete(*names)
    assert store.keys("a/") == []


def test_those_that_hold_something_of_a_name_are_told_from_others(store: Store) -> None:
    for key in ("runs/F/1/journal/x", "runs/F/1/journal/y", "runs/F/2/claim", "runs/F/journal", "runs/G/3/journal/x"):
        store.put(key, b"")
    assert store.holders("runs/F", "journal") == ["1"]
    assert store.holders("runs/H", "journal") == []


@pytest.mark.parametrize("name", ["ünïcode", "a b", "a+b", "100%", "a=b", "x~y", "F,1", "a'b\"c", "x#?&y"])
def test_any_name_can_be_in_a_key(store: Store, name: str) -> None:
    store.put(f"runs/{name}/{name}", name.encode())
    assert store.get(f"runs/{name}/{name}") == name.encode()
    assert store.keys() == [f"runs/{name}/{name}"]
    assert store.children("runs") == [name]
    store.delete(f"runs/{name}/{name}")
    assert store.keys() == []


@pytest.mark.parametrize("key", ["", "/etc/passwd", "../x", "a/../b", "a//b", "a/", ".hidden", "a/.b", "a\0"])
def test_no_key_leads_out_of_the_store(store: Store, key: str) -> None:
    with pytest.raises(StoreError, match="is not a key"):
        store.put(key, b"")
    with pytest.raises(StoreError, match="is not a key"):
        store.get(key)


def test_of_several_that_put_a_new_object_one_succeeds(store: Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda number: store.put_new("key", b"%d" % number), range(32)))
    assert results.count(True) == 1
    assert store.get("key") == b"%d" % results.index(True)


def test_many_are_got_at_once_and_those_that_are_not_there_are_none(store: Store) -> None:
    for number in range(40):
        store.put(f"a/{number}", b"%d" % number)
    expected = {f"a/{number}": b"%d" % number for number in range(40)}
    assert store.get_many([*expected, "a/x"]) == {**expected, "a/x": None}
    assert store.get_many([]) == {}


def test_an_error_of_one_of_many_is_raised(store: Store) -> None:
    with pytest.raises(StoreError, match="is not a key"):
        store.get_many(["a", "../x", "b"])


@pytest.mark.parametrize(
    ("body", "first", "last"),
    [
        (b"", b"", b""),
        (b"one", b"one", b"one"),
        (b"one\n", b"one\n", b"one\n"),
        (b"one\ntwo", b"one\n", b"two"),
        (b"one\ntwo\nthree\n", b"one\n", b"three\n"),
        (b"\n\n", b"\n", b"\n"),
        (LONG, LONG, LONG),
        (LONG + b"\n" + LONG + b"\n", LONG + b"\n", LONG + b"\n"),
        (b"one\n" + LONG + b"\ntwo\n", b"one\n", b"two\n"),
        ((1 << 15) * b"x" + b"\n", (1 << 15) * b"x" + b"\n", (1 << 15) * b"x" + b"\n"),
    ],
)
def test_the_first_and_the_last_line_are_read_without_the_rest(
    store: Store, body: bytes, first: bytes, last: bytes
) -> None:
    store.put("a", body)
    assert store.first_line("a") == first
    assert store.ends("a", len(body)) == (first, last)


def test_what_is_not_there_has_no_lines(store: Store) -> None:
    assert (store.first_line("a"), store.ends("a", 3), store.ends("a", 1 << 20)) == (None, None, None)
