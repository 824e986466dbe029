"""Where a run's objects are, and which runs there are.

    runs/<flow>/<run id>/claim              made first, so that no two runs get one id
    runs/<flow>/<run id>/journal/<segment>  see `journal`
    locks/<spec hash>.yml                   conda-lock files, see `dockerflow.environments`
    blobs/…                                 everything else: artifacts, logs, code packages

A run id is the time of its beginning in microseconds since the epoch, as in Metaflow: ids sort as the runs began.
"""

from __future__ import annotations

import time
from typing import Callable, List, Tuple

from dockerflow.store.directory import DirectoryStore


def run_key(flow: str, run_id: str) -> str:
    return f"runs/{flow}/{run_id}"


def journal_key(flow: str, run_id: str) -> str:
    return f"{run_key(flow, run_id)}/journal"


def lock_key(spec_hash: str) -> str:
    return f"locks/{spec_hash}.yml"


def flow_names(store: DirectoryStore) -> List[str]:
    """The flows that have runs, sorted."""
    return store.children("runs")


def run_ids(store: DirectoryStore, flow: str) -> List[str]:
    """The runs of a flow that have begun, newest first."""
    ids = sorted(store.children(f"runs/{flow}"), key=_age, reverse=True)
    return [run_id for run_id in ids if has_begun(store, flow, run_id)]


def has_begun(store: DirectoryStore, flow: str, run_id: str) -> bool:
    """Whether a run has written anything: one that was killed before that has an id and nothing to tell."""
    return bool(store.children(journal_key(flow, run_id)))


def new_run_id(store: DirectoryStore, flow: str, clock: Callable[[], float] = time.time) -> str:
    """An id that no other run of the flow has or will get, higher than those of all runs that began before."""
    number = int(clock() * 1_000_000)
    while not store.put_new(f"{run_key(flow, str(number))}/claim", b""):
        number += 1
    return str(number)


def _age(run_id: str) -> Tuple[int, str]:
    return (int(run_id) if run_id.isdigit() else 0, run_id)
