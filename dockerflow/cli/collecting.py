"""`gc`: what may go, and what has gone."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

from dockerflow.cli.errors import CommandLineError, nearest
from dockerflow.cli.meter import meter
from dockerflow.cli.places import store_of_runs, with_all
from dockerflow.cli.spans import seconds
from dockerflow.cli.tables import print_json, print_table
from dockerflow.cli.words import counted, duration, size
from dockerflow.client.errors import not_found
from dockerflow.housekeeping import collect as collecting
from dockerflow.housekeeping.choosing import STATUSES, SeenRun, Wanted
from dockerflow.housekeeping.collect import DAY, Collected, Plan
from dockerflow.housekeeping.references import RunName
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.store import runs
from dockerflow.store.base import Store
from dockerflow.store.errors import StoreError

HOUR = 60 * 60


@dataclass(frozen=True)
class Runs:
    """Which runs, as it was typed."""

    pathspecs: tuple[str, ...] = ()
    flow: str | None = None
    older_than: str | None = None
    keep: int | None = None
    statuses: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    keep_tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class How:
    grace: str
    delete: bool
    as_json: bool
    store: str | None


def collect(which: Runs, how: How) -> int:
    """Print what goes, or has gone. Raises NotFound, CommandLineError, HousekeepingError, StoreError."""
    grace = seconds(how.grace, "--grace")
    store = store_of_runs(how.store, delivering=how.delete)
    wanted = _wanted(store, which)
    if how.delete:
        _deliver(store)
    with meter(sys.stderr) as shown:
        act = collecting.collect if how.delete else collecting.plan
        done: Plan | Collected = act(store, wanted, grace, shown.tell)
    if how.as_json:
        print_json(_as_json(done, how.delete))
    else:
        _print(done, how.delete, grace)
    return 0


def _wanted(store: Store, which: Runs) -> Wanted:
    older_than = None if which.older_than is None else seconds(which.older_than, "--older-than")
    for status in which.statuses:
        if status not in STATUSES:
            near = nearest(status, STATUSES)
            hint = f"did you mean `{near}`?" if near else f"they are {', '.join(f'`{each}`' for each in STATUSES)}"
            raise CommandLineError(f"`{status}` is no status of a run that is over", hint)
    if which.flow is not None:
        _require_flow(store, which.flow)
    return Wanted(
        frozenset(_run(store, pathspec) for pathspec in which.pathspecs),
        which.flow,
        older_than,
        which.keep,
        frozenset(which.statuses),
        frozenset(which.tags),
        frozenset(which.keep_tags),
    )


def _run(store: Store, pathspec: str) -> RunName:
    """A run, or what is left of one."""
    words = pathspec.strip("/").split("/")
    if len(words) != 2 or not all(words):
        near = f"; `{'/'.join(words[:2])}` is the run" if len(words) > 2 and all(words) else ""
        if words[0] in runs.flow_names(store) and len(words) == 1:
            near = f", or `--flow {words[0]}` with `--keep 0` for all runs of the flow"
        raise CommandLineError(f"`{pathspec}` names no run", f"write `Flow/run`{near}")
    _require_flow(store, words[0])
    known = store.children(f"runs/{words[0]}")
    if words[1] not in known:
        raise not_found("run", words[1], f"flow `{words[0]}`", runs.newest_first(known))
    return RunName(*words)


def _require_flow(store: Store, flow: str) -> None:
    flows = runs.flow_names(store)
    if flow not in flows:
        raise not_found("flow", flow, f"the store `{store.name}`", flows)


def _deliver(store: Store) -> None:
    """A bucket that takes nothing may be one that is full: what waits for it stays, and what that needs."""
    try:
        with_all(store)
    except StoreError as error:
        print(f"warning: what waits for the store on this machine stays there: {error.message}", file=sys.stderr)


def _print(done: Plan | Collected, deleted: bool, grace: float) -> None:
    if done.runs:
        print("removed these runs:" if deleted else "these runs would be removed:")
        print_table([("run", "status", "last sign of life"), *map(_row, done.runs)], "  ")
    for run, why in done.kept:
        print(f"kept: {run}, {why}")
    print(_sum(done, deleted))
    if done.young.blobs:
        young = _blobs(done.young.blobs, done.young.size)
        print(f"kept for now: {young} that no run uses, younger than {_span(grace)}")
    if isinstance(done, Plan) and not done.is_empty:
        print("note: nothing was removed; say `--delete` to remove it", file=sys.stderr)
    if done.runs:
        print("note: step images stay; see `dockerflow images prune`", file=sys.stderr)


def _sum(done: Plan | Collected, deleted: bool) -> str:
    parts = [counted(len(done.runs), "run")] if done.runs else []
    parts += [f"what is left of {counted(len(done.leftovers), 'run')}"] if done.leftovers else []
    parts += [_blobs(done.amount.blobs, done.amount.size)] if done.amount.blobs or not parts else []
    if not (done.runs or done.leftovers or done.amount.blobs):
        return "nothing was removed: runs need all that is there" if deleted else "nothing to remove"
    return f"{'removed' if deleted else 'to remove'}: {', '.join(parts)}"


def _row(one: SeenRun) -> tuple[str, str, str]:
    ago = f"{_span(max(0.0, time.time() - one.last))} ago" if one.last else "unknown"
    return (str(one.run), one.status, ago)


def _blobs(count: int, total: int) -> str:
    return f"{counted(count, 'blob')} ({size(total)})"


def _span(length: float) -> str:
    if length >= 2 * DAY:
        return f"{length / DAY:.0f} days"
    return f"{length / HOUR:.0f} h" if length and length % HOUR == 0 else duration(length)


def _as_json(done: Plan | Collected, deleted: bool) -> dict[str, object]:
    return {
        "deleted": deleted,
        "runs": [{"run": str(one.run), "status": one.status, "last": one.last} for one in done.runs],
        "kept": [{"run": str(run), "why": why} for run, why in done.kept],
        "leftovers": _names(done.leftovers),
        "blobs": done.amount.blobs,
        "bytes": done.amount.size,
        "young": {"blobs": done.young.blobs, "bytes": done.young.size},
    }


def _names(found: Sequence[RunName]) -> list[str]:
    return [str(run) for run in found]
