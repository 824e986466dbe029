"""What of a store's blobs runs use, and what for.

A blob says nothing of who refers to it: that is in the journals, in the manifests that they name, and in the lists of
what is mirrored. So the answer for
one blob takes a look at all runs, and for the blobs of one run a look at that. Standard library only, Python 3.7.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Dict, Iterator, List, NamedTuple

from dockerflow.store import history, manifest, mirror, runs
from dockerflow.store.base import Store
from dockerflow.store.errors import DamagedRecord, StoreError
from dockerflow.store.history import RunHistory, TaskHistory


class Use(NamedTuple):
    """A blob in a run. `what` is `artifact x`, `artifacts` (the manifest), `log`, `code`, `parameter x`, `parameters`
    (their manifest), `lock`, or what `mirror.Kept` says; of a task, a step or the run, by the pathspec."""

    blob: str
    pathspec: str
    what: str
    sha256: str = ""  # of an artifact: its own, which is another than the blob's where several are in one

    @property
    def is_manifest(self) -> bool:
        """Whether the blob names others."""
        return self.what in ("artifacts", "parameters")


def of_blob(store: Store, sha256: str) -> Iterator[Use]:
    """What uses a blob, or has an artifact with this hash, in the newest runs of each flow first."""
    for flow in runs.flow_names(store):
        yield from of_blob_in(store, sha256, flow, runs.run_ids(store, flow))


def of_blob_in(store: Store, sha256: str, flow: str, run_ids: List[str]) -> Iterator[Use]:
    """What uses a blob in these runs of a flow. A run whose journal cannot be read uses nothing that is known."""
    for run_id in run_ids:
        try:
            run = history.read(store, flow, run_id)
        except StoreError:
            continue
        with suppress(DamagedRecord):
            yield from (use for use in of_run(store, run) if sha256 in (use.blob, use.sha256))


def of_run(store: Store, run: RunHistory) -> Iterator[Use]:
    """All that a run uses. Manifests that are gone are named, what is in them is not known."""
    seen: Dict[str, List[Use]] = {}
    for use in direct(run):
        yield use
        if use.is_manifest:
            if use.blob not in seen:
                seen[use.blob] = _inside(store, use)
            yield from (inner._replace(pathspec=use.pathspec) for inner in seen[use.blob])
    if run.started is not None:
        yield from mirrored(store, run.started.flow, run.started.run_id)


def mirrored(store: Store, flow: str, run_id: str) -> Iterator[Use]:
    """What is kept for the run's images. Raises DamagedRecord."""
    for kept in mirror.read(store, flow, run_id):
        yield Use(kept.blob, f"{flow}/{run_id}", kept.what)


def direct(run: RunHistory) -> Iterator[Use]:
    """What a run's journal names by itself: all but what is in the manifests."""
    if run.started is None:
        return
    pathspec = f"{run.started.flow}/{run.started.run_id}"
    yield Use(run.started.code, pathspec, "code")
    if run.started.parameters:
        yield Use(run.started.parameters, pathspec, "parameters")
    for step in run.started.steps:
        for lock in dict.fromkeys(each.lock for each in (step, *step.elsewhere) if each.lock):
            yield Use(lock, f"{pathspec}/{step.name}", "lock")
    for task in run.tasks.values():
        yield from _of_task(task, f"{pathspec}/{task.created.step}/{task.created.task_id}")


def _of_task(task: TaskHistory, pathspec: str) -> Iterator[Use]:
    for ended in (attempt.finished for attempt in task.attempts if attempt.finished):
        if ended.log:
            yield Use(ended.log, pathspec, "log")
        if ended.manifest:
            yield Use(ended.manifest, pathspec, "artifacts")


def _inside(store: Store, use: Use) -> List[Use]:
    try:
        refs = manifest.read(store.blobs, use.blob).artifacts
    except StoreError:
        return []
    return [Use(ref.blob, "", f"{use.what[:-1]} {name}", ref.sha256) for name, ref in refs.items()]
