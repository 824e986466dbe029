"""Runs are copied whole or not at all, from any kind of store to any other."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import replace
from typing import NamedTuple

import pytest

from dockerflow.housekeeping import copy as copying
from dockerflow.housekeeping import verify as verifying
from dockerflow.housekeeping.copy import Copied, Wanted
from dockerflow.housekeeping.references import RunName, every_run
from dockerflow.store import history, journal, log, manifest, overview, run_tags, runs, tags, uses
from dockerflow.store.base import Store
from dockerflow.store.errors import DamagedBlob, MissingBlob, StoreError
from dockerflow.store.journal import JournalWriter
from dockerflow.store.records import AttemptFinished, RunFinished, RunStarted, TaskCreated, to_line
from tests.integration.housekeeping.made import Made, large, make
from tests.integration.store import kinds
from tests.integration.store.kinds import Where, overwrite

DIRECTIONS = (
    ("directory", "directory"),
    ("directory", "minio"),
    ("minio", "directory"),
    ("minio", "versitygw"),
    ("versitygw", "directory"),
)


class Pair(NamedTuple):
    """A store with runs, and an empty one."""

    source: Where
    target: Where

    def copy(self, *selected: Made, dry_run: bool = False) -> Copied:
        """As a command does, which remembers nothing of an earlier one."""
        wanted = Wanted([name(made) for made in selected] or None, dry_run)
        return copying.copy(self.source.open(), self.target.open(), wanted)


@pytest.fixture(params=DIRECTIONS, ids="-".join)
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    def where(kind: str, prefix: str) -> Where:
        server = kinds.BUCKETS.get(kind)
        bucket = request.getfixturevalue(f"{server}_bucket") if server else None
        made = kinds.store_of(kind, tmp_path_factory.mktemp("store") / ".dockerflow", bucket)
        return replace(made, place=made.place and replace(made.place, prefix=prefix))

    return Pair(where(request.param[0], "source"), where(request.param[1], "target/below"))


@pytest.fixture
def source(pair: Pair) -> Store:
    return pair.source.open()


@pytest.fixture
def target(pair: Pair) -> Store:
    return pair.target.open()


def name(made: Made) -> RunName:
    return RunName(made.flow, made.run_id)


def contents(store: Store) -> dict[str, bytes]:
    """All that is in a store."""
    blobs = {blob.sha256: bytes(store.blobs.get(blob.sha256)) for blob in store.blobs.every()}
    return {**blobs, **{key: store.get(key) or b"" for key in store.keys("")}}


def text(store: Store, made: Made) -> bytes:
    return journal.text(store, made.flow, made.run_id)


def blob_of(store: Store, made: Made, what: str) -> str:
    found = uses.of_run(store, history.read(store, made.flow, made.run_id))
    return next(use.blob for use in found if use.what == what)


def test_a_copy_of_a_store_has_the_same_in_it(pair: Pair, source: Store, target: Store) -> None:
    for made in (make(source, {"x": large("a")}, {"y": 1}, tag="good"), make(source, {"x": large("a")}, flow="Books")):
        source.put(runs.lock_key(f"{made.flow}-lock"), b"a lock")
    done = pair.copy()
    assert contents(target) == contents(source)
    assert (len(done.runs), done.known, done.left_out) == (2, 0, ())
    blobs = list(source.blobs.every())
    assert (done.blobs, done.size) == (len(blobs), sum(blob.size for blob in blobs))
    assert verifying.verify(target).faults == ()


def test_what_is_read_of_a_copied_run_is_what_was_written(pair: Pair, source: Store, target: Store) -> None:
    values = {"table": large("t"), "small": [1, 2], "none": None}
    made = make(source, values, {"y": large("y")}, tag="good")
    pair.copy()
    (there,), (here,) = overview.of_flow(target, made.flow), overview.of_flow(source, made.flow)
    assert there == here
    assert there.tags == {"first", "good"}
    read = {use: bytes(target.blobs.get(use.blob)) for use in uses.of_run(target, history.read(target, *name(made)))}
    assert {use.what for use in read} >= {"artifact table", "artifact small", "log", "code", "lock", "parameter rate"}


def test_a_run_that_was_killed_is_copied_with_what_its_tasks_had_printed(
    pair: Pair, source: Store, target: Store
) -> None:
    made = make(source, {"x": 1}, {"y": 2}, status=None, cut_off=["one", "two", "three"])
    assert len(source.children(runs.journal_key(*name(made)))) > 1
    pair.copy()
    assert len(target.children(runs.journal_key(*name(made)))) == 1
    run = history.read(target, *name(made))
    assert run == history.read(source, *name(made))
    assert history.status_now(target, *name(made), run) == "killed"
    lines = list(log.of_attempt(target, *name(made), "3", run.tasks["3"].attempts[0]))
    assert [line.text for line in lines] == ["one", "two", "three"]


def test_what_was_copied_is_not_sent_again(pair: Pair, source: Store, target: Store) -> None:
    made = make(source, {"x": large("a")})
    pair.copy()
    before = contents(target)
    assert pair.copy() == pair.copy(made) == Copied((), 1, (), 0, 0)
    assert contents(target) == before
    make(source, {"x": large("a"), "y": large("b")})
    done = pair.copy()
    assert (len(done.runs), done.known, done.blobs) == (1, 1, 3)  # a value, a manifest, a log


def test_only_chosen_runs_are_copied_with_the_locks_that_they_used(pair: Pair, source: Store, target: Store) -> None:
    first, second = make(source, {"x": large("a")}), make(source, {"x": large("b")})
    for lock in ("5bec", "another"):
        source.put(runs.lock_key(lock), b"a lock")
    assert pair.copy(second).runs == (name(second),)
    assert list(every_run(target)) == [name(second)]
    assert target.keys("locks/") == [runs.lock_key("5bec")]
    assert not target.blobs.has(blob_of(source, first, "artifact x"))
    assert verifying.verify(target).faults == ()


def test_a_lock_that_the_target_has_stays(pair: Pair, source: Store, target: Store) -> None:
    make(source, {"x": 1})
    source.put(runs.lock_key("5bec"), b"theirs")
    target.put(runs.lock_key("5bec"), b"ours")
    pair.copy()
    assert target.get(runs.lock_key("5bec")) == b"ours"


def test_a_dry_run_tells_what_there_is_to_do_and_does_nothing(pair: Pair, source: Store, target: Store) -> None:
    make(source, {"x": large("a")}, {"y": 1}, cut_off=["text"], status=None)
    make(source, {"x": large("a")}, {"y": 2})
    source.put(runs.lock_key("5bec"), b"a lock")
    told = pair.copy(dry_run=True)
    assert contents(target) == {}
    assert told == pair.copy()


def test_a_run_that_the_target_has_with_other_contents_is_refused_and_the_others_are_copied(
    pair: Pair, source: Store, target: Store
) -> None:
    twin, other = make(source, {"x": 1}, run_id="1"), make(source, {"x": 2}, run_id="2")
    make(target, {"x": 3}, run_id="1")
    before = text(target, twin)
    done = pair.copy()
    (refused,) = done.left_out
    assert (done.runs, refused.run) == ((name(other),), name(twin))
    assert source.name in refused.why
    assert target.name in refused.why
    assert text(target, twin) == before


def test_a_run_of_which_the_target_has_the_beginning_is_copied_to_its_end(
    pair: Pair, source: Store, target: Store
) -> None:
    """As one that had lost its server: the rest was brought to the source after the first copy."""
    made = make(source, {"x": 1}, status=None, cut_off=["printed"], tag="good")
    assert pair.copy().runs == (name(made),)
    run_tags.mutate(target, run_tags.begun(target, *name(made)), tags.change(add=["there"]))
    written = manifest.write(source.blobs, {"x": large("z")}, {})
    lines = text(source, made).splitlines(keepends=True)
    lines.append(
        to_line(AttemptFinished(2.0, "step_1", "2", 0, ok=True, final=True, manifest=written)).encode() + b"\n"
    )
    lines.append(to_line(RunFinished(3.0, "failed")).encode() + b"\n")
    journal.put_whole(source, *name(made), b"".join(lines))
    assert pair.copy(dry_run=True).runs == (name(made),)
    assert (pair.copy().runs, text(target, made)) == ((name(made),), text(source, made))
    assert len(target.children(runs.journal_key(*name(made)))) == 1
    assert target.keys(f"{runs.run_key(*name(made))}/logs/") == []
    assert run_tags.read(target, run_tags.begun(target, *name(made))) == {"first", "good", "there"}
    assert verifying.verify(pair.target.open()).faults == ()
    assert pair.copy().known == 1


def test_a_run_that_goes_on_is_left_out_until_it_has_ended(pair: Pair, source: Store, target: Store) -> None:
    made, over = make(source, {"x": 1}, status=None), make(source, {"x": 2})
    with runs.hold(source, *name(made)):
        done = pair.copy()
    assert (done.runs, [each.run for each in done.left_out]) == ((name(over),), [name(made)])
    assert done.left_out[0].error is None
    assert pair.copy().runs == (name(made),)


def test_a_run_that_ends_while_it_is_copied_is_whole_or_left_out(pair: Pair, source: Store, target: Store) -> None:
    """What it refers to at its end may be more than what had been read of it."""
    make(source, {"x": 1}, run_id="1")
    writer = JournalWriter(source, "Films", "2")
    writer.append(RunStarted(1.0, "Films", "2", "ada", "", source.blobs.put([b"code"]), ()))
    writer.flush()
    with ExitStack() as alive:
        alive.enter_context(runs.hold(source, "Films", "2"))

        def end(seen: copying.Seen) -> None:
            written = manifest.write(source.blobs, {"x": large("z")}, {})
            writer.append(TaskCreated(1.0, "start", "1"))
            writer.append(AttemptFinished(2.0, "start", "1", 0, ok=True, final=True, manifest=written))
            writer.append(RunFinished(3.0, "succeeded"))
            writer.close()
            alive.close()

        told = iter([end])
        done = copying.copy(source, target, Wanted(tell=lambda seen: next(told, lambda _: None)(seen)))
    assert {*done.runs, *(each.run for each in done.left_out)} == {RunName("Films", "1"), RunName("Films", "2")}
    assert verifying.verify(pair.target.open()).faults == ()
    pair.copy()
    assert list(every_run(target)) == list(every_run(source))
    assert verifying.verify(pair.target.open()).faults == ()


def test_a_run_that_somebody_writes_at_the_target_is_left_to_him(pair: Pair, source: Store, target: Store) -> None:
    made = make(source, {"x": 1})
    with runs.hold(target, *name(made)):
        (left,) = pair.copy().left_out
    assert left.error is not None
    assert list(every_run(target)) == []
    assert pair.copy().runs == (name(made),)


def test_a_copy_that_takes_long_looks_again_whether_the_target_has_what_it_had(
    pair: Pair, source: Store, target: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody collects there meanwhile."""
    monkeypatch.setattr(copying, "SURE", -1.0)
    first, second = make(source, {"x": large("x")}, run_id="1"), make(source, {"x": large("x")}, run_id="2")

    begun: set[RunName] = set()

    def tell(seen: copying.Seen) -> None:
        if seen.run == name(second) and seen.run not in begun:
            begun.add(seen.run)
            target.blobs.delete([blob_of(source, first, "artifact x")])

    assert copying.copy(source, target, Wanted(tell=tell)).runs == (name(first), name(second))
    assert verifying.verify(pair.target.open()).faults == ()


