"""The events of a run's journal, one frozen class each, and their JSON lines.

The journal is the truth about a run: the scheduler alone writes it, `history` folds it into what a reader sees, and
resume starts from it. A record never changes its meaning: a reader passes over record types and fields that it does not
know, so that an older dockerflow can read a newer run.

Times are seconds since the epoch (UTC). This module is shipped into step containers: standard library only, Python 3.7.
"""

from __future__ import annotations

import json
from dataclasses import fields
from functools import lru_cache
from typing import Any, Dict, FrozenSet, NamedTuple, Optional, Tuple, Type, Union, cast

from dockerflow.lazy_dataclasses import dataclass


@dataclass(frozen=True)
class Failure:
    """Why an attempt failed.

    `kind` is one of: `exception` (the user's code raised), `exit` (it left the process with a status), `signal` (the
    process was killed), `out_of_memory` (killed by the container's memory limit), `timeout` (killed
    because it did not end at its time limit; one that did raised an `exception`), `artifact` (a value could not be
    written or read), `lost` (the worker's container went away), `stopped` (the user stopped the run), `gang`
    (another task of the gang failed). `type_name` is
    `module.Class` where there was an exception; `traceback` begins at the user's own frame. `status` is that of the
    process, or of its container, as a shell tells it: 128 and the signal's number for one that was killed. None where
    the process went on, as after an exception, or where nobody knows.
    """

    kind: str
    message: str
    type_name: str = ""
    traceback: str = ""
    hint: str = ""
    status: Optional[int] = None


@dataclass(frozen=True)
class Transition:
    """What a task's `self.next` asked for: one task of each of `steps`, or `size` tasks of its only one.

    `foreach` is the variable of a foreach; in a `gang` the tasks run at the same time.
    """

    steps: Tuple[str, ...]
    foreach: Optional[str] = None
    size: Optional[int] = None
    gang: bool = False


class LogLine(NamedTuple):
    """A tuple, since a task may print a million of them: made in a third of the time of a dataclass."""

    time: float  # seconds since the epoch
    stream: str  # `stdout` or `stderr`
    text: str  # without its line end
    ended: bool = True  # False: no line end was printed here, and the stream's next text goes on in this line


@dataclass(frozen=True)
class StepRecord:
    """One step of the flow as it was when the run began, and the image that its tasks run in.

    An engine calls the image by one of its two digests; of an image that the step brought along (`@image`) only that
    one is known, and there is no lock.
    """

    name: str
    next: Tuple[str, ...]
    doc: str = ""
    line: int = 0
    foreach: Optional[str] = None
    join: bool = False
    image: str = ""  # reference by which the engine was asked for it
    config_digest: str = ""
    manifest_digest: str = ""
    lock: str = ""  # sha256 of the blob with the conda-lock file
    spec_hash: str = ""
    base_image: str = ""  # name of the image below it, as it was configured
    base_digest: str = ""
    repository_digest: str = ""  # `name@sha256:…`, where a registry is known to have the image
    python: str = ""  # path of the Python that tasks run in, inside the image
    python_version: str = ""
    condition: Optional[str] = None
    gang: bool = False
    platform: str = ""  # conda's name for what the image is for
    transform: str = ""  # the versions of what made the image of the lock, as `image 1, layers 2`
    elsewhere: Tuple[StepRecord, ...] = ()  # the same on hosts of other platforms, where its images are others


@dataclass(frozen=True)
class GitState:
    """The repository in which the flow's file was when the run began. `dirty`: some of its files differed from
    the commit, or were new; the code package has them as they were. None: it was too large to look at all of it."""

    commit: str  # empty for a repository without any
    branch: str = ""  # empty for a commit that is checked out by itself
    dirty: Optional[bool] = False
    remote: str = ""  # the address of `origin`, without a password


@dataclass(frozen=True)
class IncludedFile:
    """What an `IncludeFile` has read. A text is counted and hashed as UTF-8 with the line ends of Unix: most files are
    so by themselves, and then this is what `sha256sum` says."""

    parameter: str  # attribute of the flow
    size: int
    sha256: str


