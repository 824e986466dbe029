"""Remove from a remote host what runs have left there that ended while it was away.

Their containers live through a cut on purpose, and whoever ended the run could not reach them. A run that is dead and
did not end may be resumed, and keeps what it has there; so do runs that go on, and those of other stores.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from dockerflow.scheduler.claims import Named, claims_on, ended
from dockerflow.store import history, runs
from dockerflow.store.base import Store
from dockerflow.store.errors import StoreError

if TYPE_CHECKING:
    from dockerflow.engines.docker import DockerHost
    from dockerflow.engines.ended_runs import EndedRun


def remove_left(store: Store, host: DockerHost) -> int:
    """How many containers were removed. What cannot be known of a run keeps its own. Raises EngineError."""
    from dockerflow.engines.ended_runs import remove_containers, runs_there  # noqa: PLC0415 - Docker's libraries

    removed = 0
    for flow, run_id in runs_there(host.client, host.url):
        with suppress(StoreError):
            if (run := _left_by(store, Named(flow, run_id))) is not None:
                removed += remove_containers(host.client, host.url, run)
    return removed


def _left_by(store: Store, run: Named) -> EndedRun | None:
    """What a run has there that is over; None for others. Labels are whatever somebody has written."""
    if not (run.flow.isidentifier() and runs.is_id(run.run_id)):
        return None
    seen = history.read(store, run.flow, run.run_id)
    if seen.finished is None or runs.is_alive(store, run.flow, run.run_id):
        return None
    claims = claims_on(store, run)
    return None if claims.heirs else ended(run, seen, claims)
