"""`dockerflow gc` removes what it was asked to and what nobody needs, and nothing else, in every kind of store."""

from __future__ import annotations

import os
import socket
import time
import tracemalloc
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from dockerflow.buckets.sdk import SdkObjects
from dockerflow.buckets.spool import Spooling, spool_folder
from dockerflow.housekeeping import collect as collecting
from dockerflow.housekeeping import removal
from dockerflow.housekeeping.choosing import Wanted, every
from dockerflow.housekeeping.collect import DAY, KEY, collect, plan
from dockerflow.housekeeping.errors import Busy, TooSoon, Unknowable
from dockerflow.housekeeping.references import RunName
from dockerflow.housekeeping.verify import verify
from dockerflow.store import history, manifest, runs
from dockerflow.store.base import Store
from dockerflow.store.beating import LIFE
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.errors import Unreachable
from dockerflow.store.journal import JournalWriter
from dockerflow.store.records import AttemptFinished, RunFinished, RunStarted, TaskCreated, to_line
from dockerflow.store.s3_store import S3Store
from dockerflow.store.sweep import sweep
from tests.integration.housekeeping.made import Made, large, make
from tests.integration.store import kinds
from tests.integration.store.kinds import Where, age, overwrite
from tests.object_servers import Bucket, ObjectServer, running

OLD = 2 * DAY


def all_old(where: Where) -> None:
    for blob in list(where.open().blobs.every()):
        age(where, blob.sha256, OLD)


def name(made: Made) -> RunName:
    return RunName(made.flow, made.run_id)


def only(*made: Made) -> Wanted:
    return Wanted(named=frozenset(map(name, made)))


def blobs_of(store: Store) -> set[str]:
    return {blob.sha256 for blob in store.blobs.every()}


def state(store: Store) -> tuple[list[str], set[str]]:
    return store.keys(), blobs_of(store)


def require_whole(store: Store, *made: Made) -> None:
    """These runs are there, with all that they refer to, and no others."""
    assert {one.run for one in every(store)} == set(map(name, made))
    assert verify(store).faults == ()


# ---- what goes


def test_a_removed_run_takes_what_it_alone_refers_to_with_it(where: Where) -> None:
    store = where.open()
    gone = make(store, {"own": large("o"), "shared": large("s")}, tag="bad")
    stays = make(store, {"shared": large("s")})
    all_old(where)
    done = collect(where.open(), only(gone))
    assert [one.run for one in done.runs] == [name(gone)]
    assert done.amount.size > len(large("o"))
    require_whole(where.open(), stays)
    assert not [key for key in store.keys("") if gone.run_id in key]
    assert verify(where.open()).faults == ()
    assert not list(store.scratch.glob(f"runs/*/{gone.run_id}"))


def test_what_is_shown_is_what_would_go_and_nothing_is_touched(where: Where) -> None:
    store = where.open()
    gone = make(store, {"x": large("x")})
    make(store, {"x": large("y")})
    all_old(where)
    store.blobs.put([b"nobody's, and young"])
    before = state(store)
    shown = plan(where.open(), only(gone))
    assert state(where.open()) == before
    done = collect(where.open(), only(gone))
    assert (shown.amount, shown.young, shown.runs) == (done.amount, done.young, done.runs)
    assert done.young.blobs == 1
    assert len(before[1]) - len(blobs_of(where.open())) == done.amount.blobs


def test_with_nothing_asked_for_only_what_nobody_refers_to_goes(where: Where) -> None:
    store = where.open()
    made = [make(store, {"x": large("x")}, flow=flow, cut_off=["printed"]) for flow in ("A", "B", "A")]
    alone = store.blobs.put([b"nobody's"])
    all_old(where)
    young = store.blobs.put([b"nobody's, and young"])
    before = state(store)
    done = collect(where.open(), Wanted())
    assert (done.runs, done.amount.blobs, done.young.blobs) == ((), 1, 1)
    assert state(where.open()) == (before[0], before[1] - {alone})
    assert young in blobs_of(where.open())
    require_whole(where.open(), *made)


