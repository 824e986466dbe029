"""Which runs are to go: those that all conditions hold for, and never one that is still needed.

What is asked of the store is in `every`; the rest is decided from what that has seen.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from dockerflow.housekeeping.references import RunName
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.store import history, overview, run_tags, runs
from dockerflow.store.base import Store
from dockerflow.store.errors import AccessDenied, StoreError, Unreachable
from dockerflow.store.history import RunHistory
from dockerflow.store.records import RunStarted

__all__ = ["STATUSES", "UNREADABLE", "SeenRun", "Wanted", "chosen", "every", "needed"]

# The status of a run whose journal cannot be read.
UNREADABLE = "unreadable"

STILL_RUNS = "it still runs"

# What a run that is over may be.
STATUSES = ("succeeded", "failed", "stopped", history.KILLED, UNREADABLE)


@dataclass(frozen=True)
class Wanted:
    """Conditions, all of which must hold; those that are empty say nothing.

    `older_than` is in seconds, since the run's end or, if it has none, its last sign of life. `keep` is how many of
    each flow stay, the newest. A run must have all of `tags` and none of `keep_tags`: one whose tags cannot be read may
    have any of these.
    """

    named: frozenset[RunName] = frozenset()
    flow: str | None = None
    older_than: float | None = None
    keep: int | None = None
    statuses: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    keep_tags: frozenset[str] = frozenset()

    @property
    def any_run(self) -> bool:
        """Whether runs are asked for at all."""
        return self != Wanted()


@dataclass(frozen=True)
class SeenRun:
    """One run. `last` is the time of its end or of its last sign of life, `tags` are the system's, too; `error` is why
    its journal cannot be read."""

    run: RunName
    status: str
    last: float
    started: RunStarted | None = None
    tags: frozenset[str] = frozenset()
    error: StoreError | None = None

    @property
    def is_over(self) -> bool:
        return self.status in STATUSES


def every(store: Store) -> list[SeenRun]:
    """The runs that have begun, flow by flow, the newest first. Raises Unreachable or AccessDenied."""
    found: list[SeenRun] = []
    for flow in runs.flow_names(store):
        listed = overview.listed(store, flow)
        names = [RunName(flow, run_id) for run_id in listed]
        found += store.each(lambda run, listed=listed: _seen(store, run, listed[run.run_id]), names)  # type: ignore[misc]
    return found


def chosen(seen: Iterable[SeenRun], wanted: Wanted, now: float) -> list[SeenRun]:
    """Those that all conditions hold for, whether they may go or not. `seen` are in the order of `every`."""
    number: dict[str, int] = {}
    found: list[SeenRun] = []
    for one in seen:
        number[one.run.flow] = number.get(one.run.flow, 0) + 1
        if wanted.any_run and _holds(one, wanted, now) and number[one.run.flow] > (wanted.keep or 0):
            found.append(one)
    return found


def needed(seen: Iterable[SeenRun], waiting: Collection[RunName]) -> Mapping[RunName, str]:
    """The runs that may not go, and why. `waiting` are those of which this machine has to deliver something."""
    found = dict.fromkeys(waiting, "a part of it waits on this machine to be brought to the store")
    for one in seen:
        if not one.is_over:
            found[one.run] = STILL_RUNS
            if one.started is not None and one.started.origin_run_id:
                found[RunName(one.run.flow, one.started.origin_run_id)] = f"`{one.run}`, which runs, resumes it"
    return found


def _holds(one: SeenRun, wanted: Wanted, now: float) -> bool:
    return (
        (not wanted.named or one.run in wanted.named)
        and wanted.flow in (None, one.run.flow)
        and (wanted.older_than is None or now - one.last >= wanted.older_than)
        and (not wanted.statuses or one.status in wanted.statuses)
        and wanted.tags <= one.tags
        and not (wanted.keep_tags and (wanted.keep_tags & one.tags or one.status == UNREADABLE))
    )


def _seen(store: Store, run: RunName, listed: overview.Listed) -> SeenRun:
    try:
        found = overview.of_run(store, *run, listed)
        last = found.finished.time if found.finished else _last_sign(history.read(store, *run))
    except (Unreachable, AccessDenied):
        raise
    except StoreError as error:
        status = "running" if runs.is_alive(store, *run) else UNREADABLE
        return SeenRun(run, status, began(run), error=error)
    system = run_tags.system_tags(found.started) if found.started else frozenset()
    return SeenRun(run, found.status, last or began(run), found.started, found.tags | system)


def _last_sign(run: RunHistory) -> float:
    """The time of a journal's last record; 0 if it has none."""
    times = [run.started.time] if run.started else []
    for task in run.tasks.values():
        times.append(task.created.time)
        for attempt in task.attempts:
            times += [each.time for each in (attempt.started, attempt.finished) if each]
    return max(times, default=0.0)


def began(run: RunName) -> float:
    """By its id; 0 for one that has another's."""
    return int(run.run_id) / 1_000_000 if run.run_id.isdigit() else 0.0
