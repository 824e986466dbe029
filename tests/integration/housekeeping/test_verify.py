"""Whatever is damaged in a store is found, with what it hurts; and nothing else is called damaged."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from dockerflow.buckets.credentials import Identity
from dockerflow.buckets.sdk import SdkObjects
from dockerflow.housekeeping import several
from dockerflow.housekeeping import verify as verifying
from dockerflow.housekeeping.references import RunName
from dockerflow.housekeeping.verify import DAMAGED, MISSING, UNREADABLE, Fault, Seen, delete_damaged
from dockerflow.store import history, manifest, runs, uses
from dockerflow.store.base import Store
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.errors import Unreachable
from dockerflow.store.s3.place import Place
from dockerflow.store.s3.signing import Credentials
from dockerflow.store.s3_store import S3Store
from tests.integration.housekeeping.made import LARGE, Made, large, make
from tests.integration.store.kinds import Where, overwrite
from tests.object_servers import running


def name(made: Made) -> RunName:
    return RunName(made.flow, made.run_id)


def blob_of(store: Store, made: Made, what: str) -> str:
    found = uses.of_run(store, history.read(store, made.flow, made.run_id))
    return next(use.blob for use in found if use.what == what)


def verify(where: Where, *selected: Made) -> tuple[Fault, ...]:
    """As another process does, which remembers nothing of what it wrote."""
    return verifying.verify(where.open(), [name(made) for made in selected] or None).faults


def told(faults: tuple[Fault, ...]) -> list[tuple[str, str, list[tuple[str, str]]]]:
    return [(fault.kind, fault.blob, [(use.pathspec, use.what) for use in fault.uses]) for fault in faults]


def test_of_a_store_that_is_as_it_was_written_everything_was_looked_at(store: Store, where: Where) -> None:
    for made in (make(store, {"x": large("a")}, {"y": 1}), make(store, {"x": 2}, status=None)):
        assert verify(where, made) == ()
    seen: list[Seen] = []
    found = verifying.verify(where.open(), tell=seen.append)
    every = list(store.blobs.every())
    assert found == verifying.Verified(Seen(2, len(every), sum(blob.size for blob in every)), ())
    assert seen[-1] == found.seen


def test_an_empty_store_has_no_faults(where: Where) -> None:
    assert verifying.verify(where.open()) == verifying.Verified(Seen(), ())


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "a flipped bit": lambda content: bytes([content[0] ^ 1]) + content[1:],
    "cut off": lambda content: content[:-1],
    "longer": lambda content: content + b"x",
    "empty": lambda content: b"",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_value_is_told_with_all_tasks_that_have_it(store: Store, where: Where, damage: str) -> None:
    one, other = make(store, {"x": large("a")}), make(store, {"y": 1}, {"z": large("a")})
    make(store, {"x": large("b")})
    blob = blob_of(store, one, "artifact x")
    overwrite(store, blob, DAMAGES[damage](bytes(store.blobs.get(blob))))
    (fault,) = verify(where)
    assert (fault.kind, fault.blob, fault.runs) == (DAMAGED, blob, (name(other), name(one)))
    assert told((fault,))[0][2] == [(other.task(2), "artifact z"), (one.task(), "artifact x")]


@pytest.mark.parametrize("what", ["code", "lock", "parameter table", "artifact x", "log"])
def test_whatever_a_run_refers_to_may_be_missing_or_damaged(store: Store, where: Where, what: str) -> None:
    made = make(store, {"x": large("a")})
    blob = blob_of(store, made, what)
    expected = {use for use in uses.of_run(store, history.read(store, made.flow, made.run_id)) if use.blob == blob}
    overwrite(store, blob, b"other bytes")
    (damaged,) = verify(where)
    store.blobs.delete([blob])
    (gone,) = verify(where)
    assert (damaged.kind, gone.kind) == (DAMAGED, MISSING)
    assert set(damaged.uses) == set(gone.uses) == expected


@pytest.mark.parametrize("what", ["artifacts", "parameters"])
def test_a_manifest_may_be_missing_or_damaged(store: Store, where: Where, what: str) -> None:
    made = make(store, {"x": large("a")})
    blob = blob_of(store, made, what)
    overwrite(store, blob, b"other bytes")
    assert [(kind, sha256) for kind, sha256, _ in told(verify(where))] == [(DAMAGED, blob)]
    store.blobs.delete([blob])
    (fault,) = verify(where, made)
    assert (fault.kind, fault.blob, [use.what for use in fault.uses]) == (MISSING, blob, [what])


def test_a_damaged_blob_that_no_run_uses_is_told_apart(store: Store, where: Where) -> None:
    make(store, {"x": 1})
    blob = store.blobs.put([b"nobody's"])
    assert verify(where) == ()
    overwrite(store, blob, b"nobody'z")
    assert told(verify(where)) == [(DAMAGED, blob, [])]


def test_a_manifest_whose_hash_is_right_and_that_says_nothing_is_unreadable(store: Store, where: Where) -> None:
    made = make(store, {"x": 1})
    other = store.blobs.put([b"no manifest"])
    rewrite(store, made, blob_of(store, made, "artifacts"), other)
    assert told(verify(where)) == [(UNREADABLE, other, [(made.task(), "artifacts")])]


def test_a_blob_that_is_smaller_than_the_artifact_in_it_is_damaged(store: Store, where: Where) -> None:
    """A step may write whatever it likes into its manifest."""
    made = make(store, {"x": large("a")})
    blob, of_task = blob_of(store, made, "artifact x"), blob_of(store, made, "artifacts")
    (ref,) = manifest.read(store.blobs, of_task).artifacts.values()
    false = manifest.write(store.blobs, {}, {"x": replace(ref, offset=LARGE)})
    rewrite(store, made, of_task, false)
    assert told(verify(where)) == [(DAMAGED, blob, [(made.task(), "artifact x")])]


def rewrite(store: Store, made: Made, before: str, after: str) -> None:
    """Let the run's journal name another blob."""
    for key in store.keys(f"{runs.journal_key(made.flow, made.run_id)}/"):
        store.put(key, (store.get(key) or b"").replace(before.encode(), after.encode()))