def test_the_blobs_of_a_run_that_was_made_today_go_a_day_later_or_at_once_if_that_is_asked_for(where: Where) -> None:
    store = where.open()
    made = make(store, {"x": large("x")})
    done = collect(where.open(), only(made))
    assert (done.amount.blobs, blobs_of(store)) != (0, set())
    assert done.young.blobs == len(blobs_of(where.open()))
    assert collect(where.open(), Wanted(), grace=-60).amount.blobs == done.young.blobs
    assert state(where.open()) == ([], set())


def manifest_of(store: Store, made: Made) -> str:
    """Of its first task."""
    ended = history.read(store, *name(made)).tasks["1"].result
    assert ended is not None
    assert ended.manifest is not None
    return ended.manifest


def test_a_manifest_that_is_gone_refers_to_nothing(where: Where) -> None:
    store = where.open()
    made = make(store, {"x": large("x")})
    (blob,) = (ref.blob for ref in manifest.read(store.blobs, manifest_of(store, made)).artifacts.values())
    all_old(where)
    store.blobs.delete([manifest_of(store, made)])
    assert collect(where.open(), Wanted()).amount.blobs == 1
    assert not where.open().blobs.has(blob)


def test_what_is_left_of_a_run_goes_when_it_is_old_or_named(where: Where) -> None:
    store = where.open()
    stays = make(store, {})
    old, young, named, alive = (str(int((time.time() - ago) * 1e6)) for ago in (OLD, 60, 61, OLD + 1))
    for run_id in (old, young, named, alive):
        store.put_new(f"runs/Films/{run_id}/claim", b"")
        store.put(f"runs/Films/{run_id}/tags/1.json", b"{}")
    with runs.hold(store, "Films", alive):
        done = collect(where.open(), Wanted(named=frozenset([RunName("Films", named)])))
    assert done.leftovers == tuple(RunName("Films", run_id) for run_id in sorted((old, named)))
    assert {key.split("/")[2] for key in where.open().keys("runs/")} == {young, alive, stays.run_id}


@pytest.mark.parametrize("below", ["runs", "outbox", "locks", "blobs", "gc", "other"])
def test_a_store_within_a_store_stays_as_it_is(where: Where, below: str) -> None:
    """As `s3://team/runs`, where another has chosen `s3://team`: folders of its blobs have numbers, as runs have."""
    inside = replace(where, folder=where.folder / below)
    if where.place is not None:
        inside = replace(inside, place=replace(where.place, prefix=where.place.in_bucket(below)))
    store = inside.open()
    make(store, {"x": large("x")}, {"y": large("y")})
    for number in range(60):
        store.blobs.put([bytes([number])])
    assert any(blob.sha256[:2].isdigit() for blob in store.blobs.every())
    before = state(store)
    collect(where.open(), Wanted())
    sweep(where.open(), waiting=-OLD)
    assert state(inside.open()) == before


# ---- what stays, whatever is asked for


def test_a_run_that_goes_on_stays_and_so_does_the_run_that_it_resumes(where: Where) -> None:
    store = where.open()
    origin, other = make(store, {"x": large("o")}, status="failed"), make(store, {"x": large("x")})
    resumed = runs.new_run_id(store, "Films")
    with runs.hold(store, "Films", resumed):
        journal, code = JournalWriter(store, "Films", resumed), store.blobs.put([b"code"])
        journal.append(RunStarted(1.0, "Films", resumed, "anna", "", code, (), origin_run_id=origin.run_id))
        journal.flush()
        all_old(where)
        done = collect(where.open(), Wanted(keep=0))
        assert [one.run for one in done.runs] == [name(other)]
        assert {run for run, _ in done.kept} == {name(origin), RunName("Films", resumed)}
        require_whole(where.open(), origin, Made("Films", resumed))
        journal.append(RunFinished(2.0, "succeeded"))
        journal.close()
    assert {one.run for one in collect(where.open(), Wanted(keep=0)).runs} == {
        name(origin),
        RunName("Films", resumed),
    }


def test_a_run_whose_scheduler_is_about_to_end_stays(where: Where) -> None:
    """It has written how the run ended, and goes on to put its journal into one piece."""
    made = make(where.open(), {"x": large("x")})
    all_old(where)
    with runs.hold(where.open(), *name(made)):
        done = collect(where.open(), only(made))
    assert (done.runs, done.kept) == ((), ((name(made), "it still runs"),))
    require_whole(where.open(), made)


