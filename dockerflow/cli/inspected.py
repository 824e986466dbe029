"""What is recorded of a run, a step, a task or an artifact, as one document of plain values: that of `inspect --json`.

A name in it never changes its meaning; new ones may come. What is not known, as in the records of older versions, is
None or an empty list. Times are seconds since the epoch, sizes bytes, hashes sha256 in hex. What the record names and
the store no longer has is told where it belongs (`unreadable`), and the rest is there. Values are looked at, never
loaded: nobody's code is called.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

from dockerflow.cli.inspected_values import Value, value_of
from dockerflow.cli.pathspecs import Selection, origin_of
from dockerflow.client.errors import not_found
from dockerflow.errors import DockerflowError
from dockerflow.store import history, manifest, run_tags
from dockerflow.store.base import Store
from dockerflow.store.history import Attempt, TaskHistory
from dockerflow.store.manifest import ArtifactRef
from dockerflow.store.records import AttemptFinished, IncludedFile, RunStarted, StepRecord, Transition
from dockerflow.store.run_artifacts import RunArtifacts

Document = dict[str, Any]

# Of a parameter, as it is stored: a larger value is told by its size and hash alone.
LARGEST_VALUE = 64 * 1024


class Inspected:
    """The documents of one selection. What several of them share is read once."""

    def __init__(self, store: Store, selection: Selection) -> None:
        self._store, self._selection, self._run = store, selection, selection.run
        self._pathspec = f"{selection.flow}/{selection.run_id}"
        self._packages: dict[str, list[Document] | None] = {}

    # ---- a run

    def run(self) -> Document:
        """All but the tasks, which `with_tasks` adds. Raises DamagedRecord for a run that has not begun."""
        started, ended = self._started, self._run.finished
        return {
            "kind": "run",
            "pathspec": self._pathspec,
            "status": self.status,
            "reason": ended.reason if ended else "",
            "started": started.time,
            "finished": ended.time if ended else None,
            "user": started.user,
            "command": list(started.command),
            "tags": sorted(run_tags.read(self._store, started)),
            "system_tags": sorted(run_tags.system_tags(started)),
            "resumes": self._of_flow(started.origin_run_id),
            "reproduces": self._of_flow(started.reproduces),
            "dockerflow": started.version,
            "machine": _or_none(name=started.machine, platform=started.machine_platform, python=started.machine_python),
            "code": {"sha256": started.code, "flow_file": started.flow_file},
            "git": vars(started.git) | {} if started.git else None,
            "parameters": self._parameters(),
            "unreadable": self._artifacts(started.parameters)[1],
            "steps": [self.step(name) for name in self._run.tasks_by_step],
        }

    @cached_property
    def status(self) -> str:
        """The run's, by now."""
        return history.status_now(self._store, self._selection.flow, self._selection.run_id, self._run)

    def step(self, name: str) -> Document:
        record = self._run.steps.get(name, StepRecord(name, ()))
        return {
            "kind": "step",
            "pathspec": f"{self._pathspec}/{name}",
            "name": name,
            "doc": record.doc,
            "line": record.line,
            "next": list(record.next),
            "foreach": record.foreach,
            "condition": record.condition,
            "join": record.join,
            "gang": record.gang,
            "environments": [self._environment(one) for one in (record, *record.elsewhere) if one.image],
        }

    def with_tasks(self, document: Document) -> Document:
        """A run's or a step's, each step with its tasks."""
        if document["kind"] == "run":
            return {**document, "steps": [self.with_tasks(step) for step in document["steps"]]}
        return {**document, "tasks": self._store.each(self.task, self._run.tasks_by_step[document["name"]])}

    @property
    def _started(self) -> RunStarted:
        if self._run.started is None:
            raise history.no_beginning(self._pathspec)
        return self._run.started

    def _of_flow(self, run_id: str | None) -> str | None:
        return f"{self._selection.flow}/{run_id}" if run_id else None

    # ---- what a run was given

    def _parameters(self) -> list[Document]:
        files = {each.parameter: each for each in self._started.files}
        return [self._parameter(name, ref, files.get(name)) for name, ref in sorted(self._given.items())]

    @cached_property
    def _given(self) -> Mapping[str, ArtifactRef]:
        """The parameters; none where they are gone."""
        return self._artifacts(self._started.parameters)[0] or {}

    def _parameter(self, name: str, ref: ArtifactRef, file: IncludedFile | None) -> Document:
        read = Value() if file or ref.size >= LARGEST_VALUE else value_of(self._store.blobs, ref)
        return {
            "name": name,
            "type": ref.type,
            "size": ref.size,
            "sha256": ref.sha256,
            "value": read.plain,
            "text": read.text,
            "file": {"size": file.size, "sha256": file.sha256} if file else None,
            "unreadable": read.unreadable,
        }

    # ---- what a step ran in

    def _environment(self, record: StepRecord) -> Document:
        base = {"name": record.base_image, "digest": record.base_digest}
        return {
            "platform": record.platform,
            "image": record.image,
            "config_digest": record.config_digest,
            "manifest_digest": record.manifest_digest,
            "repository_digest": record.repository_digest,
            "base": base if record.base_image else None,
            "transform": record.transform,
            "lock": record.lock,
            "spec_hash": record.spec_hash,
            "python": record.python,
            "python_version": record.python_version,
            "packages": self._locked(record.lock) if record.lock else [],
        }

    def _locked(self, sha256: str) -> list[Document] | None:
        """The packages of a lock; None where it is gone."""
        if sha256 not in self._packages:
            self._packages[sha256] = _packages(self._store, sha256)
        return self._packages[sha256]

    # ---- a task

    def task(self, task: TaskHistory) -> Document:
        created, result = task.created, task.result or task.latest
        refs, unreadable = self._artifacts_of(task, result.manifest if result else None)
        outputs = None if refs is None else [self._output(name, ref) for name, ref in sorted(refs.items())]
        return {
            "kind": "task",
            "pathspec": self._selection.pathspec(task),
            "status": task.status,
            "created": created.time,
            "foreach": [dict(zip(("step", "variable", "index", "size"), frame)) for frame in created.foreach],
            "origin": origin_of(self._selection, task),
            "inputs": [self._input(task_id) for task_id in created.inputs],
            "parameters": {"sha256": self._started.parameters, "read": _listed(result.read) if result else None},
            "next": _transition(result.transition if result else None),
            "manifest": result.manifest if result else None,
            "outputs": outputs,
            "unreadable": unreadable,
            "attempts": [_attempt(one) for one in task.attempts],
        }

    def artifact(self, task: TaskHistory, name: str) -> Document:
        """Raises NotFound, and StoreError where the task's artifacts cannot be read."""
        whose, ended = self._selection.pathspec(task), task.latest
        sha256 = ended.manifest if ended else None
        refs = self._every.of(task, sha256, f"task `{whose}`") if sha256 else {}
        if name not in refs:
            public = (one for one in refs if not one.startswith("_"))
            raise not_found("artifact", name, f"task `{whose}`", public)
        return {"kind": "artifact", "pathspec": f"{whose}/{name}", **self._output(name, refs[name])}

    def _output(self, name: str, ref: ArtifactRef) -> Document:
        return {
            "name": name,
            "type": ref.type,
            "size": ref.size,
            "sha256": ref.sha256,
            "blob": ref.blob,
            "step": ref.step,
            "is_parameter": not ref.step and name in self._given,
            "libraries": dict(ref.libraries),
        }

    def _input(self, task_id: str) -> Document:
        task = self._run.tasks.get(task_id)
        result = task.result if task else None
        pathspec = self._selection.pathspec(task) if task else None
        return {"task": pathspec, "manifest": result.manifest if result else None}

    @cached_property
    def _every(self) -> RunArtifacts:
        return RunArtifacts(self._store.blobs, self._run.started)

    def _artifacts_of(
        self, task: TaskHistory, sha256: str | None
    ) -> tuple[Mapping[str, ArtifactRef] | None, str | None]:
        """Those of a task, as `_artifacts` gives them."""
        if not sha256:
            return {}, None
        try:
            return self._every.of(task, sha256, f"task `{self._selection.pathspec(task)}`"), None
        except DockerflowError as error:
            return None, error.message

    def _artifacts(self, sha256: str | None) -> tuple[Mapping[str, ArtifactRef] | None, str | None]:
        """Those of a manifest, or None with the reason; none where there is no manifest."""
        if not sha256:
            return {}, None
        try:
            return manifest.read(self._store.blobs, sha256).artifacts, None
        except DockerflowError as error:
            return None, error.message