def test_tags_of_a_run_that_the_target_has_stay_as_they_are_there(pair: Pair, source: Store, target: Store) -> None:
    made = make(source, {"x": 1}, tag="good")
    pair.copy()
    for store, tag in ((source, "here"), (target, "there")):
        run_tags.mutate(store, run_tags.begun(store, *name(made)), tags.change(add=[tag]))
    pair.copy()
    assert run_tags.read(target, run_tags.begun(target, *name(made))) == {"first", "good", "there"}


HARMED = ("artifact x", "artifacts", "log", "code", "lock")


def test_runs_whose_blobs_are_damaged_or_gone_are_kept_back_alone(pair: Pair, source: Store, target: Store) -> None:
    whole = make(source, {"y": 1})
    harmed: dict[RunName, tuple[str, type[StoreError]]] = {}
    for number, what in enumerate(HARMED):
        for kind in (DamagedBlob, MissingBlob):
            flow = f"F{number}{kind.__name__}"
            made = make(source, {"x": large(flow), flow: 1}, flow=flow)  # it shares nothing that is harmed
            blob = blob_of(source, made, what)
            harmed[name(made)] = blob, kind
            if kind is MissingBlob:
                source.blobs.delete([blob])
            else:
                overwrite(source, blob, bytes(len(source.blobs.get(blob))))
    done = pair.copy()
    assert done.runs == (name(whole),)
    assert {each.run: type(each.error) for each in done.left_out} == {run: kind for run, (_, kind) in harmed.items()}
    assert all(harmed[each.run][0] in each.why for each in done.left_out)
    assert not any(target.blobs.has(blob) for blob, _ in harmed.values())
    assert list(every_run(target)) == [name(whole)]
    assert verifying.verify(target).faults == ()


