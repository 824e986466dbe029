"""`runs list`, `logs` and `dump`: what the store keeps about runs, for people and, with `--json`, for programs."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from dockerflow.cli.pathspecs import Selection, select
from dockerflow.cli.places import store_for_reading, store_of_runs
from dockerflow.cli.plain import timestamp
from dockerflow.cli.tables import print_json, print_table
from dockerflow.cli.words import duration, size
from dockerflow.client.errors import not_found
from dockerflow.store import history, log, manifest, runs
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.failures import log_lines
from dockerflow.store.history import TaskHistory
from dockerflow.store.manifest import ArtifactRef
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
            user, tags = (run.started.user, run.started.tags) if run.started else ("", ())
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


# ---- dump


def dump(pathspec: str, as_json: bool, chosen: Path | None) -> int:
    """Print the artifacts of the named tasks: name, type and size; names with an underscore in front stay private."""
    store = store_of_runs(chosen)
    selection = select(store, pathspec)
    found = [(task, _artifacts(store, task)) for task in selection.tasks]
    if as_json:
        print_json([_dumped(selection, task, artifacts) for task, artifacts in found])
        return 0
    for number, (task, artifacts) in enumerate(found):
        print(f"{chr(10) if number else ''}{selection.pathspec(task)}  {task.status}{_caught(task)}")
        rows = [(f"  {name}", ref.type, size(ref.size)) for name, ref in sorted(artifacts.items())]
        print_table(rows) if rows else print("  no artifacts")
    return 0


def _caught(task: TaskHistory) -> str:
    return ", its exception caught by @catch" if task.latest is not None and task.latest.caught else ""


def _artifacts(store: DirectoryStore, task: TaskHistory) -> Mapping[str, ArtifactRef]:
    ended = task.latest
    if ended is None or ended.manifest is None:
        return {}
    artifacts = manifest.read(store.blobs, ended.manifest).artifacts
    return {name: ref for name, ref in artifacts.items() if not name.startswith("_")}


def _dumped(selection: Selection, task: TaskHistory, artifacts: Mapping[str, ArtifactRef]) -> dict[str, object]:
    return {
        "pathspec": selection.pathspec(task),
        "status": task.status,
        "caught": task.latest is not None and task.latest.caught,
        "artifacts": [
            {"name": name, "type": ref.type, "size": ref.size, "sha256": ref.sha256}
            for name, ref in sorted(artifacts.items())
        ],
    }
