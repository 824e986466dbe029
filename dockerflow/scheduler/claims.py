"""Whose the containers of a run are, which its scheduler has left: its own, or those of a run that has resumed it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from dockerflow.lazy_dataclasses import dataclass
from dockerflow.store import history, overview
from dockerflow.store.base import Store
from dockerflow.store.history import RunHistory
from dockerflow.store.records import AttemptStarted

if TYPE_CHECKING:
    from dockerflow.engines.ended_runs import EndedRun


@dataclass(frozen=True)
class Named:
    flow: str
    run_id: str

    def __str__(self) -> str:
        return f"{self.flow}/{self.run_id}"


@dataclass(frozen=True)
class Claims:
    """What living runs have of a run: `heirs` have resumed it, or one that had; `containers` are theirs by name."""

    heirs: tuple[Named, ...]
    containers: frozenset[str]


def claims_on(store: Store, run: Named) -> Claims:
    """Raises StoreError."""
    living = _living_after(store, run)
    heirs = tuple(other for other in living if run.run_id in _origins(store, living[other]))
    return Claims(heirs, frozenset(name for other in living.values() for name in _containers(other)))


def ended(run: Named, seen: RunHistory, claims: Claims) -> EndedRun:
    """What the run has on an engine and nobody else has."""
    from dockerflow.engines.ended_runs import EndedRun  # noqa: PLC0415 - Docker's libraries are needed only here

    return EndedRun(run.flow, run.run_id, _containers(seen), claims.containers)


def _living_after(store: Store, run: Named) -> Mapping[Named, RunHistory]:
    """The later runs of the flow that go on: who resumes a run is one of them."""
    found = overview.listed(store, run.flow)
    later = [run_id for run_id in found if (len(run_id), run_id) > (len(run.run_id), run.run_id)]
    seen = store.each(lambda each: overview.of_run(store, run.flow, each, found[each]), later)
    going_on = [each.run_id for each in seen if each.status == "running"]
    return {Named(run.flow, each): history.read(store, run.flow, each) for each in going_on}


def _origins(store: Store, seen: RunHistory) -> Iterator[str]:
    """The run that it resumes, the one that that one resumed, and so on."""
    while seen.started is not None and seen.started.origin_run_id is not None:
        yield seen.started.origin_run_id
        seen = history.read(store, seen.started.flow, seen.started.origin_run_id)


def attempts_of(seen: RunHistory) -> Iterator[AttemptStarted]:
    return (each.started for task in seen.tasks.values() for each in task.attempts if each.started is not None)


def _containers(seen: RunHistory) -> set[str]:
    return {started.container for started in attempts_of(seen)} - {""}
