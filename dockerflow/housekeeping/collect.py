"""Remove runs that nobody wants any more, and the blobs that nobody refers to.

Safe beside runs that go on, and beside those that begin meanwhile, by two rules. A blob is deleted only if it was
nobody's when all journals were read, and if nobody had put or kept it for `DAY` when that began. And who is about to
refer to a blob that is there makes it young if it is older than half of that (`store.base.YOUNG`). So what was nobody's
and old is nobody's still, as long as whoever has put a blob says so in a journal within the other half.

What refers to blobs must be known: a journal or manifest that is there and cannot be read stops everything before
anything is deleted, unless its run is to go, too.

Nothing is lost by being killed anywhere: see `removal` for runs, `store.doomed` and `store.condemned` for blobs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import field, replace

from dockerflow import __version__
from dockerflow.housekeeping import cached, choosing, removal
from dockerflow.housekeeping.choosing import SeenRun, Wanted
from dockerflow.housekeeping.errors import Busy, TooSoon, Unknowable
from dockerflow.housekeeping.references import Reader, RunName, Unreadable, every_run
from dockerflow.housekeeping.waiting import AsDelivered, anything_waits, waiting_runs
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.store import condemned, runs
from dockerflow.store.base import YOUNG, Store
from dockerflow.store.s3_store import S3Store
from dockerflow.store.sweep import sweep

__all__ = ["DAY", "Amount", "Collected", "Plan", "collect", "plan"]

DAY = 2 * YOUNG

# Who holds this collects, alone.
KEY = "gc/held"

# Blobs that are deleted at a time.
BATCH = 1000

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Amount:
    """`size` is in bytes."""

    blobs: int = 0
    size: int = 0

    def __add__(self, size: int) -> Amount:
        return Amount(self.blobs + 1, self.size + size)


@dataclass(frozen=True)
class Plan:
    """What is to go: `runs`, what is left of others, and `blobs` with their sizes. `kept` are runs that were asked for
    and must stay, with the reason; `young` are blobs that are nobody's, or were of the `runs` alone, and stay for a
    day."""

    runs: tuple[SeenRun, ...]
    kept: tuple[tuple[RunName, str], ...]
    leftovers: tuple[RunName, ...]
    blobs: dict[str, int] = field(default_factory=dict)
    young: Amount = Amount()

    @property
    def amount(self) -> Amount:
        return Amount(len(self.blobs), sum(self.blobs.values()))

    @property
    def is_empty(self) -> bool:
        return not (self.runs or self.leftovers or self.blobs)


@dataclass(frozen=True)
class Collected:
    """What has gone."""

    runs: tuple[SeenRun, ...]
    kept: tuple[tuple[RunName, str], ...]
    leftovers: tuple[RunName, ...]
    amount: Amount
    young: Amount


def plan(store: Store, wanted: Wanted, grace: float = DAY, tell: Tell = lambda text: None) -> Plan:
    """What `collect` would remove now. Raises TooSoon, Unknowable, Unreachable, AccessDenied."""
    return _Pass(store, wanted, grace, tell).plan


def collect(store: Store, wanted: Wanted, grace: float = DAY, tell: Tell = lambda text: None) -> Collected:
    """Remove it. Raises Busy, TooSoon, Unknowable, StoreError; what has gone by then is gone, and the rest is right."""
    with _alone(store):
        sweep(store)
        if isinstance(store, S3Store):
            condemned.forget(store.objects)
        return _Pass(store, wanted, grace, tell).carry_out()


class _Pass:
    """One look at the whole store, and what follows from it."""

    def __init__(self, store: Store, wanted: Wanted, grace: float, tell: Tell) -> None:
        self._store, self._grace, self._tell = store, grace, tell
        self._waiting = waiting_runs(store)
        self._before = store.blobs.now() - grace
        self._reader = Reader(AsDelivered(store) if self._waiting else store)
        self._marked: set[str] = set()
        self._seen = choosing.every(store)
        self._require_time()
        self.plan = self._without_blobs(wanted, store.blobs.now())
        going = {one.run for one in self.plan.runs}
        self._require_known(one for one in self._seen if one.run not in going)
        self._mark({one.run for one in self._seen} - going | self._waiting)
        self._list_blobs()

    def carry_out(self) -> Collected:
        done, kept = self._remove_runs()
        for run in self.plan.leftovers:
            removal.remove(self._store, run)
        cached.forget(self._store)
        self._mark_what_is_new({one.run for one in done})
        gone = self._delete_blobs(sorted(self.plan.blobs.keys() - self._marked))
        return Collected(tuple(done), kept, self.plan.leftovers, gone, self.plan.young)

    # ---- what is to go

    def _require_time(self) -> None:
        """Raises TooSoon where less than a day could be too little."""
        if self._grace >= DAY:
            return
        self._require_peace()
        if anything_waits(self._store):
            raise TooSoon(
                "blobs that are younger than 24 h may be needed: something waits on this machine to be brought to the "
                "store",
                "leave `--grace` out; the next command that writes to the store brings what waits",
            )

    def _without_blobs(self, wanted: Wanted, now: float) -> Plan:
        needed = choosing.needed(self._seen, self._waiting)
        chosen = choosing.chosen(self._seen, wanted, now)
        begun = {one.run for one in self._seen} | self._waiting
        return Plan(
            tuple(one for one in chosen if one.run not in needed),
            tuple((one.run, needed[one.run]) for one in chosen if one.run in needed),
            tuple(removal.leftovers(self._store, begun, wanted.named, now)),
        )

    def _require_known(self, staying: Iterable[SeenRun]) -> None:
        """Raises Unknowable for a run that a newer dockerflow has written: what that refers to only it knows."""
        for one in staying:
            version = one.started.version if one.started else ""
            if _numbers(version) > _numbers(__version__):
                raise Unknowable(
                    f"run `{one.run}` was written by dockerflow {version}, and this is {__version__}: what it refers "
                    "to is not known here",
                    "let the newer dockerflow collect",
                )

    def _mark(self, names: Collection[RunName]) -> None:
        for number, found in enumerate(self._reader.of_runs(sorted(names)), 1):
            for unreadable in found.unreadable:
                raise _unknowable(unreadable)
            self._marked |= found.blobs
            self._tell(f"read {number:,} of {len(names):,} runs")

    def _list_blobs(self) -> None:
        young = Amount()
        for blob in self._store.blobs.every():
            if blob.sha256 in self._marked:
                continue
            if blob.modified < self._before:
                self.plan.blobs[blob.sha256] = blob.size
            else:
                young += blob.size
        self.plan = replace(self.plan, young=young)

    # ---- doing it

    def _remove_runs(self) -> tuple[list[SeenRun], tuple[tuple[RunName, str], ...]]:
        """One that somebody has begun to resume meanwhile stays, and one whose scheduler is about to end."""
        done: list[SeenRun] = []
        kept = list(self.plan.kept)
        needed = choosing.needed(choosing.every(self._store), ()) if self.plan.runs else {}
        for number, one in enumerate(self.plan.runs, 1):
            if one.run in needed or runs.is_alive(self._store, *one.run):
                kept.append((one.run, needed.get(one.run, choosing.STILL_RUNS)))
                continue
            removal.remove(self._store, one.run)
            done.append(one)
            self._tell(f"removed {number:,} of {len(self.plan.runs):,} runs")
        return done, tuple(kept)

    def _mark_what_is_new(self, gone: Collection[RunName]) -> None:
        """Runs that have begun or gone on since they were read, or that stay against the plan."""
        over = {one.run for one in self._seen if one.is_over} - {one.run for one in self.plan.runs}
        self._mark({run for run in every_run(self._store) if run not in over and run not in gone} | self._waiting)

    def _delete_blobs(self, hashes: list[str]) -> Amount:
        gone = Amount()
        for start in range(0, len(hashes), BATCH):
            if self._grace < DAY:
                self._require_peace()
            for sha256 in self._store.blobs.delete_untouched(hashes[start : start + BATCH], self._before):
                gone += self.plan.blobs[sha256]
            self._tell(f"deleted {gone.blobs:,} of {len(hashes):,} blobs")
        return gone

    def _require_peace(self) -> None:
        """Raises TooSoon when a run goes on, or is copied here: it may take for granted what is about to be deleted."""
        for key, _ in self._store.every("runs/"):
            path = key.split("/")
            if path[3:] == ["held"] and runs.is_alive(self._store, path[1], path[2]):
                raise TooSoon(
                    f"run `{path[1]}/{path[2]}` goes on, and could need blobs that are younger than 24 h",
                    "leave `--grace` out, or try again when no run goes on",
                )


@contextmanager
def _alone(store: Store) -> Iterator[None]:
    """Raises Busy. Two that begin in the same moment may both go on: that is wasted time and no harm."""
    if store.is_held(KEY):
        who = _who(store.get(KEY) or b"")
        raise Busy(f"another `dockerflow gc` is at work in `{store.name}`{who}", "try again when it has ended")
    with store.hold(KEY):
        yield


def _who(held: bytes) -> str:
    """What the file or object of `hold` says of its owner."""
    text = held.decode(errors="replace")
    try:
        owner = json.loads(text)
        return f": process {owner['pid']} on `{owner['host']}`"
    except (ValueError, KeyError, TypeError):
        return f": on `{text}`" if text else ""


def _unknowable(found: Unreadable) -> Unknowable:
    what = f"blob `{found.blob}`, which lists artifacts of it," if found.blob else "its journal"
    return Unknowable(
        f"what run `{found.run}` refers to is not known, so no blob is deleted: {what} cannot be read: "
        f"{found.error.message}",
        f"`dockerflow store verify {found.run}` tells more; if the run may go, `dockerflow gc {found.run} --delete` "
        "removes it, and then nothing is in the way",
    )


def _numbers(version: str) -> tuple[int, ...]:
    parts = version.partition("+")[0].split(".")
    return tuple(int(part) for part in parts if part.isdigit())
