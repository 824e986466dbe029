"""What runs have under a name: a parameter, an artifact, or what is known of the run itself.

A name is looked for in this order: what is known of the run (`ABOUT`); its parameters; the artifacts of its last step.
`step.name` is an artifact of another step, and of several tasks what each of them has. Journals and manifests are read
only for names that need them. Values are looked at, never loaded (`inert`); what is large, or no plain value, is told
by its type.
"""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

from dockerflow.comparing import inert
from dockerflow.comparing.conditions import Several
from dockerflow.comparing.words import LARGEST as LARGEST_NUMBER
from dockerflow.errors import DockerflowError
from dockerflow.flow.view import INTERNAL
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.store import history, manifest, run_tags
from dockerflow.store.base import Store
from dockerflow.store.history import RunHistory, TaskHistory
from dockerflow.store.manifest import ArtifactRef
from dockerflow.store.overview import RunOverview

# Bytes, as they are stored. What has more is told by its type.
LARGEST = 10_000

# Tasks of a step of which each is asked for its artifact.
MOST_TASKS = 1000

ABOUT = (
    "run", "flow", "id", "status", "started", "seconds", "duration", "user", "tags", "origin", "reproduces", "commit",
    "branch", "machine", "version",
)  # fmt: skip

# What a run has not.
LACKS: Any = type("Lacks", (), {"__repr__": lambda _: "nothing"})()

_PLAIN = (bool, int, float, complex, str, type(None), datetime.date, datetime.time, datetime.timedelta, decimal.Decimal)


@dataclass(frozen=True)
class Unread:
    """A value that is told by its type alone."""

    type: str
    size: int


class Results:
    """What one run has. `known` are the names that it could have been asked for, as far as they have been met;
    `unreadable` says why something could not be read."""

    def __init__(self, store: Store, flow: str, run: RunOverview, journal: Iterable[str] | None = None) -> None:
        """`journal` are the names of the journal's segments, if they are known."""
        self._store, self.flow, self.run, self._listed = store, flow, run, journal
        self.known: set[str] = set()
        self.unreadable = ""

    def __getitem__(self, name: str) -> Any:
        """The value under a name, LACKS, Several, or Unread."""
        try:
            return self._of(name)
        except DockerflowError as error:
            self.unreadable = error.message
            return LACKS

    def _of(self, name: str) -> Any:
        if name in ABOUT:
            return self._about[name]
        step, dot, artifact = name.partition(".")
        if dot:
            return self._of_step(step, artifact)
        found = self._parameters.get(name)
        return self._read(found) if found else self._of_step(self._last, name)

    @cached_property
    def _about(self) -> Mapping[str, Any]:
        started, finished = self.run.started, self.run.finished
        git = started.git if started else None
        began = None if started is None else datetime.datetime.fromtimestamp(started.time)
        seconds = LACKS if started is None or finished is None else finished.time - started.time
        return {
            "run": f"{self.flow}/{self.run.run_id}", "flow": self.flow, "id": self.run.run_id,
            "status": self.run.status, "started": began.isoformat(" ", "seconds") if began else LACKS,
            "seconds": seconds, "duration": seconds, "tags": sorted(self.run.tags),
            "user": started.user if started else LACKS, "origin": (started and started.origin_run_id) or LACKS,
            "reproduces": (started and started.reproduces) or LACKS,
            "commit": git.commit if git else LACKS, "branch": git.branch if git else LACKS,
            "machine": (started and started.machine) or LACKS, "version": (started and started.version) or LACKS,
        }  # fmt: skip

    @cached_property
    def _parameters(self) -> Mapping[str, ArtifactRef]:
        started = self.run.started
        found = self._artifacts(started.parameters) if started and started.parameters else {}
        self.known.update(found)
        return found

    @cached_property
    def _history(self) -> RunHistory:
        return history.read(self._store, self.flow, self.run.run_id, self._listed)

    @property
    def _last(self) -> str:
        steps = self.run.started.steps if self.run.started else ()
        return next((step.name for step in steps if not step.next), "end")

    def _of_step(self, step: str, name: str) -> Any:
        tasks = self._history.tasks_by_step.get(step, ())[:MOST_TASKS]
        self.known.update(f"{each}." for each in self._history.tasks_by_step)
        found = [ref for task in tasks if (ref := self._of_task(step, task).get(name))]
        values = Several(self._read(ref) for ref in found)
        return LACKS if not values else values[0] if len(tasks) == 1 else values

    def _of_task(self, step: str, task: TaskHistory) -> Mapping[str, ArtifactRef]:
        found = self._artifacts(task.latest.manifest) if task.latest and task.latest.manifest else {}
        self.known.update(name if step == self._last else f"{step}.{name}" for name in found)
        return found

    def _artifacts(self, sha256: str) -> Mapping[str, ArtifactRef]:
        found = manifest.read_of(self._store.blobs, sha256, f"run `{self._about['run']}`").artifacts
        return {name: ref for name, ref in found.items() if name not in INTERNAL}

    def _read(self, ref: ArtifactRef) -> Any:
        if ref.size > LARGEST:
            return Unread(ref.type, ref.size)
        found = inert.look(manifest.content(self._store.blobs, ref))
        return found if is_plain(found) else Unread(ref.type, ref.size)


def system_tags_of(run: RunOverview) -> frozenset[str]:
    return run_tags.system_tags(run.started) if run.started else frozenset()


def is_plain(value: Any, depth: int = 3) -> bool:
    if isinstance(value, Mapping):
        return depth > 0 and all(is_plain(each, depth - 1) for pair in value.items() for each in pair)
    if isinstance(value, (list, tuple, set, frozenset)):
        return depth > 0 and all(is_plain(each, depth - 1) for each in value)
    return isinstance(value, _PLAIN) and not (isinstance(value, int) and value.bit_length() > LARGEST_NUMBER)


def order(values: Iterable[Any]) -> Iterator[tuple[Any, ...]]:
    """Keys to sort by: numbers before texts before others. Of several values the first counts."""
    for value in values:
        one = value[0] if isinstance(value, Several) else value
        if isinstance(one, (int, float)) and one == one:
            yield (0, one)
        else:
            yield (1, str(one)) if isinstance(one, (str, datetime.date)) else (2, "")
