"""What runs refer to, as one pass over all of them tells it."""

from __future__ import annotations

from dockerflow.housekeeping.references import Reader, RunName, every_run, of_store
from dockerflow.store import history, manifest, runs, uses
from dockerflow.store.base import Store
from tests.integration.housekeeping.made import Made, large, make
from tests.integration.store.kinds import Where, overwrite


def name(made: Made) -> RunName:
    return RunName(made.flow, made.run_id)


def manifest_of(store: Store, made: Made) -> str:
    tasks = history.read(store, made.flow, made.run_id).tasks
    return next(str(task.result.manifest) for task in tasks.values() if task.result)


def test_every_blob_of_a_store_is_referred_to_by_the_runs_that_use_it(store: Store) -> None:
    one = make(store, {"x": large("a"), "y": 1}, {"x": large("b")})
    other = make(store, {"x": large("a")}, flow="Books")
    found = of_store(store)
    assert found.runs == [name(other), name(one)]
    assert set(found.users) == {blob.sha256 for blob in store.blobs.every()}
    for run in (one, other):
        used = {use.blob for use in uses.of_run(store, history.read(store, run.flow, run.run_id))}
        assert {blob for blob, users in found.users.items() if name(run) in users} == used
    assert found.unreadable == []


def test_a_run_without_an_end_refers_to_what_it_has_written(store: Store) -> None:
    make(store, {"x": large("a")}, status=None)
    assert set(of_store(store).users) == {blob.sha256 for blob in store.blobs.every()}


def test_runs_are_told_of_newest_first_flow_by_flow(store: Store) -> None:
    made = [make(store, flow=flow, run_id=run_id) for flow, run_id in (("B", "9"), ("A", "9"), ("A", "10"))]
    assert list(every_run(store)) == [name(made[2]), name(made[1]), name(made[0])]
    assert list(every_run(store, "A")) == [name(made[2]), name(made[1])]
    assert list(every_run(store, "C")) == []


def test_a_manifest_that_is_gone_refers_to_nothing_and_is_told(store: Store, where: Where) -> None:
    made = make(store, {"x": large("a")})
    gone = manifest_of(store, made)
    store.blobs.delete([gone])
    (found,) = Reader(where.open()).of_runs([name(made)])
    assert (found.gone, found.unreadable) == ((gone,), ())
    assert gone in found.blobs


def test_what_cannot_be_read_is_told_with_the_run_that_named_it(store: Store, where: Where) -> None:
    torn, damaged, odd, whole = (make(store, {"x": large(letter)}, flow=f"F{letter}") for letter in "abcd")
    for key in store.keys(f"{runs.journal_key(torn.flow, torn.run_id)}/"):
        store.put(key, b"no record\n" * 9)
    overwrite(store, manifest_of(store, damaged), b"other bytes")
    found = of_store(where.open())
    assert [(each.run, each.blob) for each in found.unreadable] == [
        (name(torn), ""),
        (name(damaged), manifest_of(store, damaged)),
    ]
    for run in (odd, whole):
        assert set(manifest.read(store.blobs, manifest_of(store, run)).artifacts) == {"x"}
        assert name(run) in found.users[manifest_of(store, run)]


def test_a_run_read_again_tells_of_what_is_new(store: Store) -> None:
    made = make(store, {"x": large("a")}, status=None)
    reader = Reader(store)
    (before,) = reader.of_runs([name(made)])
    make(store, {"x": large("b")}, run_id="7")
    (after, new) = reader.of_runs([name(made), RunName("Films", "7")])
    assert after == before
    assert len(new.blobs - before.blobs) == 2  # a value and its manifest; it printed the same


def test_a_run_that_is_not_there_refers_to_nothing(store: Store) -> None:
    (found,) = Reader(store).of_runs([RunName("None", "1")])
    assert (found.blobs, found.gone, found.unreadable) == (frozenset(), (), ())
