"""`runs list`: the runs in the store, chosen by what is known of them and by their results."""

from __future__ import annotations

import datetime
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import Any

from dockerflow.cli import spans
from dockerflow.cli.errors import CommandLineError, nearest
from dockerflow.cli.places import store_for_reading
from dockerflow.cli.runs_shown import FORMS, Row
from dockerflow.client.errors import not_found
from dockerflow.comparing.conditions import Condition, parse
from dockerflow.comparing.results import ABOUT, LACKS, Results, order, system_tags_of
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.store import overview, runs
from dockerflow.store.base import Store
from dockerflow.store.errors import DamagedRecord

STATUSES = ("running", "succeeded", "failed", "stopped", "killed")

# Runs whose results are read at a time: of a bucket by several threads.
BATCH = 64


@dataclass(frozen=True)
class Chosen:
    """Which runs, by what is known of them, as the command line has it."""

    flow: str | None = None
    statuses: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    since: str | None = None


@dataclass(frozen=True)
class Wanted:
    """Which runs, also by their results, in which order, and what of them."""

    chosen: Chosen = Chosen()
    where: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    sort: str | None = None
    limit: int | None = None


def list_runs(wanted: Wanted, form: str, chosen: str | None) -> int:
    """Print the runs, newest first if nothing else is asked for; `form` is `table`, `json` or `csv`. Raises NotFound
    for a flow that has none, and CommandLineError or ConditionError for what cannot be asked."""
    question = _Question(wanted)
    store = store_for_reading(chosen)
    damaged: dict[str, str] = {}
    everything = [row for flow in _flows(store, wanted.chosen.flow) for row in _rows(store, flow, damaged)]
    rows = question.answer(store, sorted(everything, key=lambda row: row.started, reverse=True))
    FORMS[form](rows, question.columns)
    if form == "table" and not rows:
        print(f"none of {len(everything)} runs is so" if everything else f"no runs in {store.name}", file=sys.stderr)
    _tell({f"run `{run}` is not listed": why for run, why in damaged.items()})
    question.tell_what_is_unknown()
    return 0


def _flows(store: Store, wanted: str | None) -> list[str]:
    flows = runs.flow_names(store)
    if wanted is None:
        return flows
    if wanted not in flows:
        raise not_found("flow", wanted, f"the store `{store.name}`", flows)
    return [wanted]


def _rows(store: Store, flow: str, damaged: dict[str, str]) -> list[Row]:
    """One listing says where every journal is: who reads one later need not ask for it. A run whose journal is
    `damaged` keeps nobody from the others."""
    found = overview.listed(store, flow)

    def row(run_id: str) -> Row | None:
        try:
            run = overview.of_run(store, flow, run_id, found[run_id])
            return Row(flow, run, tuple(found[run_id].segments))
        except DamagedRecord as error:
            damaged[f"{flow}/{run_id}"] = error.message
            return None

    return [each for each in store.each(row, found) if each is not None]


def _tell(lost: Mapping[str, str], most: int = 3) -> None:
    """What cannot be read, and why."""
    for what, why in islice(lost.items(), most):
        print(f"note: {what}: {why}", file=sys.stderr)
    if len(lost) > most:
        print(f"note: nor can {len(lost) - most} runs more be read", file=sys.stderr)


# ---- what is asked


