"""What passes between the scheduler and a worker: a task to run, its log, its result.

Every message is one frame on the worker's standard streams: four bytes of length (big endian), then JSON. Failures
travel as data, never as a pickle: the two sides may have different Pythons and different libraries.

    scheduler → worker   RunTask                        one at a time; the end of the stream means: stop
    worker → scheduler   Ready | Broken                 once: the flow was imported, or why it was not
                         Log                            lines that a task printed
                         TaskResult                     once for every RunTask

This module is shipped into step containers: standard library only, Python 3.7.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from typing import Any, BinaryIO, Callable, Dict, Optional, Tuple, Union

from dockerflow.store.records import Failure, LogLine

HEADER = struct.Struct(">I")


@dataclass(frozen=True)
class Input:
    """One finished task whose artifacts a task receives. `manifest` is the sha256 of its manifest blob."""

    step: str
    task_id: str
    manifest: str


@dataclass(frozen=True)
class ForeachFrame:
    """One level of a task's foreach stack: split number `index` of `size` over `variable`, set by a task of `step`.

    `manifest` is that task's: the list iterated over is its artifact `variable`.
    """

    step: str
    variable: str
    index: int
    size: int
    manifest: str


@dataclass(frozen=True)
class RunTask:
    flow: str
    run_id: str
    step: str
    task_id: str
    attempt: int  # 0 for the first
    last_attempt: bool  # @catch may act
    parameters: str  # manifest of the run's parameters
    inputs: Tuple[Input, ...]  # one, or for a join all, in order; none for start
    foreach: Tuple[ForeachFrame, ...] = ()  # outermost first
    fallback: Optional[Failure] = None  # set: do not run the step, let @catch record this failure
    user: str = ""
    namespace: str = ""
    tags: Tuple[str, ...] = ()
    origin_run_id: Optional[str] = None


@dataclass(frozen=True)
class Transition:
    """What the task's `self.next` asked for. `foreach` and `size` are set for a foreach."""

    steps: Tuple[str, ...]
    foreach: Optional[str] = None
    size: Optional[int] = None


@dataclass(frozen=True)
class TaskResult:
    """How one attempt ended.

    `manifest` is there whenever artifacts were written: on success, and for a failed attempt with what was set before
    the failure. `caught` is set when @catch turned a failure into success. `blobs` are the hashes of the blobs written
    to the outbox by this attempt, the manifest's among them. Times in seconds, memory in bytes.
    """

    step: str
    task_id: str
    attempt: int
    ok: bool
    manifest: Optional[str] = None
    transition: Optional[Transition] = None
    failure: Optional[Failure] = None
    caught: bool = False
    blobs: Tuple[str, ...] = ()
    seconds: float = 0.0
    user_seconds: float = 0.0
    system_seconds: float = 0.0
    peak_memory: int = 0


@dataclass(frozen=True)
class Log:
    step: str
    task_id: str
    attempt: int
    lines: Tuple[LogLine, ...] = ()


@dataclass(frozen=True)
class Ready:
    """The worker has imported the flow and waits for tasks. `libraries` are the versions of what it has imported."""

    python: str
    seconds: float


@dataclass(frozen=True)
class Broken:
    """The worker could not import the flow; it ends after this message."""

    failure: Failure


Message = Union[RunTask, Ready, Broken, Log, TaskResult]

Rebuild = Callable[[Any], Any]


def _one(kind: Callable[..., Any]) -> Rebuild:
    return lambda fields: None if fields is None else _build(kind, fields)


def _many(kind: Callable[..., Any]) -> Rebuild:
    return lambda items: tuple(_build(kind, fields) for fields in items)


# The fields that are not plain JSON values, by the class that has them.
_FIELDS: Dict[Callable[..., Any], Dict[str, Rebuild]] = {
    RunTask: {"inputs": _many(Input), "foreach": _many(ForeachFrame), "fallback": _one(Failure), "tags": tuple},
    Transition: {"steps": tuple},
    TaskResult: {"transition": _one(Transition), "failure": _one(Failure), "blobs": tuple},
    Log: {"lines": _many(LogLine)},
    Broken: {"failure": _one(Failure)},
}
_MESSAGES: Dict[str, Callable[..., Any]] = {kind.__name__: kind for kind in (RunTask, Ready, Broken, Log, TaskResult)}


def _build(kind: Callable[..., Any], fields: Dict[str, Any]) -> Any:
    rebuild = _FIELDS.get(kind, {})
    return kind(**{name: rebuild[name](value) if name in rebuild else value for name, value in fields.items()})


def to_json(value: Any) -> str:
    """One of the values of this module as JSON, without its type: `from_json` takes the type from the reader."""
    return json.dumps(value, default=vars, separators=(",", ":"))


def from_json(kind: Callable[..., Any], text: Union[str, bytes]) -> Any:
    return _build(kind, json.loads(text))


def encode(message: Message) -> bytes:
    """The frame of one message: length and JSON."""
    body = json.dumps([type(message).__name__, message], default=vars, separators=(",", ":")).encode()
    return HEADER.pack(len(body)) + body


def decode(body: bytes) -> Message:
    """The message of one frame's body (without its length). Raises ValueError for what is no message."""
    try:
        name, fields = json.loads(body)
        message: Message = _build(_MESSAGES[name], fields)
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"not a worker message: {body[:80]!r}") from error
    return message


def read(stream: BinaryIO) -> Optional[Message]:
    """The next message of a blocking, buffered stream; None at its end, also when the end cuts a frame."""
    header = stream.read(HEADER.size)
    if len(header) < HEADER.size:
        return None
    (length,) = HEADER.unpack(header)
    body = stream.read(length)
    return decode(body) if len(body) == length else None
