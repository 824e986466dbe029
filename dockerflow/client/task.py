"""A step of a run, and one of its tasks."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any, Dict, Iterator, List, Mapping, Optional, Tuple

from dockerflow.client.artifact import Artifact
from dockerflow.client.base import PathObject, local_time
from dockerflow.client.source import StoreLike
from dockerflow.client.values import Values
from dockerflow.store import log, manifest
from dockerflow.store.failures import log_lines
from dockerflow.store.history import Attempt, RunHistory, TaskHistory
from dockerflow.store.manifest import ArtifactRef
from dockerflow.store.records import AttemptFinished, Failure, LogLine, StepRecord


class Step(PathObject):
    """A step that has begun in a run: `Step("Flow/run/step")`. Iterating gives its tasks, the newest first."""

    _what, _depth = "step", 2

    @property
    def task(self) -> Task:
        """One of the tasks, the newest: the only one where the step is in no foreach."""
        found: Task = next(iter(self))
        return found

    def tasks(self, *tags: str) -> Iterator[Task]:
        """The tasks, the newest first. Tags are the run's."""
        return iter(self) if self._above.tags.issuperset(tags) else iter(())

    @property
    def finished(self) -> bool:
        """Whether every task that there is by now has ended."""
        return all(task.result for task in self._tasks)

    @property
    def created_at(self) -> Optional[datetime]:
        return local_time(min(task.created.time for task in self._tasks))

    @property
    def finished_at(self) -> Optional[datetime]:
        """When the last task ended; None while one goes on."""
        ends = [task.result.time if task.result else None for task in self._tasks]
        return None if None in ends else local_time(max(end for end in ends if end))

    @property
    def duration(self) -> Optional[timedelta]:
        """From the first task's creation to the last one's end; None while one goes on."""
        return self.finished_at - self.created_at if self.finished_at and self.created_at else None

    @property
    def environment_info(self) -> Dict[str, str]:
        """The image that the step's tasks ran in, and the lock that it was made from."""
        return _environment(self._record)

    @property
    def parent_steps(self) -> Iterator[Step]:
        """The steps that this one follows, as far as they have begun."""
        before = [name for name, step in self._history.steps.items() if self.id in step.next]
        return (self._above[name] for name in before if name in self._above)

    @property
    def child_steps(self) -> Iterator[Step]:
        """The steps that follow, as far as they have begun."""
        return (self._above[name] for name in self._record.next if name in self._above)

    @property
    def _history(self) -> RunHistory:
        history: RunHistory = self._above._history
        return history

    @property
    def _record(self) -> StepRecord:
        return self._history.steps.get(self.id, StepRecord(self.id, ()))

    @property
    def _tasks(self) -> Tuple[TaskHistory, ...]:
        return self._history.tasks_by_step.get(self.id, ())

    def _names(self) -> List[str]:
        return [task.created.task_id for task in reversed(self._tasks)]

    def __contains__(self, task_id: object) -> bool:
        task = self._history.tasks.get(str(task_id))
        return task is not None and task.created.step == self.id

    def _exists(self) -> bool:
        return bool(self._tasks)


class TaskException:
    """Why a task failed, as text: the exception's class need not be here."""

    def __init__(self, failure: Failure) -> None:
        self.exception, self.type, self.stacktrace = failure.message, failure.type_name, failure.traceback
        self.kind, self.hint = failure.kind, failure.hint

    def __str__(self) -> str:
        return self.stacktrace or self.exception

    def __repr__(self) -> str:
        return f"<{self.type or self.kind}: {self.exception}>"


