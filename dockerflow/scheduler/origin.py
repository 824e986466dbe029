"""The run that a resumed run begins from: its parameters and results, as far as they are still in the store.

Nothing is copied: what a resumed run takes over are hashes of blobs, so they must be there, and are kept, since the
origin may be deleted at the same time. A result that has lost one is not taken over, and its task runs again;
parameters that are lost end the matter, since nobody else knows them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from dockerflow.lazy_dataclasses import dataclass
from dockerflow.scheduler.errors import RunError
from dockerflow.scheduler.resumed import from_step, reusable
from dockerflow.scheduler.values import Counterpart, StepPlan
from dockerflow.scheduler.whole import Whole
from dockerflow.store import manifest
from dockerflow.store.base import BlobStore
from dockerflow.store.errors import StoreError
from dockerflow.store.history import RunHistory
from dockerflow.store.parallel import in_threads
from dockerflow.store.records import AttemptFinished, RunStarted

_ANEW = "start a new run with the parameters that you want"


@dataclass(frozen=True)
class Origin:
    """A run that has begun. The step `rerun`, if one is named, and all that follow it are run again. `changed` are the
    attributes of parameters that have other values now, which no result that is taken over has read: see `changed`."""

    started: RunStarted
    history: RunHistory
    rerun: str | None = None
    changed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reproduced:
    """The run that is run again, with its code and in its images. `code` is its code package; with `allow_rebuilt` an
    image that cannot be had again may be another."""

    started: RunStarted
    code: bytes
    allow_rebuilt: bool = False

    @property
    def name(self) -> str:
        return f"{self.started.flow}/{self.started.run_id}"


def parameters(blobs: BlobStore, origin: Origin, new: Mapping[str, object], names: Collection[str]) -> str:
    """The manifest of the origin's parameters, with the values that are `new`; of these `names` alone, which the flow
    has now. Raises RunError."""
    try:
        every = manifest.read(blobs, origin.started.parameters).artifacts
    except StoreError as error:
        run = f"{origin.started.flow}/{origin.started.run_id}"
        raise RunError(f"the parameters of run `{run}` are lost: {error.message}", _ANEW) from error
    kept = {name: ref for name, ref in every.items() if name in names and name not in new}
    if not all(in_threads(blobs.keep, {origin.started.parameters, *(ref.blob for ref in kept.values())})):
        raise RunError(f"parameters of run `{origin.started.flow}/{origin.started.run_id}` are lost", _ANEW)
    return manifest.write(blobs, dict(new), kept) if new or len(kept) < len(every) else origin.started.parameters


def results(blobs: BlobStore, origin: Origin, steps: Mapping[str, StepPlan]) -> dict[Counterpart, AttemptFinished]:
    """What may be taken over of the origin."""
    again = from_step(steps, origin.rerun) if origin.rerun else frozenset[str]()
    whole_ones = Whole(blobs)
    found = [task.result for task in origin.history.tasks.values() if task.result and task.result.ok]
    manifests = {result.manifest for result in found if result.manifest}
    whole = {sha256 for sha256, has in zip(manifests, in_threads(whole_ones.has, manifests), strict=True) if has}
    return reusable(origin.history, again, lambda result: result.ok and result.manifest in whole)
