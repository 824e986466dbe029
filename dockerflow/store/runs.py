"""Where a run's objects are, and which runs there are.

    runs/<flow>/<run id>/claim              made first, so that no two runs get one id
    runs/<flow>/<run id>/held               of the run's scheduler while it lives, see `hold`
    runs/<flow>/<run id>/stop               of who asks its scheduler to end it, see `stopping`
    runs/<flow>/<run id>/outbox/            what its containers write, see `blobs`
    runs/<flow>/<run id>/journal/<segment>  see `journal`
    runs/<flow>/<run id>/tags/<number>      see `run_tags`
    runs/<flow>/<run id>/mirror             what is kept of its images, see `mirror`
    runs/<flow>/<run id>/logs/<attempt>     what an attempt that runs has printed so far, see `log`; in a bucket, where
                                            a file cannot grow, in pieces `<attempt>/<number>`
    outbox/<flow>/<run id>/<sha256>         in a bucket: what its containers send in parts, until the scheduler takes it
    locks/<spec hash>.yml                   conda-lock files, see `dockerflow.environments`
    cache/<flow>/<step>/<key>/<name>        results that runs have left for others, see `dockerflow.caching.entries`
    blobs/…                                 everything else: artifacts, logs, code packages

A run id is the time of its beginning in microseconds since the epoch, as in Metaflow: ids sort as the runs began.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Callable, ContextManager, Iterable, List, Tuple

from dockerflow.store.base import Store

# Every id is higher: no clock that is right has shown less for twenty years.
FIRST_ID = 10**15


def run_key(flow: str, run_id: str) -> str:
    return f"runs/{flow}/{run_id}"


def journal_key(flow: str, run_id: str) -> str:
    return f"{run_key(flow, run_id)}/journal"


def outbox_folder(store: Store, flow: str, run_id: str) -> Path:
    return store.scratch / run_key(flow, run_id) / "outbox"


def outbox_key(flow: str, run_id: str) -> str:
    """Where in a bucket a run's steps leave what is too large for one request. Not among the runs: who looks for what
    dead ones have left need not list them all."""
    return f"outbox/{flow}/{run_id}"


def running_log(store: Store, flow: str, run_id: str, task_id: str, attempt: int) -> Path:
    return store.scratch / log_key(flow, run_id, task_id, attempt)


def log_key(flow: str, run_id: str, task_id: str, attempt: int) -> str:
    return f"{run_key(flow, run_id)}/logs/{task_id}.{attempt}"


def log_piece(flow: str, run_id: str, task_id: str, attempt: int, number: int) -> str:
    return f"{log_key(flow, run_id, task_id, attempt)}/{number:08d}"


def held_key(flow: str, run_id: str) -> str:
    return f"{run_key(flow, run_id)}/held"


def lock_key(spec_hash: str) -> str:
    return f"locks/{spec_hash}.yml"


def flow_names(store: Store) -> List[str]:
    """The flows that have runs, sorted."""
    return store.children("runs")


def is_id(name: str) -> bool:
    """Whether `new_run_id` can have given it. Who deletes asks: another store may have its objects below `runs/`, as
    `s3://team/runs` has those of `s3://team`, and names of its own there."""
    return name.isdecimal() and int(name) >= FIRST_ID


def run_ids(store: Store, flow: str) -> List[str]:
    """The runs of a flow that have begun, newest first."""
    return newest_first(store.holders(f"runs/{flow}", "journal"))


def newest_first(run_ids: Iterable[str]) -> List[str]:
    return sorted(run_ids, key=_age, reverse=True)


def has_begun(store: Store, flow: str, run_id: str) -> bool:
    """Whether a run has written anything: one that was killed before that has an id and nothing to tell."""
    return bool(store.children(journal_key(flow, run_id)))


def new_run_id(store: Store, flow: str, clock: Callable[[], float] = time.time) -> str:
    """An id that no other run of the flow has or will get, higher than those of all runs that began before."""
    number = int(clock() * 1_000_000)
    while not store.put_new(f"{run_key(flow, str(number))}/claim", b""):
        number += 1
    return str(number)


def hold(store: Store, flow: str, run_id: str) -> ContextManager[None]:
    """Be the living scheduler of a run, for `is_alive`: from before its first record and its outbox to after its last.

    Raises StoreError where that cannot be made known.
    """
    return store.hold(held_key(flow, run_id))


def is_alive(store: Store, flow: str, run_id: str) -> bool:
    """Whether the scheduler of a run lives; True where that cannot be known."""
    return store.is_held(held_key(flow, run_id))


def _age(run_id: str) -> Tuple[int, str]:
    return (int(run_id) if run_id.isdigit() else 0, run_id)
