"""All runs of a flow at a glance: what a list of them shows, without reading a thousand journals.

One listing tells which runs there are and what each has. Of a run that is over, the first and the last line of its
journal say the rest; only of one that goes on, or was cut off, the journal is read.
"""

from __future__ import annotations

from dataclasses import field
from typing import Dict, FrozenSet, List, Optional, Tuple

from dockerflow.lazy_dataclasses import dataclass
from dockerflow.store import history, journal, run_tags, runs
from dockerflow.store.base import Store
from dockerflow.store.records import RunFinished, RunStarted


@dataclass(frozen=True)
class RunOverview:
    """One run. `status` is that of `history.status_now`, `tags` are the user's; `started` is None where a power cut has
    taken the beginning."""

    run_id: str
    status: str
    started: Optional[RunStarted]
    finished: Optional[RunFinished]
    tags: FrozenSet[str]


@dataclass
class Listed:
    """What a listing shows of one run: its segments with their sizes, and the files of its tags."""

    segments: Dict[str, int] = field(default_factory=dict)
    tags: List[str] = field(default_factory=list)


def of_flow(store: Store, flow: str) -> List[RunOverview]:
    """The runs of a flow that have begun, newest first. Raises DamagedRecord."""
    found = listed(store, flow)
    return store.each(lambda run_id: of_run(store, flow, run_id, found[run_id]), found)


def listed(store: Store, flow: str) -> Dict[str, Listed]:
    """The runs of a flow that have begun, newest first, by one look at the store."""
    found: Dict[str, Listed] = {}
    for key, size in store.every(runs.run_key(flow, "")):
        run_id, *path = key.split("/")[2:]
        if len(path) == 2 and path[0] in ("journal", "tags"):
            one = found.setdefault(run_id, Listed())
            if path[0] == "journal":
                one.segments[path[1]] = size
            else:
                one.tags.append(path[1])
    return {run_id: found[run_id] for run_id in runs.newest_first(found) if found[run_id].segments}


def of_run(store: Store, flow: str, run_id: str, found: Listed) -> RunOverview:
    """One of those that `listed` has found. Raises DamagedRecord."""
    started, finished = _ends(store, flow, run_id, found)
    status = finished.status if finished else ""
    if finished is None:
        run = history.read(store, flow, run_id)
        status = history.status_now(store, flow, run_id, run)
        started, finished = run.started, run.finished
    tags = run_tags.read(store, started, found.tags) if started else frozenset()
    return RunOverview(run_id, status, started, finished, tags)


def _ends(store: Store, flow: str, run_id: str, found: Listed) -> Tuple[Optional[RunStarted], Optional[RunFinished]]:
    first, last = journal.ends(store, flow, run_id, found.segments) or (None, None)
    if isinstance(first, RunStarted) and isinstance(last, RunFinished):
        return first, last
    return None, None