def test_a_run_that_waits_on_this_machine_stays_with_all_that_its_records_there_refer_to(where: Where) -> None:
    store = where.open()
    if isinstance(store, DirectoryStore):
        assert plan(store, Wanted()).kept == ()  # nothing waits beside a folder
        return
    made, alone = make(store, {}, status=None), store.blobs.put([b"nobody's"])
    spooling = Spooling(store, lambda error: None)
    written = manifest.write(spooling.spool.blobs, {"x": large("k")}, {})
    (known,) = (ref.blob for ref in manifest.read(spooling.spool.blobs, written).artifacts.values())
    store.blobs.put([spooling.spool.blobs.get(known)])  # the server had it when it was computed
    spooling.spool.blobs.delete([known])
    for number, record in enumerate(
        [TaskCreated(1.0, "step_0", "9"), AttemptFinished(1.0, "step_0", "9", 0, ok=True, final=True, manifest=written)]
    ):
        _append(spooling, made, number, record)
    all_old(where)
    done = collect(where.open(), only(made))
    assert (done.runs, [run for run, _ in done.kept]) == ((), [name(made)])
    assert where.open().blobs.has(known)
    assert not where.open().blobs.has(alone)
    with pytest.raises(TooSoon, match="waits on this machine"):
        collect(where.open(), Wanted(), grace=0)
    assert spool_folder(store).is_dir()


def _append(spooling: Spooling, made: Made, number: int, record: object) -> None:
    """As its scheduler does when the server has gone away."""
    start = len(journal_lines(spooling.direct, made)) + number
    key = f"{runs.journal_key(*name(made))}/{start:010d}-{start:010d}.jsonl"
    spooling.spool.put(key, f"{to_line(record)}\n".encode())  # type: ignore[arg-type]


def journal_lines(store: Store, made: Made) -> list[bytes]:
    folder = runs.journal_key(*name(made))
    return [line for key in store.keys(f"{folder}/") for line in (store.get(key) or b"").splitlines()]


def test_less_than_a_day_is_refused_while_a_run_goes_on(where: Where) -> None:
    store = where.open()
    made = make(store, {}, status=None)
    alone = store.blobs.put([b"nobody's"])
    with runs.hold(store, *name(made)), pytest.raises(TooSoon, match=f"`{made.pathspec}` goes on"):
        collect(where.open(), Wanted(), grace=DAY - 1)
    assert where.open().blobs.has(alone)


# ---- what cannot be known


def tear(store: Store, made: Made) -> None:
    (key,) = store.keys(f"{runs.journal_key(*name(made))}/")
    store.put(key, b"no record\n" * 3)


def test_nothing_is_deleted_while_a_journal_cannot_be_read_until_its_run_may_go(where: Where) -> None:
    store = where.open()
    torn, whole = make(store, {"x": large("x")}), make(store, {"y": large("y")}, flow="Other")
    store.blobs.put([b"nobody's"])
    all_old(where)
    tear(store, torn)
    before = state(store)
    for asked in (Wanted(), only(whole), Wanted(flow="Other")):
        with pytest.raises(Unknowable, match=f"`{torn.pathspec}`.*its journal cannot be read") as refused:
            collect(where.open(), asked)
        assert f"dockerflow gc {torn.pathspec} --delete" in (refused.value.hint or "")
    assert state(where.open()) == before
    assert [one.run for one in collect(where.open(), only(torn)).runs] == [name(torn)]
    require_whole(where.open(), whole)


def test_a_run_whose_tags_cannot_be_read_may_have_the_tag_that_keeps_runs(where: Where) -> None:
    store = where.open()
    dear, gone = make(store, {"x": large("x")}, tag="dear"), make(store, {"x": large("y")})
    all_old(where)
    store.put(f"{runs.run_key(*name(dear))}/tags/1.json", b"no tags")
    done = collect(where.open(), Wanted(keep_tags=frozenset(["dear"])))
    assert [one.run for one in done.runs] == [name(gone)]
    assert history.read(store, *name(dear)).status == "succeeded"