def _packages(store: Store, sha256: str) -> list[Document] | None:
    from dockerflow.environments.errors import EnvironmentsError
    from dockerflow.environments.lock_file import loads

    try:
        lock = loads(bytes(store.blobs.get(sha256)).decode(), f"blob {sha256}")
    except (DockerflowError, EnvironmentsError, UnicodeDecodeError):
        return None
    return [
        {
            "name": one.name,
            "version": one.version,
            "build": one.build,
            "manager": one.manager,
            "sha256": one.sha256,
            "requested": one.name in lock.requested,
        }
        for one in lock.packages
    ]


def _attempt(attempt: Attempt) -> Document:
    begun, ended = attempt.started, attempt.finished
    return {
        "number": attempt.number,
        "started": begun.time if begun else None,
        "finished": ended.time if ended else None,
        "host": begun.host if begun else None,
        "container": begun.container if begun else None,
        "seconds": ended.seconds if ended else None,
        "user_seconds": ended.user_seconds if ended else None,
        "system_seconds": ended.system_seconds if ended else None,
        "peak_memory": ended.peak_memory if ended else None,
        "manifest": ended.manifest if ended else None,
        "log": ended.log if ended else None,
        "read": _listed(ended.read) if ended else None,
        "exit": _exit(ended) if ended else None,
    }


def _exit(ended: AttemptFinished) -> Document:
    """`kind` is `ok`, or that of the failure, which `@catch` may have made a success of."""
    why = ended.failure
    return {
        "kind": why.kind if why else "ok",
        "ok": ended.ok,
        "caught": ended.caught,
        "status": why.status if why else None,
        "type": why.type_name if why else "",
        "message": why.message if why else "",
        "traceback": why.traceback if why else "",
        "hint": why.hint if why else "",
    }


def _transition(asked: Transition | None) -> Document | None:
    return vars(asked) | {"steps": list(asked.steps)} if asked else None


def _listed(names: Iterable[str] | None) -> Sequence[str] | None:
    return None if names is None else sorted(names)


def _or_none(**values: str) -> Document | None:
    return dict(values) if any(values.values()) else None
