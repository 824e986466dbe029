"""How much room runs take, and how much of it they share."""

from __future__ import annotations

import pytest

from dockerflow.housekeeping.references import RunName
from dockerflow.housekeeping.sizes import Room, Sizes, artifacts_of, sizes
from dockerflow.store import history, runs, uses
from dockerflow.store.base import Store
from dockerflow.store.errors import StoreError
from tests.integration.housekeeping.made import LARGE, Made, large, make
from tests.integration.store.kinds import Where


def name(made: Made) -> RunName:
    return RunName(made.flow, made.run_id)


def used(store: Store, *made: Made) -> set[str]:
    found = (uses.of_run(store, history.read(store, *name(each))) for each in made)
    return {use.blob for of_one in found for use in of_one}


def bytes_of(store: Store, blobs: set[str]) -> int:
    return sum(blob.size for blob in store.blobs.every() if blob.sha256 in blobs)


def objects(store: Store, made: Made) -> int:
    return sum(found.size for found in store.every(f"{runs.run_key(*name(made))}/"))


def test_of_each_run_and_flow_what_it_uses_and_what_it_alone_uses(store: Store) -> None:
    one, other = make(store, {"x": large("a")}), make(store, {"x": large("a"), "y": large("b")})
    book = make(store, {"x": large("b")}, flow="Books")
    unused = store.blobs.put([b"nobody's"])
    found = sizes(store)
    every = (one, other, book)
    assert list(found.runs) == [name(book), name(other), name(one)]
    for made in every:
        mine, theirs = used(store, made), used(store, *(each for each in every if each != made))
        assert found.runs[name(made)] == Room(
            len(mine), bytes_of(store, mine), len(mine - theirs), bytes_of(store, mine - theirs), objects(store, made)
        )
    films, books = used(store, one, other), used(store, book)
    assert found.flows["Films"] == Room(
        len(films),
        bytes_of(store, films),
        len(films - books),
        bytes_of(store, films - books),
        objects(store, one) + objects(store, other),
    )
    assert (found.unused.blobs, found.unused.size) == (1, bytes_of(store, {unused}))
    assert found.all.size == sum(blob.size for blob in store.blobs.every())
    assert found.all.objects == sum(objects(store, made) for made in every)
    assert (found.missing, found.unreadable) == (0, ())


def test_what_only_a_run_uses_is_what_is_free_without_it(store: Store, where: Where) -> None:
    kept, gone = make(store, {"x": large("a")}), make(store, {"x": large("a"), "y": large("b")})
    told, before = sizes(store).runs[name(gone)], sizes(store).all
    store.delete(*store.keys(f"{runs.run_key(*name(gone))}/"))
    after = sizes(where.open())
    assert after.unused.size == told.own_size
    store.blobs.delete(used_by_nobody(store, kept))
    free = sizes(where.open()).all
    assert before.size + before.objects - free.size - free.objects == told.free_without


def used_by_nobody(store: Store, *kept: Made) -> set[str]:
    return {blob.sha256 for blob in store.blobs.every()} - used(store, *kept)


def test_what_is_not_known_is_told(store: Store, where: Where) -> None:
    made, torn = make(store, {"x": large("a")}), make(store, {"x": large("b")})
    store.blobs.delete([next(iter(used(store, made) - used(store, torn)))])
    for key in store.keys(f"{runs.journal_key(*name(torn))}/"):
        store.put(key, b"no record\n")
    found = sizes(where.open())
    assert found.missing == 1
    assert [each.run for each in found.unreadable] == [name(torn)]
    assert found.runs[name(torn)].blobs == 0


def test_an_empty_store_takes_no_room(store: Store) -> None:
    assert sizes(store) == Sizes()


def test_artifacts_are_listed_the_largest_first_each_once(store: Store) -> None:
    made = make(store, {"x": large("a", 3 * LARGE), "y": large("b", LARGE)}, {"x": large("a", 3 * LARGE), "z": 1})
    found = artifacts_of(store, name(made))
    assert [each.pathspec for each in found] == [f"{made.task(1)}/x", f"{made.task(1)}/y", f"{made.task(2)}/z"]
    assert found[0].size > 3 * LARGE > found[1].size > LARGE > found[2].size
    assert [each.pathspec for each in artifacts_of(store, name(made), "step_1")] == [
        f"{made.task(2)}/x",
        f"{made.task(2)}/z",
    ]
    assert artifacts_of(store, name(made), "step_1", "7") == []


def test_artifacts_of_a_run_that_lost_them_are_an_error(store: Store, where: Where) -> None:
    made = make(store, {"x": large("a")})
    tasks = history.read(store, *name(made)).tasks.values()
    store.blobs.delete([str(task.result.manifest) for task in tasks if task.result])
    with pytest.raises(StoreError):
        artifacts_of(where.open(), name(made))
