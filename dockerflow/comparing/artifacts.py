"""Which artifacts of two runs are the same, task by task.

    for task in compare(Side(store, first), Side(other_store, second)):
        print(task.pair.place, task.identical, task.artifacts)

Values are the same if their hashes are, which the tasks' manifests have: no value is read, and the blob of a value may
be gone. A task of the one run is compared with that of the same step at the same place in the foreaches of the other.

Most artifacts of a task were made by one before it. What such a one says is told where it was made, and marked
`passed_on` in the tasks after it: a difference counts once, however many tasks it went through.

What dockerflow itself keeps among the artifacts is left out, cards as well: they show times and names of the run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice

from dockerflow.errors import DockerflowError
from dockerflow.flow.view import INTERNAL
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.scheduler.resumed import counted
from dockerflow.scheduler.values import Counterpart
from dockerflow.store.base import Store
from dockerflow.store.history import RunHistory, TaskHistory, status_now
from dockerflow.store.manifest import LARGE, ArtifactRef
from dockerflow.store.parallel import in_threads
from dockerflow.store.run_artifacts import RunArtifacts

IDENTICAL = "identical"
DIFFERS = "differs"
ONLY_FIRST = "only in the first"
ONLY_SECOND = "only in the second"
VERDICTS = (IDENTICAL, DIFFERS, ONLY_FIRST, ONLY_SECOND)

# Tasks whose manifests are in memory at a time.
BATCH = 256

# An artifact as two tasks have it: its name and its hashes; nothing where a task has none.
_Seen = tuple[str, str, str]


@dataclass(frozen=True)
class Side:
    """One of the two runs, and the store that it is in."""

    store: Store
    history: RunHistory

    @property
    def status(self) -> str:
        """The run's, by now: `killed`, too, which the journal cannot tell."""
        started = self.history.started
        if started is None:
            return self.history.status
        return status_now(self.store, started.flow, started.run_id, self.history)


@dataclass(frozen=True)
class TaskPair:
    """What corresponds to each other. At least one is there. `over` are the runs in which nothing goes on any more."""

    place: Counterpart
    first: TaskHistory | None = None
    second: TaskHistory | None = None
    over: tuple[bool, bool] = (False, False)

    @property
    def statuses(self) -> tuple[str, str]:
        """As of `TaskHistory.status`, but `caught` for a failure that `@catch` made a success, and `cut off` for a task
        that the end of its run came before; empty: no such task."""
        return _status(self.first, self.over[0]), _status(self.second, self.over[1])

    @property
    def name(self) -> str:
        """`train[2,0]`: the step, the place in the foreaches, and, of several there, which."""
        step, indexes, number = self.place
        where = f"[{','.join(map(str, indexes))}]" if indexes else ""
        return f"{step}{where}{f' (no. {number + 1})' if number else ''}"


@dataclass(frozen=True)
class ArtifactPair:
    """One name among the artifacts of two tasks. At least one of the refs is there."""

    name: str
    first: ArtifactRef | None
    second: ArtifactRef | None
    passed_on: bool = False  # it was made by an earlier task, of which the same is told

    @property
    def verdict(self) -> str:
        if self.first is None or self.second is None:
            return ONLY_FIRST if self.second is None else ONLY_SECOND
        return IDENTICAL if self.first.sha256 == self.second.sha256 else DIFFERS


@dataclass(frozen=True)
class ComparedTask:
    """Two tasks with their artifacts by name, sorted. `unreadable` says why those of one of them are not known."""

    pair: TaskPair
    artifacts: tuple[ArtifactPair, ...] = ()
    unreadable: str = ""

    @property
    def made(self) -> tuple[ArtifactPair, ...]:
        """The artifacts without those that were passed on."""
        return tuple(each for each in self.artifacts if not each.passed_on)

    @property
    def identical(self) -> bool:
        """Whether both ended alike, and all that they made is the same."""
        first, second = self.pair.statuses
        return first == second and not self.unreadable and all(each.verdict == IDENTICAL for each in self.made)