def test_nothing_is_deleted_while_a_manifest_cannot_be_read(where: Where) -> None:
    store = where.open()
    torn = make(store, {"x": large("x"), "small": 1})
    store.blobs.put([b"nobody's"])
    all_old(where)
    overwrite(store, manifest_of(store, torn), b"something else")
    before = state(where.open())
    with pytest.raises(Unknowable, match=f"`{manifest_of(store, torn)}`.*lists artifacts"):
        collect(where.open(), Wanted())
    assert state(where.open()) == before


def test_nothing_is_deleted_of_what_a_newer_dockerflow_has_written(where: Where) -> None:
    store = where.open()
    run_id = runs.new_run_id(store, "Films")
    journal, code = JournalWriter(store, "Films", run_id), store.blobs.put([b"code"])
    journal.append(RunStarted(1.0, "Films", run_id, "anna", "", code, (), version="999.1"))
    journal.append(RunFinished(2.0, "succeeded"))
    journal.close()
    alone = store.blobs.put([b"nobody's"])
    all_old(where)
    with pytest.raises(Unknowable, match=r"dockerflow 999\.1"):
        collect(where.open(), Wanted())
    assert where.open().blobs.has(alone)
    collect(where.open(), Wanted(named=frozenset([RunName("Films", run_id)])))
    assert state(where.open()) == ([], set())


@pytest.mark.parametrize("requests", [3, 8, 15, 25, 40])
def test_a_server_that_goes_away_in_the_middle_costs_no_blob_that_a_run_needs(requests: int, tmp_path: Path) -> None:
    with running("minio", tmp_path / "minio") as server:
        found = kinds.store_of("minio", tmp_path / "scratch", kinds_bucket(server))
        store = found.open()
        assert isinstance(store, S3Store)
        assert isinstance(store.objects, SdkObjects)
        made = [make(store, {"x": large(letter)}) for letter in "abc"]
        all_old(found)
        cut = S3Store(SdkObjects(store.objects.place, store.objects.identity, patience=0.2), tmp_path / "scratch")
        killed = _count(cut.objects, requests, server.kill)  # type: ignore[arg-type]
        with suppress(Unreachable):
            collect(cut, only(made[0]))
        if killed():
            server.start()
        require = {name(each) for each in made[1:]}
        assert {one.run for one in every(found.open()) if one.status == "succeeded"} >= require
        assert verify(found.open(), sorted(require)).faults == ()


def kinds_bucket(server: ObjectServer) -> Bucket:
    return Bucket(server, server.bucket())


def _count(objects: SdkObjects, requests: int, then: Callable[[], None]) -> Callable[[], bool]:
    """Do something before so many requests; what is returned tells whether it was done."""
    link, left = objects.link, [requests]

    def counted(asked: Callable[..., object]) -> Callable[..., object]:
        def ask(attempt: Callable[[], object]) -> object:
            left[0] -= 1
            if left[0] == 0:
                then()
            return asked(attempt)

        return ask

    link.asked, link.asked_once = counted(link.asked), counted(link.asked_once)  # type: ignore[method-assign, assignment]
    return lambda: left[0] <= 0


# ---- cut off, and at the same time


class CutOff(Exception):
    """In place of a kill."""