class Task(PathObject):
    """A task: `Task("Flow/run/step/task")`. It shows its latest attempt that has ended, or the one asked for by
    number, from 0. Iterating gives its artifacts."""

    _what, _depth = "task", 3

    def __init__(self, pathspec: str, store: StoreLike = None, attempt: Optional[int] = None) -> None:
        super().__init__(pathspec, store)
        self._attempt = attempt

    def _complete(self) -> None:
        self._attempt = None
        self._read: Tuple[str, Mapping[str, ArtifactRef]] = ("", {})

    # Values

    @property
    def data(self) -> Values:
        """The values of the artifacts, each read when asked for: `task.data.x`."""
        return Values(self._described(), self._artifacts(), lambda artifact: artifact.data)

    @property
    def artifacts(self) -> Values:
        """The artifacts: `task.artifacts.x`."""
        return Values(self._described(), self._artifacts(), lambda artifact: artifact)

    def __contains__(self, name: object) -> bool:
        return name in self._refs()

    # How it went

    @property
    def status(self) -> str:
        """`waiting` (for its first or next attempt), `running`, `succeeded` or `failed`."""
        return self._task.status

    @property
    def successful(self) -> bool:
        return self.status == "succeeded"

    @property
    def finished(self) -> bool:
        """Whether the task has ended, well or badly, and will not be tried again."""
        return self._task.result is not None

    @property
    def created_at(self) -> Optional[datetime]:
        return local_time(self._task.created.time)

    @property
    def finished_at(self) -> Optional[datetime]:
        """When the attempt ended; None before."""
        return local_time(self._ended.time if self._ended else None)

    @property
    def duration(self) -> Optional[timedelta]:
        """How long the attempt ran; None before its end."""
        return timedelta(seconds=self._ended.seconds) if self._ended else None

    @property
    def exception(self) -> Optional[TaskException]:
        """Why the attempt failed; None if it did not, also where `@catch` made a success of it."""
        ended = self._ended
        return TaskException(ended.failure) if ended and ended.failure and not ended.ok else None

    @property
    def current_attempt(self) -> int:
        """The number of the attempt that is shown, from 0."""
        return self._shown.number

    # Where it stands

    @property
    def index(self) -> Optional[int]:
        """The task's number in the innermost foreach around it."""
        frames = self._task.created.foreach
        return frames[-1][2] if frames else None

    @property
    def parent_tasks(self) -> Iterator[Task]:
        """The tasks whose artifacts this one was given."""
        return (self._other(task_id) for task_id in self._task.created.inputs)

    @property
    def child_tasks(self) -> Iterator[Task]:
        """The tasks that were given this one's artifacts."""
        tasks = self._above._history.tasks
        return (self._other(task_id) for task_id, task in tasks.items() if self.id in task.created.inputs)

    @property
    def metadata_dict(self) -> Dict[str, str]:
        """What is known of the attempt: number, container, host, image, times, memory."""
        found: Dict[str, Any] = {"attempt": self._shown.number, **self._above.environment_info}
        if self._shown.started:
            found.update(container=self._shown.started.container, host=self._shown.started.host)
        if self._ended:
            found.update(_figures(self._ended))
        return {name: str(value) for name, value in found.items() if value not in (None, "")}

    @property
    def environment_info(self) -> Dict[str, str]:
        """The image that the task ran in, and the lock that it was made from."""
        info: Dict[str, str] = self._above.environment_info
        return info

    # What it printed

    @property
    def stdout(self) -> str:
        """Everything that the attempt printed to standard output; while it runs, what it has printed so far."""
        return self._text("stdout")

    @property
    def stderr(self) -> str:
        """The same of standard error; behind it stands why the attempt failed, unless `@catch` made a success of it."""
        return self._text("stderr")

    def loglines(self, stream: str, as_unicode: bool = True) -> Iterator[Tuple[datetime, Any]]:
        """Time (UTC, as in Metaflow without saying so) and text of each line of `stdout` or `stderr`."""
        for line in self._lines(stream):
            text = line.text if as_unicode else line.text.encode(errors="surrogateescape")
            yield datetime.fromtimestamp(line.time, timezone.utc).replace(tzinfo=None), text

    def _text(self, stream: str) -> str:
        return "".join(line.text + ("\n" if line.ended else "") for line in self._lines(stream))

    def _lines(self, stream: str) -> Iterator[LogLine]:
        if stream not in ("stdout", "stderr"):
            raise ValueError(f"a task prints to `stdout` or `stderr`, not to `{stream}`")
        flow, run_id = self._above.pathspec.split("/")[:2]
        printed = log.of_attempt(self._store, flow, run_id, self.id, self._shown)
        return (line for line in (*printed, *log_lines(self._shown, printed)) if line.stream == stream)

    # What is read from the store

    @property
    def _task(self) -> TaskHistory:
        history: RunHistory = self._above._history
        return history.tasks[self.id]

    @property
    def _shown(self) -> Attempt:
        """The attempt asked for, else the latest that has ended, else the first."""
        attempts = self._task.attempts
        if self._attempt is not None:
            return next((one for one in attempts if one.number == self._attempt), Attempt(self._attempt))
        ended = [one for one in attempts if one.finished]
        return ended[-1] if ended else (attempts[-1] if attempts else Attempt(0))

    @property
    def _ended(self) -> Optional[AttemptFinished]:
        return self._shown.finished

    def _refs(self) -> Mapping[str, ArtifactRef]:
        """Every artifact of the attempt, those of ours too."""
        sha256 = self._ended.manifest if self._ended else None
        if sha256 is None:
            return {}
        if self._read[0] != sha256:
            self._read = (sha256, manifest.read(self._store.blobs, sha256).artifacts)
        return self._read[1]

    def _artifacts(self) -> Dict[str, Artifact]:
        return {artifact.id: artifact for artifact in self}

    def _names(self) -> List[str]:
        """As in Metaflow, a name that begins with an underscore is found by name only."""
        return [name for name in self._refs() if not name.startswith("_")]

    def _other(self, task_id: str) -> Task:
        run = self._above._above
        task: Task = run[run._history.tasks[task_id].created.step][task_id]
        return task

    def __reduce__(self) -> Tuple[Any, ...]:
        return type(self), (self.pathspec, str(self._store.root), self._attempt)


def _environment(step: StepRecord) -> Dict[str, str]:
    found = {
        "image": step.image,
        "config-digest": step.config_digest,
        "manifest-digest": step.manifest_digest,
        "repository-digest": step.repository_digest,
        "base-image": step.base_image,
        "base-digest": step.base_digest,
        "python-version": step.python_version,
        "lock": step.lock,
        "spec-hash": step.spec_hash,
    }
    return {name: value for name, value in found.items() if value}


def _figures(ended: AttemptFinished) -> Dict[str, Any]:
    return {
        "attempt_ok": ended.ok,
        "caught": ended.caught or None,
        "seconds": ended.seconds,
        "user-seconds": ended.user_seconds,
        "system-seconds": ended.system_seconds,
        "peak-memory": ended.peak_memory,
    }