def test_a_run_whose_journal_is_damaged_is_kept_back_alone(pair: Pair, source: Store, target: Store) -> None:
    torn, emptied, whole = make(source, {"x": 1}), make(source, {"x": 2}), make(source, {"x": 3})
    for made, body in ((torn, b"no record\n"), (emptied, b"")):
        for key in source.keys(f"{runs.journal_key(*name(made))}/"):
            source.put(key, body)
    done = pair.copy()
    assert (done.runs, {each.run for each in done.left_out}) == ((name(whole),), {name(torn), name(emptied)})
    assert all(each.error is not None for each in done.left_out)


def test_what_the_target_has_lost_is_brought_back(pair: Pair, source: Store, target: Store) -> None:
    made = make(source, {"x": large("a")}, {"y": large("b")})
    pair.copy()
    target.blobs.delete([blob_of(source, made, "artifact x")])
    overwrite(target, blob_of(source, made, "artifact y"), b"cut off")
    assert pair.copy().blobs == 2
    assert verifying.verify(pair.target.open()).faults == ()


def test_lines_of_kinds_that_are_not_known_here_are_copied_as_they_are(
    pair: Pair, source: Store, target: Store
) -> None:
    made = make(source, {"x": 1})
    lines = text(source, made) + b'["OfALaterVersion",{"blob":"x"}]\n'
    source.delete(*source.keys(f"{runs.journal_key(*name(made))}/"))
    journal.put_whole(source, *name(made), lines)
    pair.copy()
    assert text(target, made) == lines