@pytest.mark.parametrize("deletions", range(6))
def test_a_removal_that_is_cut_off_leaves_no_run_that_seems_whole_and_the_next_one_finds_the_rest(
    where: Where, deletions: int
) -> None:
    store = where.open()
    gone = make(store, {"x": large("x")}, status=None, cut_off=["printed"], tag="t")
    stays = make(store, {"x": large("x")})
    cut, left = where.open(), [deletions]

    def counted(*keys: str) -> None:
        delete(cut, *keys[: len(keys) // 2] if left[0] == 0 else keys)
        left[0] -= 1
        if left[0] < 0:
            raise CutOff

    delete = type(cut).delete
    cut.delete = counted  # type: ignore[method-assign]
    with pytest.raises(CutOff):
        removal.remove(cut, name(gone))
    assert {one.run: one.status for one in every(where.open())}.get(name(gone)) in (None, "killed")
    assert verify(where.open(), [name(stays)]).faults == ()
    collect(where.open(), only(gone) if gone.run_id in where.open().children("runs/Films") else Wanted())
    assert where.open().children("runs/Films") == [stays.run_id]
    assert not [key for key in where.open().keys("") if gone.run_id in key]


def test_a_run_that_writes_while_blobs_are_listed_keeps_what_it_refers_to(where: Where) -> None:
    """It has put its blobs long ago, and its journal tells of them only now."""
    store = where.open()
    writer_id = runs.new_run_id(store, "Films")
    with runs.hold(store, "Films", writer_id):
        journal, code = JournalWriter(store, "Films", writer_id), store.blobs.put([b"code"])
        journal.append(RunStarted(1.0, "Films", writer_id, "anna", "", code, ()))
        journal.flush()
        written = manifest.write(store.blobs, {"x": large("x")}, {})
        alone = store.blobs.put([b"nobody's"])
        all_old(where)
        collecting_store = where.open()
        listing = collecting_store.blobs.every

        def meanwhile() -> Iterable[object]:
            journal.append(TaskCreated(1.0, "start", "1"))
            journal.append(AttemptFinished(1.0, "start", "1", 0, ok=True, final=True, manifest=written))
            journal.flush()
            return listing()

        collecting_store.blobs.every = meanwhile  # type: ignore[method-assign, assignment]
        collect(collecting_store, Wanted())
        require_whole(where.open(), Made("Films", writer_id))
        assert not where.open().blobs.has(alone)


def test_a_run_that_begins_right_before_the_deletion_has_what_it_puts_and_what_it_keeps(where: Where) -> None:
    store = where.open()
    contents = [large(letter) for letter in "abc"]
    hashes = [store.blobs.put([content]) for content in contents]
    all_old(where)
    collecting_store = where.open()
    delete = collecting_store.blobs.delete_untouched

    def meanwhile(doomed: Iterable[str], since: float) -> list[str]:
        where.open().blobs.put([contents[0]])
        assert where.open().blobs.keep(hashes[1])
        return delete(doomed, since)

    collecting_store.blobs.delete_untouched = meanwhile  # type: ignore[method-assign]
    assert collect(collecting_store, Wanted()).amount.blobs == 1
    assert blobs_of(where.open()) == set(hashes[:2])


def test_only_one_collects_at_a_time_and_it_is_said_who(where: Where) -> None:
    with where.open().hold(KEY), pytest.raises(Busy, match=socket.gethostname()):
        collect(where.open(), Wanted())
    assert collect(where.open(), Wanted()).amount.blobs == 0
    assert plan(where.open(), Wanted()).is_empty


def test_who_was_killed_does_not_keep_others_from_collecting(where: Where) -> None:
    store = where.open()
    store.put(KEY, socket.gethostname().encode())
    if isinstance(store, S3Store):
        store._life = -60.0
    assert collect(store, Wanted()).amount.blobs == 0


def test_who_was_killed_on_another_machine_that_shares_a_folder_keeps_others_from_collecting_for_a_while(
    tmp_path: Path,
) -> None:
    store = DirectoryStore(tmp_path / "store")
    store.put(KEY, b"elsewhere")
    with pytest.raises(Busy, match="`elsewhere`"):
        collect(store, Wanted())
    last_sign_of_life = time.time() - LIFE - 1
    os.utime(store.root / KEY, (last_sign_of_life, last_sign_of_life))
    assert collect(store, Wanted()).amount.blobs == 0


def test_many_runs_and_blobs_are_gone_through_without_keeping_them(tmp_path: Path) -> None:
    """Of runs that stay, what they refer to is remembered, and of other blobs, their hashes; never their bytes."""
    store = kinds.store_of(kinds.DIRECTORY, tmp_path / ".dockerflow", None).open()
    for number in range(60):
        make(store, {f"x{count}": large(chr(97 + number % 26), 150_000 + count) for count in range(5)})
    tracemalloc.start()
    try:
        collect(store, Wanted(keep=30), grace=-60)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 << 20  # of 45 MB; some of it when a table of the interpreter itself grows
    assert len(every(store)) == 30
    assert verify(store).faults == ()


def test_the_batches_in_which_blobs_are_deleted_make_no_difference(
    where: Where, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collecting, "BATCH", 3)
    store = where.open()
    every_blob = [store.blobs.put([bytes([number])]) for number in range(10)]
    assert collect(where.open(), Wanted(), grace=-60).amount.blobs == len(every_blob)
    assert blobs_of(where.open()) == set()
