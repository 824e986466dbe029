"""`runs list`, `logs` and `dump`: what the store keeps about runs, for people and, with `--json`, for programs."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from dockerflow.cli.pathspecs import Selection, select
from dockerflow.cli.places import store_for_reading, store_of_runs
from dockerflow.cli.plain import timestamp
from dockerflow.cli.tables import print_json, print_table
from dockerflow.cli.words import duration
from dockerflow.client.errors import not_found
from dockerflow.store import history, log, run_tags, runs
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.failures import log_lines
from dockerflow.store.history import TaskHistory
from dockerflow.store.records import LogLine

# ---- runs list


@dataclass(frozen=True)
class RunLine:
    """One run as the table shows it. `seconds` is None for one without an end; times are seconds since the epoch."""

    run: str
    status: str
    started: float | None
    seconds: float | None
    user: str
    tags: tuple[str, ...]

    def cells(self) -> tuple[str, ...]:
        started = "" if self.started is None else time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.started))
        took = "" if self.seconds is None else duration(self.seconds)
        return (self.run, self.status, started, took, self.user, ", ".join(self.tags))


def list_runs(flow: str | None, as_json: bool, chosen: Path | None) -> int:
    """Print a table of the runs, newest first. Raises NotFound for a flow that has none."""
    store = store_for_reading(chosen)
    lines = sorted(_run_lines(store, _flows(store, flow)), key=lambda line: line.started or 0, reverse=True)
    if as_json:
        print_json([vars(line) for line in lines])
    elif lines:
        titles = ("run", "status", "started", "took", "user", "tags")
        print_table([titles, *(line.cells() for line in lines)])
    else:
        print(f"no runs in {store.root}", file=sys.stderr)
    return 0


def _flows(store: DirectoryStore, wanted: str | None) -> list[str]:
    flows = runs.flow_names(store)
    if wanted is None:
        return flows
    if wanted not in flows:
        raise not_found("flow", wanted, f"the store `{store.root}`", flows)
    return [wanted]


def _run_lines(store: DirectoryStore, flows: Iterable[str]) -> Iterator[RunLine]:
    for flow in flows:
        for run_id in runs.run_ids(store, flow):
            run = history.read(store, flow, run_id)
            started = run.started.time if run.started else None
            took = run.finished.time - started if run.finished and started is not None else None
            user = run.started.user if run.started else ""
            tags = tuple(sorted(run_tags.read(store, run.started))) if run.started else ()
            status = history.status_now(store, flow, run_id, run)
            yield RunLine(f"{flow}/{run_id}", status, started, took, user, tags)


# ---- logs


def logs(pathspec: str, streams: frozenset[str], timestamps: bool, chosen: Path | None) -> int:
    """Print what the named tasks printed; with several tasks, a line before each says which it is."""
    store = store_of_runs(chosen)
    selection = select(store, pathspec)
    printed = ((task, tuple(_lines(store, selection, task, streams))) for task in selection.tasks)
    for number, (task, lines) in enumerate((task, lines) for task, lines in printed if lines):
        where = selection.pathspec(task)
        if len(selection.tasks) > 1 and not timestamps:
            print(f"{chr(10) if number else ''}==> {where} <==")
        prefix = f"[{where.partition('/')[2]}] "
        for line in lines:
            text = f"{timestamp(line.time)} {prefix}{line.text}\n" if timestamps else line.text + "\n" * line.ended
            sys.stdout.write(text)
    return 0


def _lines(
    store: DirectoryStore, selection: Selection, task: TaskHistory, streams: frozenset[str]
) -> Iterator[LogLine]:
    """What the latest attempt printed, and why it failed."""
    if not task.attempts:
        return
    attempt, complete = task.attempts[-1], True
    for line in log.of_attempt(store, selection.flow, selection.run_id, task.created.task_id, attempt):
        if line.stream in streams:
            yield line
            complete = line.ended
    why = log_lines(attempt) if "stderr" in streams else []
    if why and not complete:
        yield LogLine(why[0].time, "stdout", "")
    yield from why
