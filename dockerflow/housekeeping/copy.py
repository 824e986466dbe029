"""Copy runs from one store to another: folder or bucket, in any direction.

For each run, in the order in which they began: the blobs that the target lacks, locks, tags, the list of what is
mirrored, logs of attempts that were cut off, and at last the journal, in one piece. Before that the target has nothing
that anybody takes for a run, so a copy may be cut off anywhere and begun again; what is there by then is not sent
again. Bytes are compared with their hash on the way, and a blob that the source has lost or damaged keeps back the runs
that use it, and no others.

What a run is does not change by being copied, so one that the target has with another journal is refused. It may have
the beginning of the same: of a run whose end was brought to the source after it had been copied, or that was cut short
at the target. Then the whole one is put in its place. Tags do change: of a run that the target has they stay as they
are there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import field
from typing import NamedTuple

from dockerflow.housekeeping import cut_off_logs, several
from dockerflow.housekeeping.cached import Entries
from dockerflow.housekeeping.references import Reader, RunName, RunReferences, every_run
from dockerflow.housekeeping.there import There
from dockerflow.housekeeping.waiting import waiting_runs
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.store import history, journal, mirror, runs
from dockerflow.store.base import YOUNG, Store, missing
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.errors import AccessDenied, StoreError, Unreachable

__all__ = ["Copied", "LeftOut", "Seen", "copy"]

# Seconds. What the target was seen to have is looked for again after so long: by then it could be about to get too old.
SURE = YOUNG / 4


class Seen(NamedTuple):
    """How far it is: runs that are there, and what was sent for them (with `dry_run`: what would be)."""

    runs: int = 0
    blobs: int = 0
    size: int = 0  # of the blobs, in bytes
    run: RunName | None = None  # the one that is being copied


class LeftOut(NamedTuple):
    """A run that is not copied. `error` None: because it is not over yet, which is no fault."""

    run: RunName
    why: str
    error: StoreError | None = None


@dataclass(frozen=True)
class Copied:
    """`runs` were copied, `known` had been there; `blobs` and `size` were sent for both."""

    runs: tuple[RunName, ...]
    known: int
    left_out: tuple[LeftOut, ...]
    blobs: int
    size: int


@dataclass(frozen=True)
class Wanted:
    """`selected` None: all runs, and the locks that none uses, too. `dry_run`: only find out what there is to do.
    `without` are blobs that the source is known to lack, and that may be lacking in the target as well.
    """

    selected: Collection[RunName] | None = None
    dry_run: bool = False
    tell: Callable[[Seen], None] = lambda seen: None
    without: frozenset[str] = frozenset()


def copy(source: Store, target: Store, wanted: Wanted) -> Copied:
    """Raises Unreachable or AccessDenied, and StoreError for a target that cannot be written."""
    copier = _Copier(source, target, wanted)
    chosen = list(every_run(source)) if wanted.selected is None else wanted.selected
    for found in Reader(source).of_runs(filter(copier.is_over, sorted(chosen, key=_age))):
        copier.run(found)
    if wanted.selected is None:
        copier.locks(source.keys("locks/"))
    return copier.copied


@dataclass
class _Copier:
    source: Store
    target: Store
    wanted: Wanted
    done: list[RunName] = field(default_factory=list)
    known: int = 0
    left_out: list[LeftOut] = field(default_factory=list)
    blobs: int = 0
    size: int = 0

    def __post_init__(self) -> None:
        self._waiting = waiting_runs(self.source)
        self._left = Entries(self.source)
        self._look()

    def _look(self) -> None:
        everything = self.wanted.selected is None
        self._looked = time.monotonic()
        self._certain: set[str] = set()  # the target has these, and will for hours
        self._there, self._here = There(self.target, everything), There(self.source, everything)

    @property
    def copied(self) -> Copied:
        return Copied(tuple(self.done), self.known, tuple(self.left_out), self.blobs, self.size)

    def is_over(self, run: RunName) -> bool:
        """Whether nothing is written to a run any more. Asked before the run is read: then that is all of it."""
        if runs.is_alive(self.source, *run):
            self.left_out.append(LeftOut(run, "it still runs"))
            return False
        if run in self._waiting:
            why = "a part of it waits on this machine to be brought to its store"
            self.left_out.append(LeftOut(run, why))
            return False
        return True

    def run(self, found: RunReferences) -> None:
        self._tell(found.run)
        if time.monotonic() - self._looked > SURE:
            self._look()
        try:
            self._run(found)
        except _KeptBack as why:
            self.left_out.append(LeftOut(found.run, why.error.message, why.error))
        self._tell(None)

    def locks(self, keys: Iterable[str]) -> None:
        """One that the target has stays: its runs were made with that."""
        for key in keys if not self.wanted.dry_run else ():
            body = self.source.get(key)
            if body and not self.target.exists(key):
                self.target.put_new(key, body)

    def _run(self, found: RunReferences) -> None:
        run, lines = found.run, self._text(found)
        with _keeping_back():
            theirs = journal.text(self.target, *run)
        if not lines.startswith(theirs):
            raise _KeptBack(_is_another(run, self.source, self.target))
        is_there = theirs == lines
        if self.wanted.dry_run:
            self._blobs(found)
        elif is_there:
            self._blobs(found)
            self._mirror(run)
        elif runs.is_alive(self.target, *run):
            raise _KeptBack(_is_written(run, self.target))
        else:
            with runs.hold(self.target, *run):  # nobody takes it for what a dead one has left
                self._blobs(found)
                self._objects(run, with_tags=not theirs)
                journal.put_whole(self.target, *run, lines)
            self._entries(run)
        self.known += is_there
        self.done += [] if is_there else [run]

    def _text(self, found: RunReferences) -> bytes:
        """The journal of a run that can be copied."""
        if found.unreadable:
            raise _KeptBack(found.unreadable[0].error)
        with _keeping_back():
            lines = journal.text(self.source, *found.run)
        if not lines:
            raise _KeptBack(history.no_beginning(str(found.run)))
        return lines

    def _blobs(self, found: RunReferences) -> None:
        asked = found.blobs - self._certain - self.wanted.without
        here, there = self._here.sizes(asked), self._there.sizes(asked)
        lacking = {each for each in asked if each not in there or there[each] != here.get(each, there[each])}
        if not self.wanted.dry_run:
            old = [each for each in asked - lacking if not self._there.is_young(each)]
            kept = zip(old, self.target.each(self.target.blobs.keep, old), strict=True)
            lacking |= {each for each, is_there in kept if not is_there}
        lost = sorted(lacking - here.keys())
        if lost:
            raise _KeptBack(missing(lost[0], self.source.name))
        self._certain |= asked - lacking
        for each in lacking if self.wanted.dry_run else self._put(lacking):
            self._certain.add(each)
            self.blobs, self.size = self.blobs + 1, self.size + here[each]
            self._tell(found.run)

    def _put(self, blobs: Collection[str]) -> Iterator[str]:
        def put(sha256: str, stop: several.Stop) -> str:
            self.target.blobs.put(self._pieces(sha256, stop))
            return sha256

        return several.done(put, blobs, several.threads_for(self.source, self.target))

    def _pieces(self, sha256: str, stop: several.Stop) -> Iterator[bytes]:
        """Of a blob; who has taken the last one knows that all had the right hash."""
        with _keeping_back():
            for piece in self.source.blobs.stream(sha256):
                stop()
                yield piece

    def _objects(self, run: RunName, with_tags: bool) -> None:
        """All of a run but its blobs and its journal."""
        with _keeping_back():
            seen = history.read(self.source, *run)
            tags = self.source.get_many(self.source.keys(f"{runs.run_key(*run)}/tags/")) if with_tags else {}
        self.target.put_new(f"{runs.run_key(*run)}/claim", b"")
        self.locks({runs.lock_key(step.spec_hash) for step in seen.steps.values() if step.spec_hash})
        for key, body in tags.items():
            self.target.put(key, body or b"")
        self._mirror(run)
        self.target.delete(*self.target.keys(f"{runs.run_key(*run)}/logs/"))  # of attempts that have ended since
        for task in seen.tasks.values():
            for attempt in task.attempts:
                if attempt.finished is None:
                    self._log(run, task.created.task_id, attempt.number)

    def _mirror(self, run: RunName) -> None:
        """What is kept of a run's images, which may have been added after the run was copied."""
        with _keeping_back():
            kept = mirror.read(self.source, *run)
        mirror.add(self.target, *run, kept)

    def _entries(self, run: RunName) -> None:
        """What the run has left for others, who look whether all of it is there."""
        with _keeping_back():
            left = self.source.get_many(self._left.of(run))
        for key, body in left.items():
            if body:
                self.target.put(key, body)

    def _log(self, run: RunName, task_id: str, attempt: int) -> None:
        """What an attempt had printed when it was cut off: a file that grew in a folder, in a bucket pieces."""
        pieces = _kept_back_while(cut_off_logs.pieces(self.source, run, task_id, attempt))
        if isinstance(self.target, DirectoryStore):
            text = b"".join(pieces)
            if text:
                self.target.put(runs.log_key(*run, task_id, attempt), text)
            return
        for number, piece in enumerate(pieces):
            self.target.put(runs.log_piece(*run, task_id, attempt, number), piece)

    def _tell(self, run: RunName | None) -> None:
        self.wanted.tell(Seen(len(self.done) + self.known, self.blobs, self.size, run))


class _KeptBack(Exception):
    """Why a run cannot be copied, while others can."""

    def __init__(self, error: StoreError) -> None:
        self.error = error


@contextmanager
def _keeping_back() -> Iterator[None]:
    """What is wrong with a run's own contents is no reason to stop; a server that does not answer is."""
    try:
        yield
    except (Unreachable, AccessDenied):
        raise
    except StoreError as error:
        raise _KeptBack(error) from error


def _kept_back_while(pieces: Iterator[bytes]) -> Iterator[bytes]:
    with _keeping_back():
        yield from pieces


def _is_another(run: RunName, source: Store, target: Store) -> StoreError:
    return StoreError(
        f"run `{run}` of `{source.name}` is another one than run `{run}` of `{target.name}`",
        "copy it to a store, or below a prefix, that has no run with this id",
    )


def _is_written(run: RunName, target: Store) -> StoreError:
    return StoreError(
        f"run `{run}` of `{target.name}` is being written by another process", "wait until that has ended"
    )


def _age(run: RunName) -> tuple[int, RunName]:
    return (int(run.run_id) if run.run_id.isdigit() else 0, run)