def pairs(first: Side, second: Side) -> Iterator[TaskPair]:
    """The tasks of both runs: in the first's order of creation, then those that only the second has."""
    over = first.status != "running", second.status != "running"
    others = dict(counted(second.history))
    for place, task in counted(first.history):
        yield TaskPair(place, task, others.pop(place, None), over)
    for place, task in others.items():
        yield TaskPair(place, None, task, over)


def compare(first: Side, second: Side) -> Iterator[ComparedTask]:
    """All tasks, in the order of `pairs`. Manifests are read while one goes on, some hundred at a time."""
    told: set[_Seen] = set()  # what differs, so far
    every, reading = pairs(first, second), _Reading(first, second)
    while batch := list(islice(every, BATCH)):
        read = in_threads(reading.of_both, batch)
        yield from (_compared(pair, refs, told) for pair, refs in zip(batch, read, strict=True))


# ---- reading

_Refs = Mapping[str, ArtifactRef]


class _Reading:
    """Threads may share it."""

    def __init__(self, first: Side, second: Side) -> None:
        self._first = RunArtifacts(first.store.blobs, first.history.started)
        self._second = RunArtifacts(second.store.blobs, second.history.started)
        begun = first.history.started, second.history.started
        self._same_parameters = begun[0] and begun[1] and begun[0].parameters == begun[1].parameters

    def of_both(self, pair: TaskPair) -> tuple[_Refs, _Refs] | str:
        """Or why they cannot be read."""
        try:
            one = _refs(self._first, pair.first)
            same = self._same_parameters and _manifest(pair.first) == _manifest(pair.second)
            return one, one if same else _refs(self._second, pair.second)
        except DockerflowError as error:
            return error.message


def _refs(artifacts: RunArtifacts, task: TaskHistory | None) -> _Refs:
    sha256 = _manifest(task)
    if task is None or sha256 is None:
        return {}
    found = artifacts.of(task, sha256, f"task `{task.created.step}/{task.created.task_id}`")
    return {name: ref for name, ref in found.items() if name not in INTERNAL}


def _manifest(task: TaskHistory | None) -> str | None:
    return task.result.manifest if task and task.result else None


def _status(task: TaskHistory | None, is_over: bool) -> str:
    if task is None:
        return ""
    if task.result is None and is_over:
        return "cut off"
    return "caught" if task.result and task.result.caught else task.status


# ---- comparing


def _compared(pair: TaskPair, read: tuple[_Refs, _Refs] | str, told: set[_Seen]) -> ComparedTask:
    if isinstance(read, str):
        return ComparedTask(pair, unreadable=read)
    first, second = read
    names = sorted({*first, *second})
    return ComparedTask(pair, tuple(_artifact(name, pair, first.get(name), second.get(name), told) for name in names))


def _artifact(
    name: str, pair: TaskPair, first: ArtifactRef | None, second: ArtifactRef | None, told: set[_Seen]
) -> ArtifactPair:
    made = _made_by(pair.place, pair.first, first) or _made_by(pair.place, pair.second, second)
    seen = (name, first.sha256 if first else "", second.sha256 if second else "")
    if seen[1] == seen[2]:
        return ArtifactPair(name, first, second, passed_on=not made)
    # A join may pass on what another branch made than in the other run: that is a difference of its own.
    passed_on = not made and (seen in told or not pair.first or not pair.second)
    told.add(seen)
    return ArtifactPair(name, first, second, passed_on)


def _made_by(place: Counterpart, task: TaskHistory | None, ref: ArtifactRef | None) -> bool:
    """Whether the task made the artifact itself. Parameters, which no step made, count for the first task."""
    if task is None or ref is None:
        return False
    is_here = ref.blob == _manifest(task)
    if not ref.step:  # also of an older dockerflow, which did not write it down
        return is_here or not task.created.inputs
    # Where a step follows upon itself, another task of it may have made what it has.
    return ref.step == place.step and (not place.number or is_here or ref.size >= LARGE)
