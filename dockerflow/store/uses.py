"""What of a store's blobs runs use, and what for.

A blob says nothing of who refers to it: that is in the journals and in the manifests that they name. So the answer for
one blob takes a look at all runs, and for the blobs of one run a look at that. Standard library only, Python 3.7.
"""

from __future__ import annotations

from typing import Dict, Iterator, List, NamedTuple

from dockerflow.store import history, manifest, runs
from dockerflow.store.base import Store
from dockerflow.store.errors import StoreError
from dockerflow.store.history import RunHistory, TaskHistory


class Use(NamedTuple):
    """A blob in a run. `what` is `artifact x`, `artifacts` (the manifest), `log`, `code`, `parameters` or `lock`; of a
    task, a step or the run, by the pathspec."""

    blob: str
    pathspec: str
    what: str


def of_blob(store: Store, sha256: str) -> Iterator[Use]:
    """What uses a blob, in the newest runs of each flow first."""
    for flow in runs.flow_names(store):
        yield from of_blob_in(store, sha256, flow, runs.run_ids(store, flow))


def of_blob_in(store: Store, sha256: str, flow: str, run_ids: List[str]) -> Iterator[Use]:
    """What uses a blob in these runs of a flow. A run whose journal cannot be read uses nothing that is known."""
    for run_id in run_ids:
        try:
            run = history.read(store, flow, run_id)
        except StoreError:
            continue
        yield from (use for use in of_run(store, run) if use.blob == sha256)


def of_run(store: Store, run: RunHistory) -> Iterator[Use]:
    """All that a run uses. Manifests that are gone are named, what is in them is not known."""
    if run.started is None:
        return
    pathspec = f"{run.started.flow}/{run.started.run_id}"
    seen: Dict[str, List[Use]] = {}
    yield Use(run.started.code, pathspec, "code")
    if run.started.parameters:
        yield from _of_manifest(store, run.started.parameters, pathspec, "parameter", seen)
    for step in run.started.steps:
        if step.lock:
            yield Use(step.lock, f"{pathspec}/{step.name}", "lock")
    for task in run.tasks.values():
        yield from _of_task(store, task, f"{pathspec}/{task.created.step}/{task.created.task_id}", seen)


def _of_task(store: Store, task: TaskHistory, pathspec: str, seen: Dict[str, List[Use]]) -> Iterator[Use]:
    for ended in (attempt.finished for attempt in task.attempts if attempt.finished):
        if ended.log:
            yield Use(ended.log, pathspec, "log")
        if ended.manifest:
            yield from _of_manifest(store, ended.manifest, pathspec, "artifact", seen)


def _of_manifest(store: Store, sha256: str, pathspec: str, what: str, seen: Dict[str, List[Use]]) -> Iterator[Use]:
    yield Use(sha256, pathspec, f"{what}s")
    if sha256 not in seen:
        seen[sha256] = _inside(store, sha256, what)
    yield from (use._replace(pathspec=pathspec) for use in seen[sha256])


def _inside(store: Store, sha256: str, what: str) -> List[Use]:
    try:
        refs = manifest.read(store.blobs, sha256).artifacts
    except StoreError:
        return []
    return [Use(ref.blob, "", f"{what} {name}") for name, ref in refs.items()]
