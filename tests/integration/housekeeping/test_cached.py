"""What runs have left for others goes with them, and comes along where they are copied."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockerflow.caching import entries
from dockerflow.caching.entries import Entry, Latest
from dockerflow.caching.key import Key, Part
from dockerflow.housekeeping import copy as copying
from dockerflow.housekeeping.choosing import Wanted
from dockerflow.housekeeping.collect import DAY, collect
from dockerflow.housekeeping.references import RunName
from dockerflow.housekeeping.verify import verify
from dockerflow.store import history
from dockerflow.store.base import Store
from tests.integration.housekeeping.made import Made, make
from tests.integration.store import kinds
from tests.integration.store.kinds import Where, age


@pytest.fixture(params=[kinds.DIRECTORY, "minio"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Where:
    bucket = None if request.param == kinds.DIRECTORY else request.getfixturevalue("minio_bucket")
    return kinds.store_of(request.param, tmp_path / "store", bucket)


def key(flow: str = "Films") -> Key:
    return Key(flow, "step_0", "alone", (Part("code", {"step_0()": "1"}),))


def leave(store: Store, made: Made) -> None:
    """As the run would have."""
    result = history.read(store, made.flow, made.run_id).tasks["1"].result
    assert result is not None
    entries.put(store, key(made.flow), Entry(made.run_id, result, {"rate": "5"}))
    entries.remember(store, key(made.flow), Latest(made.run_id, key(made.flow).parts, {"rate": "5"}, {}))


def left(store: Store, flow: str = "Films") -> list[str]:
    return [name.run_id for names in entries.by_names(store, key(flow)) for name in names]


def test_a_removed_run_takes_what_it_has_left_along_and_no_more(where: Where) -> None:
    store = where.open()
    gone, stays = make(store, {"x": 1}), make(store, {"x": 2})
    for made in (gone, stays):
        leave(store, made)
    for blob in list(store.blobs.every()):
        age(where, blob.sha256, 2 * DAY)
    collect(where.open(), Wanted(named=frozenset({RunName(gone.flow, gone.run_id)})))
    assert left(store) == [stays.run_id]
    assert entries.latest(store, key()) is not None
    assert verify(store).faults == ()


def test_of_a_flow_without_runs_nothing_is_left(where: Where) -> None:
    store = where.open()
    gone, other = make(store, {"x": 1}), make(store, {"x": 1}, flow="Books")
    for made in (gone, other):
        leave(store, made)
    store.put("cache/Films/step_0/some thing else", b"of a later version")
    collect(where.open(), Wanted(named=frozenset({RunName(gone.flow, gone.run_id)})))
    assert store.keys("cache/Films/") == []
    assert left(store, "Books") == [other.run_id]


def test_a_copied_run_brings_what_it_has_left_and_others_do_not(where: Where, tmp_path: Path) -> None:
    store, target = where.open(), kinds.store_of(kinds.DIRECTORY, tmp_path / "target", None).open()
    taken, not_taken = make(store, {"x": 1}), make(store, {"x": 2})
    for made in (taken, not_taken):
        leave(store, made)
    copying.copy(store, target, copying.Wanted([RunName(taken.flow, taken.run_id)]))
    assert left(target) == [taken.run_id]
    (found,) = [
        entry for names in entries.by_names(target, key()) for entry in entries.matching(target, names, {"rate": "5"})
    ]
    assert target.blobs.has(found.result.manifest or "")
