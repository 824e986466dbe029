"""A task of a step."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from itertools import islice
from typing import Any, Dict, Iterator, List, Mapping, Optional, Tuple

from dockerflow.client import facts
from dockerflow.client.artifact import DataArtifact
from dockerflow.client.base import PathObject, local_time
from dockerflow.client.code import Code
from dockerflow.client.errors import ClientError, not_found
from dockerflow.client.facts import Metadata
from dockerflow.client.values import Values, itself, value_of
from dockerflow.store import log
from dockerflow.store.failures import log_lines
from dockerflow.store.history import Attempt, TaskHistory
from dockerflow.store.manifest import ArtifactRef
from dockerflow.store.records import AttemptFinished, Failure, LogLine, StepRecord

# Lines of a log that become one text before all do: a text for each of ten million takes as much memory as they do.
TOGETHER = 10_000


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
    """A task: `Task("Flow/run/step/task")`. It shows its latest attempt that has ended, and what the latest that has
    begun printed; or the attempt asked for by number, from 0. Iterating gives its artifacts."""

    _what, _depth = "task", 3

    _read: Tuple[str, Mapping[str, ArtifactRef]] = ("", {})

    # Values

    @property
    def data(self) -> Values:
        """The values of the artifacts, each read when asked for: `task.data.x`."""
        return Values(self._described(), self._artifacts(), value_of)

    @property
    def artifacts(self) -> Values:
        """The artifacts: `task.artifacts.x`."""
        return Values(self._described(), self._artifacts(), itself)

    def __contains__(self, name: object) -> bool:
        return name in self._refs()

    # How it went

    @property
    def status(self) -> str:
        """`waiting` (for its first or next attempt), `running`, `succeeded` or `failed`."""
        return self._task.status

    @property
    def successful(self) -> bool:
        """Whether the attempt succeeded by itself: what `@catch` made a success of was none."""
        return self._ended is not None and self._ended.ok and not self._ended.caught

    @property
    def finished(self) -> bool:
        """Whether the attempt ended well, by itself or by `@catch`; `finished_at` tells of any end."""
        return self._ended is not None and self._ended.ok

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
        """The number of the attempt asked for, otherwise of the latest that has begun, from 0."""
        return self._begun.number

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
        return (self._other(task_id) for task_id in self._source.children(self.id))

    @property
    def parent_task_pathspecs(self) -> Iterator[str]:
        return (task.pathspec for task in self.parent_tasks)

    @property
    def child_task_pathspecs(self) -> Iterator[str]:
        return (task.pathspec for task in self.child_tasks)

    @property
    def origin_pathspec(self) -> Optional[str]:
        created, flow = self._task.created, self._components[0]
        run_id = created.origin_run_id or self._source.begun.origin_run_id
        return f"{flow}/{run_id}/{created.step}/{created.origin_task_id}" if created.origin_task_id else None

    # What it ran in

    @property
    def metadata(self) -> List[Metadata]:
        """What is known of the task and its attempts, or of the one asked for, the oldest first: number, container,
        host, image, times, memory. A task that was taken over has what is known of its origin, too."""
        attempts = self._task.attempts
        if self._attempt is not None:
            attempts = tuple(one for one in attempts if one.number == self._attempt)
        found = facts.metadata_of(self, facts.facts_of(self._source.history, self._task, attempts))
        names = {entry.name for entry in found}
        return found + [entry._replace(task=self) for entry in self._of_origin() if entry.name not in names]

    @property
    def metadata_dict(self) -> Dict[str, str]:
        """The latest entry of each name in `metadata`."""
        return {entry.name: entry.value for entry in sorted(self.metadata, key=lambda entry: entry.created_at)}

    def _of_origin(self) -> List[Metadata]:
        """The last entry of each name. None where the origin is gone."""
        origin = self.origin_pathspec
        try:
            found = Task(origin, store=self._store, _namespace_check=False).metadata if origin else []
        except ClientError:
            return []
        return list({entry.name: entry for entry in found}.values())

    @property
    def environment_info(self) -> Dict[str, str]:
        """The image that the task ran in, and the lock that it was made from."""
        return facts.environment_of(self._source.history.steps.get(self._components[2], StepRecord("", ())))

    @property
    def code(self) -> Optional[Code]:
        """The code that the run was made with."""
        return Code(self._store, self._source.begun) if self._source.begun.code else None

    @property
    def runtime_name(self) -> Optional[str]:
        """What the run's system tag `runtime:` says."""
        named = [tag.partition(":")[2] for tag in self.system_tags if tag.startswith("runtime:")]
        return named[0] if named else None

    # What it printed

    @property
    def stdout(self) -> str:
        """Everything that the attempt printed to standard output; while it runs, what it has printed so far."""
        return self._text("stdout")

    @property
    def stderr(self) -> str:
        """The same of standard error; behind it stands why the attempt failed, unless `@catch` made a success of it."""
        return self._text("stderr")

    @property
    def stdout_size(self) -> int:
        """In bytes."""
        return self._size("stdout")

    @property
    def stderr_size(self) -> int:
        return self._size("stderr")

    def loglines(
        self, stream: str, as_unicode: bool = True, meta_dict: Optional[Mapping[str, str]] = None
    ) -> Iterator[Tuple[datetime, Any]]:
        """Time (UTC, as in Metaflow without saying so) and text of each line of `stdout` or `stderr`, read as one goes:
        however much was printed, little of it is in memory. `meta_dict` is Metaflow's and says nothing here."""
        for line in log.whole(self._lines(stream)):
            text = line.text if as_unicode else line.text.encode(errors="surrogateescape")
            yield datetime.fromtimestamp(line.time, timezone.utc).replace(tzinfo=None), text

    def _text(self, stream: str) -> str:
        texts = (line.text + ("\n" if line.ended else "") for line in self._lines(stream))
        return "".join("".join(some) for some in iter(lambda: list(islice(texts, TOGETHER)), []))

    def _size(self, stream: str) -> int:
        return sum(len(line.text.encode(errors="surrogateescape")) + line.ended for line in self._lines(stream))

    def _lines(self, stream: str) -> Iterator[LogLine]:
        if stream not in ("stdout", "stderr"):
            raise ValueError(f"a task prints to `stdout` or `stderr`, not to `{stream}`")
        flow, run_id = self._components[:2]
        begun = False
        for line in log.of_attempt(self._store, flow, run_id, self.id, self._begun):
            if line.stream == stream:
                yield line
                begun = not line.ended
        if stream == "stderr":
            yield from log_lines(self._begun, begun)

    # What is read from the store

    @property
    def _task(self) -> TaskHistory:
        """Raises NotFound."""
        task = self._source.history.tasks.get(self.id)
        if task is None:
            raise not_found("task", self.id, self._above._described(), self._above._names())
        return task

    @property
    def _begun(self) -> Attempt:
        """The attempt asked for, else the latest."""
        return self._chosen(self._task.attempts)

    @property
    def _ended(self) -> Optional[AttemptFinished]:
        """How the attempt asked for ended, else the latest that has."""
        return self._chosen(tuple(one for one in self._task.attempts if one.finished)).finished

    def _chosen(self, attempts: Tuple[Attempt, ...]) -> Attempt:
        if self._attempt is not None:
            return next((one for one in attempts if one.number == self._attempt), Attempt(self._attempt))
        return attempts[-1] if attempts else Attempt(0)

    @property
    def _is_control(self) -> bool:
        return facts.is_control(self._source.history, self._task)

    def _refs(self) -> Mapping[str, ArtifactRef]:
        """Every artifact of the attempt, those of ours too."""
        sha256 = self._ended.manifest if self._ended else None
        if sha256 is None:
            return {}
        if self._read[0] != sha256:
            if self._attempt is None:
                self._source.ahead.of_manifest(self._store.blobs, self._source.history, self._task)
            self._read = (sha256, self._source.artifacts.of(self._task, sha256, self._described()))
        return self._read[1]

    def _about_to_read(self, ref: ArtifactRef) -> None:
        if self._attempt is None and ref.blob != self._read[0]:
            self._source.ahead.of_artifact(self._store.blobs, self._source.history, self._task, ref.name)

    def _artifacts(self) -> Dict[str, DataArtifact]:
        return {artifact.id: artifact for artifact in self}

    def _names(self) -> List[str]:
        """As in Metaflow, a name that begins with an underscore is found by name only."""
        return [name for name in self._refs() if not name.startswith("_")]

    def _other(self, task_id: str) -> Task:
        run = self._above._above
        task: Task = run._child(self._source.history.tasks[task_id].created.step)._child(task_id)
        return task


def __getattr__(name: str) -> Any:
    """Objects that were stored when steps were here are found."""
    if name == "Step":
        from dockerflow.client.step import Step  # noqa: PLC0415 - it imports this module

        return Step
    raise AttributeError(f"module `{__name__}` has no `{name}`")
