"""Whatever happens while `gc` is at work, no run loses a blob: a model of runs that put, keep and record, in any order.

The store is a real one in a folder; time passes because files are given earlier times. What runs do between the steps
of a pass is hung in where the pass asks the store for something.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dockerflow.housekeeping.choosing import Wanted
from dockerflow.housekeeping.collect import DAY, collect
from dockerflow.housekeeping.errors import TooSoon
from dockerflow.housekeeping.references import Reader, RunName
from dockerflow.store import manifest, runs
from dockerflow.store.base import BlobInfo
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.journal import JournalWriter
from dockerflow.store.manifest import LARGE
from dockerflow.store.records import AttemptFinished, RunFinished, RunStarted, TaskCreated

HOUR = 3600.0

# So many runs, and values.
VALUES = 3

# What one run does next: begin, put a value and record it at once or later, resume what another has, end.
MOVES = st.tuples(
    st.sampled_from(["begin", "put", "record", "inherit", "end"]),
    st.integers(0, VALUES - 1),
    st.integers(0, VALUES - 1),
)
TIMES = st.lists(st.tuples(st.lists(MOVES, max_size=6), st.sampled_from([1, 6, 11, 13, 25, 100])), max_size=4)


@dataclass
class World:
    """Runs by number, each with what it has put and not yet recorded."""

    store: DirectoryStore
    writers: dict[int, JournalWriter] = field(default_factory=dict)
    names: dict[int, RunName] = field(default_factory=dict)
    unrecorded: dict[int, list[str]] = field(default_factory=dict)
    recorded: dict[int, list[str]] = field(default_factory=dict)
    held: dict[int, ExitStack] = field(default_factory=dict)
    tasks: int = 0

    def litter(self) -> None:
        """Every value is there already, old, and nobody's."""
        for value in range(VALUES):
            manifest.write(self.store.blobs, {"x": bytes([value]) * LARGE}, {})
        self.store.blobs.put([b"code"])
        self.pass_time(100)

    def move(self, what: str, run: int, value: int) -> None:
        if what == "begin" and run not in self.names:
            self._begin(run)
        elif run not in self.writers:
            return
        elif what == "put":
            self.unrecorded[run].append(manifest.write(self.store.blobs, {"x": bytes([value]) * LARGE}, {}))
        elif what == "record":
            self._record(run)
        elif what == "inherit":
            self._inherit(run, value)
        elif what == "end":
            self._record(run)
            self.writers[run].append(RunFinished(1.0, "failed"))
            self.writers.pop(run).close()
            self.held.pop(run).close()

    def pass_time(self, hours: float) -> None:
        """What was put and not recorded is recorded within half a day: no run lets more pass."""
        if hours > 11:
            for run in list(self.writers):
                self._record(run)
        for path in self.store.blobs.root.glob("??/*"):
            status = path.stat()
            os.utime(path, (status.st_atime, status.st_mtime - hours * HOUR))

    def require_whole(self) -> None:
        for found in Reader(self.store).of_runs(name for name in self.names.values() if self._is_there(name)):
            assert not found.gone
            assert not found.unreadable
            assert all(map(self.store.blobs.has, found.blobs))

    def close(self) -> None:
        for held in self.held.values():
            held.close()

    def _begin(self, run: int) -> None:
        self.names[run] = RunName("F", runs.new_run_id(self.store, "F"))
        self.held[run] = ExitStack()
        self.held[run].enter_context(runs.hold(self.store, *self.names[run]))
        self.unrecorded[run], self.recorded[run] = [], []
        self.writers[run] = JournalWriter(self.store, *self.names[run])
        code = self.store.blobs.put([b"code"])
        self.writers[run].append(RunStarted(1.0, *self.names[run], "ada", "", code, ()))
        self.writers[run].flush()

    def _record(self, run: int) -> None:
        for written in self.unrecorded[run]:
            self.tasks += 1
            self.writers[run].append(TaskCreated(1.0, "s", str(self.tasks)))
            self.writers[run].append(
                AttemptFinished(1.0, "s", str(self.tasks), 0, ok=True, final=True, manifest=written)
            )
        self.recorded[run] += self.unrecorded[run]
        self.unrecorded[run] = []
        self.writers[run].flush()

    def _inherit(self, run: int, other: int) -> None:
        """As a resumed run does: of what it has read in another's journal, it takes over what it could keep."""
        for written in self.recorded.get(other, ()):
            try:
                inside = [ref.blob for ref in manifest.read(self.store.blobs, written).artifacts.values()]
            except Exception:  # noqa: BLE001 - gone with its run
                continue
            if all(map(self.store.blobs.keep, [written, *inside])):
                self.unrecorded[run].append(written)

    def _is_there(self, name: RunName) -> bool:
        return runs.has_begun(self.store, *name)