class CutOff(Exception):
    """As if the process had been killed."""


def test_a_copy_that_is_cut_off_anywhere_leaves_no_run_that_is_not_whole_and_goes_on(
    pair: Pair, source: Store, target: Store
) -> None:
    for letter in "ab":
        make(source, {"x": large(letter)}, {"y": letter}, tag=letter, status=None, cut_off=["text"])
    source.put(runs.lock_key("5bec"), b"a lock")
    whole: list[list[RunName]] = []
    for allowed in range(1000):
        store = pair.target.open()
        writes = cut_off_after(store, allowed)
        try:
            copying.copy(pair.source.open(), store, Wanted())
        except CutOff:
            assert verifying.verify(pair.target.open()).faults == ()
            whole.append(list(every_run(target)))
            for run in whole[-1]:
                assert text(target, Made(*run)) == text(source, Made(*run))
                assert run_tags.read(target, run_tags.begun(target, *run)) == run_tags.read(
                    source, run_tags.begun(source, *run)
                )
        else:
            break
        assert writes()
    assert len(whole) > 5
    assert [] in whole
    assert without_own_layout(target) == without_own_layout(source)


def without_own_layout(store: Store) -> dict[str, bytes]:
    """Without journals, which are in one piece after they were copied, and logs, which each kind of store keeps in its
    own way."""
    return {key: body for key, body in contents(store).items() if "/journal/" not in key and "/logs/" not in key}


def cut_off_after(store: Store, allowed: int) -> Callable[[], int]:
    """Let the store take so many objects and blobs, and then raise; how many it was asked to take."""
    count = 0

    def counted(function: Callable[..., object]) -> Callable[..., object]:
        def write(*arguments: object, **options: object) -> object:
            nonlocal count
            count += 1
            if count > allowed:
                raise CutOff
            return function(*arguments, **options)

        return write

    for owner, method in ((store, "put"), (store, "put_new"), (store.blobs, "put")):
        setattr(owner, method, counted(getattr(owner, method)))
    return lambda: count


def test_a_target_that_takes_nothing_ends_it(pair: Pair, source: Store) -> None:
    make(source, {"x": large("a")})
    store = pair.target.open()

    def full(chunks: Iterable[bytes]) -> str:
        raise StoreError("cannot write a blob: No space left on device")

    store.blobs.put = full  # type: ignore[assignment,method-assign]
    with pytest.raises(StoreError, match="No space left"):
        copying.copy(source, store, Wanted())


def test_a_value_larger_than_what_may_be_in_memory_is_copied(pair: Pair, source: Store, target: Store) -> None:
    size = 160 << 20
    value = source.blobs.put(bytes(1 << 20) for _ in range(size >> 20))
    made = make(source, {"x": 1})
    lines = text(source, made).replace(blob_of(source, made, "code").encode(), value.encode())
    source.delete(*source.keys(f"{runs.journal_key(*name(made))}/"))
    journal.put_whole(source, *name(made), lines)
    tracemalloc.start()
    try:
        assert pair.copy().runs == (name(made),)
        assert tracemalloc.get_traced_memory()[1] < size * 3 // 4
    finally:
        tracemalloc.stop()
    assert target.blobs.size(value) == size