@dataclass(frozen=True)
class RunStarted:
    """`machine`, `machine_platform` and `machine_python` are of where the scheduler ran."""

    time: float
    flow: str
    run_id: str
    user: str
    parameters: str  # manifest of the parameters
    code: str  # sha256 of the code package
    steps: Tuple[StepRecord, ...]
    flow_file: str = ""  # name of the flow's file inside the code package
    tags: Tuple[str, ...] = ()
    command: Tuple[str, ...] = ()
    version: str = ""  # of dockerflow
    doc: str = ""
    origin_run_id: Optional[str] = None  # the run that this one resumes
    system_tags: Tuple[str, ...] = ()
    git: Optional[GitState] = None
    machine: str = ""
    machine_platform: str = ""  # as `Linux-6.1.0-x86_64`
    machine_python: str = ""
    reproduces: Optional[str] = None  # the run of this flow that this one runs again to compare
    files: Tuple[IncludedFile, ...] = ()  # in `parameters`


@dataclass(frozen=True)
class TaskCreated:
    """A task to run, or, with `origin_task_id`, one whose result is that task's of the run that is resumed, or of the
    run `origin_run_id` of this flow, which left it for others to reuse.

    `inputs` are task ids; `foreach` is (step, variable, index, size) per level, outermost first.
    """

    time: float
    step: str
    task_id: str
    inputs: Tuple[str, ...] = ()
    foreach: Tuple[Tuple[str, str, int, int], ...] = ()
    origin_task_id: Optional[str] = None
    origin_run_id: Optional[str] = None


@dataclass(frozen=True)
class AttemptStarted:
    time: float
    step: str
    task_id: str
    attempt: int
    container: str = ""  # name of the container
    host: str = ""


@dataclass(frozen=True)
class AttemptFinished:
    """`final` is set when no attempt follows. `log` is the sha256 of the blob with the attempt's log, if it printed.
    `read` are the attributes of the parameters that the attempt has read, and `current.tags` and the like where it has
    asked for that; None where it is not known."""

    time: float
    step: str
    task_id: str
    attempt: int
    ok: bool
    final: bool
    manifest: Optional[str] = None
    failure: Optional[Failure] = None
    caught: bool = False
    log: Optional[str] = None
    seconds: float = 0.0
    user_seconds: float = 0.0
    system_seconds: float = 0.0
    peak_memory: int = 0
    transition: Optional[Transition] = None
    read: Optional[Tuple[str, ...]] = None


@dataclass(frozen=True)
class RunFinished:
    """`status` is `succeeded`, `failed`, or `stopped` (by the user)."""

    time: float
    status: str
    reason: str = ""


Record = Union[RunStarted, TaskCreated, AttemptStarted, AttemptFinished, RunFinished]

_KINDS: Dict[str, Type[Any]] = {
    kind.__name__: kind for kind in (RunStarted, TaskCreated, AttemptStarted, AttemptFinished, RunFinished)
}


# Fields that are records themselves, or tuples of them.
_INNER: Dict[Tuple[Type[Any], str], Type[Any]] = {
    (RunStarted, "steps"): StepRecord,
    (RunStarted, "git"): GitState,
    (RunStarted, "files"): IncludedFile,
    (StepRecord, "elsewhere"): StepRecord,
    (AttemptFinished, "failure"): Failure,
    (AttemptFinished, "transition"): Transition,
}


@lru_cache(maxsize=None)
def _fields(kind: Any) -> FrozenSet[str]:
    return frozenset(field.name for field in fields(kind))


def to_line(record: Record) -> str:
    """One line of JSON without its line end."""
    return json.dumps([type(record).__name__, record], default=vars, separators=(",", ":"))


def from_line(line: Union[str, bytes]) -> Optional[Record]:
    """The record of one line; None for a kind that this version does not know. Raises ValueError for a damaged line."""
    try:
        name, values = json.loads(line)
    except (ValueError, TypeError) as error:
        raise ValueError(f"damaged journal line: {line[:80]!r}") from error
    kind = _KINDS.get(name)
    if kind is None:
        return None
    record: Record = _build(kind, values)
    return record


def _build(kind: Type[Any], values: Dict[str, Any]) -> Any:
    known = _fields(cast(Any, kind))
    return kind(**{name: _value(kind, name, value) for name, value in values.items() if name in known})


def _value(kind: Type[Any], name: str, value: Any) -> Any:
    inner = _INNER.get((kind, name))
    if inner is None or value is None:
        return _tuples(value)
    return tuple(_build(inner, each) for each in value) if isinstance(value, list) else _build(inner, value)


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value