class Interrupted(DirectoryStore):
    """Calls `meanwhile` when the pass lists blobs, and when it deletes them."""

    def __init__(self, root: Path, meanwhile: Callable[[], None]) -> None:
        super().__init__(root)
        blobs, every, delete = self.blobs, self.blobs.every, self.blobs.delete_untouched

        def listed() -> Iterator[BlobInfo]:
            meanwhile()
            for number, found in enumerate(every()):
                if number == 1:
                    meanwhile()
                yield found

        def deleted(hashes: Iterable[str], since: float) -> list[str]:
            meanwhile()
            return delete(hashes, since)

        blobs.every, blobs.delete_untouched = listed, deleted  # type: ignore[method-assign]


@settings(max_examples=60, deadline=None)
@given(before=TIMES, during=st.lists(st.lists(MOVES, max_size=4), max_size=4), keep=st.none() | st.integers(0, 2))
def test_no_run_that_is_there_lacks_anything_whatever_it_did_while_others_were_removed(
    before: list[tuple[list[tuple[str, int, int]], float]],
    during: list[list[tuple[str, int, int]]],
    keep: int | None,
) -> None:
    root = Path(tempfile.mkdtemp())
    world = World(DirectoryStore(root))
    left = list(during)

    def meanwhile() -> None:
        for move in left.pop(0) if left else ():
            world.move(*move)

    try:
        world.litter()
        for moves, hours in before:
            for move in moves:
                world.move(*move)
            world.pass_time(hours)
        collect(Interrupted(root, meanwhile), Wanted(keep=keep))
        world.require_whole()
        for run in list(world.writers):
            world._record(run)
        world.require_whole()
        world.pass_time(100)
        collect(DirectoryStore(root), Wanted())
        world.require_whole()
    finally:
        world.close()
        shutil.rmtree(root, ignore_errors=True)


@settings(max_examples=30, deadline=None)
@given(before=TIMES)
def test_in_the_end_everything_that_nobody_refers_to_is_gone(
    before: list[tuple[list[tuple[str, int, int]], float]],
) -> None:
    root = Path(tempfile.mkdtemp())
    world = World(DirectoryStore(root))
    try:
        for moves, hours in before:
            for move in moves:
                world.move(*move)
            world.pass_time(hours)
        world.pass_time(DAY / HOUR + 1)
        collect(world.store, Wanted())
        names = [name for name in world.names.values() if runs.has_begun(world.store, *name)]
        used = frozenset[str]().union(*(found.blobs for found in Reader(world.store).of_runs(names)))
        assert {blob.sha256 for blob in world.store.blobs.every()} == used
        for run in list(world.writers):
            world.move("end", run, 0)
        collect(world.store, Wanted(keep=0), grace=-60)
        assert (list(world.store.blobs.every()), world.store.keys("")) == ([], [])
    finally:
        world.close()
        shutil.rmtree(root, ignore_errors=True)


def test_less_than_a_day_is_given_up_when_a_run_begins(tmp_path: Path) -> None:
    world = World(DirectoryStore(tmp_path))
    world.move("begin", 0, 0)
    world.move("put", 0, 0)
    world.move("end", 0, 0)
    world.store.blobs.put([b"nobody's"])
    store = Interrupted(tmp_path, lambda: world.move("begin", 1, 0))
    with pytest.raises(TooSoon, match="goes on"):
        collect(store, Wanted(), grace=-60)
    world.require_whole()
    assert len(list(world.store.blobs.every())) == 4
    world.close()
