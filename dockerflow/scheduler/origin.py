"""The run that a resumed run begins from: its parameters and results, as far as they are still in the store.

Nothing is copied: what a resumed run takes over are hashes of blobs, so they must be there. A result that has lost one
is not taken over, and its task runs again; parameters that are lost end the matter, since nobody else knows them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dockerflow.errors import DockerflowError
from dockerflow.scheduler.errors import RunError
from dockerflow.scheduler.resumed import from_step, reusable
from dockerflow.scheduler.values import Counterpart, StepPlan
from dockerflow.store import manifest
from dockerflow.store.base import BlobStore
from dockerflow.store.errors import StoreError
from dockerflow.store.history import RunHistory
from dockerflow.store.records import AttemptFinished, RunStarted


@dataclass(frozen=True)
class Origin:
    """A run that has begun. The step `rerun`, if one is named, and all that follow it are run again."""

    started: RunStarted
    history: RunHistory
    rerun: str | None = None


def parameters(blobs: BlobStore, origin: Origin, added: Mapping[str, object]) -> str:
    """The manifest of the origin's parameters, with those that the flow has got since. Raises RunError."""
    try:
        kept = manifest.read(blobs, origin.started.parameters).artifacts
    except StoreError as error:
        run = f"{origin.started.flow}/{origin.started.run_id}"
        hint = "start a new run with the parameters that you want"
        raise RunError(f"the parameters of run `{run}` are lost: {error.message}", hint) from error
    return manifest.write(blobs, dict(added), kept) if added else origin.started.parameters


def results(blobs: BlobStore, origin: Origin, steps: Mapping[str, StepPlan]) -> dict[Counterpart, AttemptFinished]:
    """What may be taken over of the origin."""
    again = from_step(steps, origin.rerun) if origin.rerun else frozenset[str]()
    there = _There(blobs)
    return reusable(origin.history, again, lambda result: result.ok and there.has_all_of(result))


class _There:
    """Which blobs are in the store. Tasks share most of them, so each is looked for once."""

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs
        self._known: dict[str, bool] = {}

    def has_all_of(self, result: AttemptFinished) -> bool:
        try:
            refs = manifest.read(self._blobs, result.manifest or "").artifacts.values() if result.manifest else ()
        except DockerflowError:  # it is gone, or damaged
            return False
        return result.manifest is not None and all(self._has(ref.blob) for ref in refs)

    def _has(self, sha256: str) -> bool:
        if sha256 not in self._known:
            self._known[sha256] = self._blobs.has(sha256)
        return self._known[sha256]