class _Question:
    """What the command line asks, understood before the store is read."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self.conditions = [parse(text) for text in wanted.where]
        self.columns = tuple(dict.fromkeys(_column(name) for text in wanted.columns for name in text.split(",")))
        self.backwards = wanted.sort is not None and wanted.sort.startswith("-")
        self.sort = None if wanted.sort is None else _column(wanted.sort[1:] if self.backwards else wanted.sort)
        self.since = None if wanted.chosen.since is None else _since(wanted.chosen.since)
        for status in wanted.chosen.statuses:
            if status not in STATUSES:
                near = nearest(status, STATUSES)
                hint = f"did you mean `{near}`?" if near else f"they are {', '.join(f'`{one}`' for one in STATUSES)}"
                raise CommandLineError(f"`{status}` is no status of a run", hint)
        self._seen: set[str] = set()
        self._known: set[str] = set(ABOUT)
        self._unreadable: dict[str, str] = {}

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What has to be known of each run."""
        sort = () if self.sort is None else (self.sort,)
        return tuple(dict.fromkeys([*(each.name for each in self.conditions), *self.columns, *sort]))

    def answer(self, store: Store, rows: Iterable[Row]) -> list[Row]:
        found = self._chosen(store, (row for row in rows if self._is_wanted(row)))
        if self.sort is None:
            return list(islice(found, self.wanted.limit))
        every = list(found)
        keys = order(row.values[self.sort] for row in every)
        return self._sorted(list(zip(keys, every)))[: self.wanted.limit]

    def _sorted(self, keyed: list[tuple[tuple[Any, ...], Row]]) -> list[Row]:
        """Runs that lack the value are at the end in either direction."""
        last = [row for key, row in keyed if key[0] == 2]
        others = sorted((pair for pair in keyed if pair[0][0] < 2), key=lambda pair: pair[0], reverse=self.backwards)
        return [*(row for _, row in others), *last]

    def _chosen(self, store: Store, rows: Iterator[Row]) -> Iterator[Row]:
        if not self.names:
            yield from rows
            return
        while batch := list(islice(rows, BATCH)):
            for row in store.each(lambda row: self._asked(store, row), batch):
                if all(_holds(each, row) for each in self.conditions):
                    yield row

    def _asked(self, store: Store, row: Row) -> Row:
        """The row with what it has under the names; all else that was read for it is forgotten."""
        results = Results(store, row.flow, row.run, row.journal)
        row.values = {name: results[name] for name in self.names}
        self._seen.update(name for name, value in row.values.items() if value is not LACKS)
        if len(self._seen) < len(self.names):
            self._known.update(results.known)
        if results.unreadable:
            self._unreadable[f"{row.flow}/{row.run.run_id}"] = results.unreadable
        return row

    def _is_wanted(self, row: Row) -> bool:
        wanted, started = self.wanted.chosen, row.run.started
        if wanted.statuses and row.run.status not in wanted.statuses:
            return False
        if self.since is not None and row.started < self.since:
            return False
        if wanted.users and (started is None or started.user not in wanted.users):
            return False
        return not wanted.tags or {*wanted.tags} <= {*row.run.tags, *system_tags_of(row.run)}

    def tell_what_is_unknown(self) -> None:
        """A misspelt name would otherwise look like a result that nobody has."""
        _tell({f"results of `{run}` cannot be read": why for run, why in self._unreadable.items()})
        known = self._known - {*ABOUT}
        for name in self.names if known else ():
            if name not in self._seen | {*ABOUT}:
                print(f"note: none of these runs has `{name}`; {_meant(name, known)}", file=sys.stderr)


def _holds(condition: Condition, row: Row) -> bool:
    """What a run lacks, it neither is nor is not."""
    value = row.values[condition.name]
    return value is not LACKS and condition.holds(value)


def _meant(name: str, known: set[str]) -> str:
    """What may have been meant by a name that no run has; `known` has steps as `step.`, too."""
    step, dot, artifact = name.partition(".")
    if dot and f"{step}." not in known:
        steps = sorted(one[:-1] for one in known if one.endswith("."))
        near = nearest(step, steps)
        return f"did you mean `{near}.{artifact}`?" if near else f"there are the steps {_listed(steps)}"
    names = sorted(one for one in known if ("." in one) == bool(dot) and not one.startswith("_") and one[-1] != ".")
    near = nearest(name, {*names, *([] if dot else ABOUT)})
    return f"did you mean `{near}`?" if near else f"there is {_listed(names) or 'none in its last step'}"


def _listed(names: Sequence[str], most: int = 8) -> str:
    return ", ".join([*(f"`{name}`" for name in names[:most]), *(["…"] if len(names) > most else [])])


def _column(text: str) -> str:
    name = text.strip()
    if not all(part.isidentifier() for part in name.split(".")) or name.count(".") > 1:
        raise CommandLineError(
            f"`{name}` is no name of a column",
            "name parameters and artifacts with commas between: `alpha,accuracy`; `step.name` is one of another step",
        )
    return name


def _since(text: str) -> float:
    """Seconds since the epoch, from a day, a day and a time, or how long ago."""
    try:
        return datetime.datetime.fromisoformat(text.strip()).timestamp()
    except ValueError:
        pass
    try:
        return time.time() - spans.seconds(text, "--since")
    except CommandLineError as error:
        raise CommandLineError(
            f"`{text}` is no time, which `--since` needs",
            "write a day, `2026-11-24`, a time, `2026-11-24 09:30`, or how long ago it was: `30m`, `12h`, `3d`, `2w`",
        ) from error