@pytest.mark.parametrize("body", [b"no record\n" * 5, b"[\n"])
def test_a_damaged_journal_is_told_and_hides_no_other_fault(store: Store, where: Where, body: bytes) -> None:
    torn, whole = make(store, {"x": large("a")}), make(store, {"x": large("b")})
    for key in store.keys(f"{runs.journal_key(torn.flow, torn.run_id)}/"):
        store.put(key, body)
    overwrite(store, blob_of(store, whole, "artifact x"), b"")
    journal, value = verify(where)
    assert (journal.kind, journal.blob, journal.runs) == (UNREADABLE, "", (name(torn),))
    assert told((value,))[0][2] == [(whole.task(), "artifact x")]


def test_tags_that_cannot_be_read_are_told(store: Store, where: Where) -> None:
    made = make(store, {"x": 1}, tag="good")
    (key,) = store.keys(f"{runs.run_key(made.flow, made.run_id)}/tags/")
    store.put(key, b"{")
    (fault,) = verify(where)
    assert (fault.kind, fault.runs) == (UNREADABLE, (name(made),))
    assert key in fault.error.message


def test_of_chosen_runs_only_their_blobs_are_looked_at_and_all_that_use_them_are_told(
    store: Store, where: Where
) -> None:
    one, other, third = make(store, {"x": large("a")}), make(store, {"z": large("a")}), make(store, {"x": large("b")})
    overwrite(store, blob_of(store, third, "artifact x"), b"")
    assert verify(where, one, other) == ()
    overwrite(store, blob_of(store, one, "artifact x"), b"")
    (fault,) = verify(where, one)
    assert fault.runs == (name(other), name(one))


def test_runs_that_go_on_meanwhile_have_no_faults(store: Store, where: Where) -> None:
    """A run that is written between the look at the runs and the list of blobs, or after that."""
    make(store, {"x": 1})
    told: list[Seen] = []

    def write_more(seen: Seen) -> None:
        if len(told) < 5:
            make(store, {"x": large("abcde"[len(told)])}, status=None)
        told.append(seen)

    assert verifying.verify(where.open(), tell=write_more).faults == ()
    assert len(told) >= 5


def test_damaged_blobs_are_removed_when_that_is_asked_for_and_no_others(store: Store, where: Where) -> None:
    made = make(store, {"x": large("a")}, {"y": large("b")})
    damaged, gone = blob_of(store, made, "artifact x"), blob_of(store, made, "artifact y")
    overwrite(store, damaged, large("c", LARGE + 100))
    store.blobs.delete([gone])
    before = {blob.sha256 for blob in store.blobs.every()}
    found = verifying.verify(where.open())
    assert delete_damaged(where.open(), found) == [damaged]
    assert {blob.sha256 for blob in store.blobs.every()} == before - {damaged}
    make(where.open(), {"x": large("a")}, {"y": large("b")})
    assert verify(where) == ()


def test_one_that_was_mended_meanwhile_is_not_removed(store: Store, where: Where) -> None:
    made = make(store, {"x": large("a")})
    blob = blob_of(store, made, "artifact x")
    content = bytes(store.blobs.get(blob))
    overwrite(store, blob, b"")
    found = verifying.verify(where.open())
    overwrite(store, blob, content)
    assert delete_damaged(where.open(), found) == []
    assert verify(where) == ()


def test_a_server_that_is_away_ends_it_and_nothing_is_called_missing(tmp_path: Path) -> None:
    with running("minio", tmp_path / "data") as server:
        place = Place(server.endpoint, server.bucket(), "", server.region)
        credentials = Credentials(server.access_key, server.secret_key)
        store = S3Store(SdkObjects(place, Identity("the tests", lambda: credentials), 0.5), tmp_path)
        ahead = 2 * several.threads_for(store)  # may have been read when the first is told
        make(store, {f"x{number}": large(f"{number} ") for number in range(ahead)})

        def stop(seen: Seen) -> None:
            if seen.blobs == 1 and not server.is_stopped:
                server.kill()

        with pytest.raises(Unreachable):
            verifying.verify(store, tell=stop)


class Counting(DirectoryStore):
    """Counts how often a journal is read."""

    def __init__(self, store: DirectoryStore) -> None:
        super().__init__(store.root)
        self.journals = 0

    def get(self, key: str) -> bytes | None:
        self.journals += "/journal/" in key
        return super().get(key)


def test_runs_are_not_read_once_for_each_fault(tmp_path_factory: pytest.TempPathFactory) -> None:
    store = Counting(DirectoryStore(tmp_path_factory.mktemp("store")))
    made = [make(store, {f"x{n}": large(str(n)) for n in range(10)}) for _ in range(5)]
    for n in range(10):
        overwrite(store, blob_of(store, made[0], f"artifact x{n}"), b"")
    store.journals = 0
    assert len(verifying.verify(store).faults) == 10
    assert store.journals == 2 * len(made)


def test_a_value_larger_than_what_may_be_in_memory_is_verified(store: Store, where: Where) -> None:
    size = 64 << 20
    store.blobs.put(bytes(1 << 20) for _ in range(size >> 20))
    tracemalloc.start()
    try:
        assert verify(where) == ()
        assert tracemalloc.get_traced_memory()[1] < size // 4
    finally:
        tracemalloc.stop()
