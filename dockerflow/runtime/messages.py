"""What passes between the scheduler and a worker: a task to run, its log, its result.

Every message is one frame on the worker's standard streams: four bytes of length (big endian), then JSON. Failures
travel as data, never as a pickle: the two sides may have different Pythons and different libraries. Neither side trusts
the other's bytes: user code has run in the worker, so every field's type is checked when a message is read.

    scheduler → worker   RunTask                        one at a time; the end of the stream means: stop
                         Answered                       once for every Ask; with a bucket also as the first, unasked
    worker → scheduler   Ready | Broken                 once: the flow was imported, or why it was not
                         Log                            lines that a task printed
                         Ask                            what a task wants of the bucket, see `store.s3.access`
                         TaskResult                     once for every RunTask

With a bucket the code package goes before the first message: length and bytes as in a frame, see `bootstrap`.

This module is shipped into step containers: standard library only, Python 3.7.
"""

from __future__ import annotations

import base64
import json
import struct
from dataclasses import field, is_dataclass
from functools import lru_cache
from typing import Any, BinaryIO, Callable, Dict, List, Optional, Tuple, Type, Union, get_type_hints

from dockerflow.flow.definition import Project
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.store.records import Failure, LogLine, Transition
from dockerflow.store.s3.access import Answer, Question

HEADER = struct.Struct(">I")

STREAMS = ("stdout", "stderr")  # of a log line


@dataclass(frozen=True)
class Input:
    """One finished task whose artifacts a task receives. `manifest` is the sha256 of its manifest blob."""

    step: str
    task_id: str
    manifest: str


@dataclass(frozen=True)
class ForeachFrame:
    """One level of a task's foreach stack: split number `index` of `size` over `variable`, set by a task of `step`.

    `manifest` is that task's: the list iterated over is its artifact `variable`. Without a variable it is a gang's.
    """

    step: str
    variable: str
    index: int
    size: int
    manifest: str


def stack_of(foreach: Tuple[ForeachFrame, ...]) -> List[Tuple[str, str, int, int, str]]:
    """As a task keeps its place among its artifacts: see `flow.view.FOREACH_STACK`."""
    return [(each.step, each.variable, each.index, each.size, each.manifest) for each in foreach]


@dataclass(frozen=True)
class Gang:
    """The tasks that run at the same time as this one, which is number `index` of `size`.

    Number 0 is the gang's control task, and the others can reach it at `address`.
    """

    index: int
    size: int
    control_task_id: str
    address: str


@dataclass(frozen=True)
class Secret:
    """One variable of a task's environment that nobody else may see: it is in no record and no representation."""

    variable: str
    value: str = field(repr=False)


@dataclass(frozen=True)
class Inline:
    """A small blob that travels in a message. `content` is its bytes in base64."""

    sha256: str
    content: str = field(repr=False)

    @classmethod
    def of(cls, sha256: str, data: bytes) -> Inline:
        return cls(sha256, base64.b64encode(data).decode())

    @property
    def data(self) -> bytes:
        """Raises ValueError."""
        return base64.b64decode(self.content, validate=True)


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
    time_limit: float = 0.0  # seconds that the step may take (`@timeout`); 0: as long as it likes
    grace: float = 30.0  # seconds after which a step that does not end at its time limit is ended by force
    secrets: Tuple[Secret, ...] = ()
    project: Optional[Project] = None
    gang: Optional[Gang] = None
    known: Tuple[Inline, ...] = ()  # blobs of the store that the task need not ask it for


@dataclass(frozen=True)
class TaskResult:
    """How one attempt ended.

    `manifest` is there whenever artifacts were written: on success, and for a failed attempt with what was set before
    the failure. `caught` is set when @catch turned a failure into success. `blobs` are the hashes of the blobs written
    to the outbox by this attempt, the manifest's among them; `inline` those that are not in any store yet; `sent` those
    that are in the run's outbox in the bucket. `asked` are the changes of tags (see `store.asked_tags`) where the
    scheduler does not see the outbox. `read` are the attributes of the parameters that the attempt has read; None: that
    is not known. Times in seconds, memory in bytes.
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
    inline: Tuple[Inline, ...] = ()
    sent: Tuple[str, ...] = ()
    asked: Tuple[str, ...] = ()
    seconds: float = 0.0
    user_seconds: float = 0.0
    system_seconds: float = 0.0
    peak_memory: int = 0
    read: Optional[Tuple[str, ...]] = None


@dataclass(frozen=True)
class Log:
    step: str
    task_id: str
    attempt: int
    lines: Tuple[LogLine, ...] = ()


@dataclass(frozen=True)
class Ready:
    """The worker has imported the flow, which took `seconds`, and waits for tasks. `python` is its version.

    `unforkable` is what the import has left that would not survive a fork; empty: nothing.
    """

    python: str
    seconds: float
    unforkable: str = ""


@dataclass(frozen=True)
class Broken:
    """The worker could not import the flow; it ends after this message."""

    failure: Failure


@dataclass(frozen=True)
class Ask:
    """A question of a task, or of the flow while it is imported. Its answer has the same number."""

    number: int
    question: Question


@dataclass(frozen=True)
class Answered:
    number: int  # 0: nobody asked
    answer: Answer


Message = Union[RunTask, Answered, Ready, Broken, Log, Ask, TaskResult]

_MESSAGES: Dict[str, Type[Any]] = {
    kind.__name__: kind for kind in (RunTask, Answered, Ready, Broken, Log, Ask, TaskResult)
}

Read = Callable[[Any], Any]

# Seconds since the epoch, or of an attempt: what is longer would be no time that a calendar can show.
_SECONDS = 1e11


def _count(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 1 << 63:
        raise ValueError(f"no count: {value!r:.40}")
    return value


def _seconds(value: Any) -> float:
    if type(value) not in (int, float) or not 0 <= value < _SECONDS:  # no number is below nor above NaN
        raise ValueError(f"no time: {value!r:.40}")
    return float(value)


def _exactly(kind: type) -> Read:
    def read_plain(value: Any) -> Any:
        if type(value) is not kind:
            raise ValueError(f"no {kind.__name__}: {value!r:.40}")
        return value

    return read_plain


def _line(value: Any) -> LogLine:
    """Of a row, since there may be a million of them."""
    time, stream, text, ended = value
    if stream not in STREAMS or type(text) is not str or type(ended) is not bool:
        raise ValueError(f"no line: {value!r:.40}")
    return LogLine(_seconds(time), stream, text, ended)


_PLAIN: Dict[Any, Read] = {str: _exactly(str), bool: _exactly(bool), int: _count, float: _seconds, LogLine: _line}


def _reader(hint: Any) -> Read:
    """What reads a field of this type from JSON, or raises ValueError."""
    if isinstance(hint, type) and is_dataclass(hint):
        return lambda value: _build(hint, value)
    if hint in _PLAIN:
        return _PLAIN[hint]
    each = _reader(hint.__args__[0])
    if hint.__origin__ is Union:  # Optional
        return lambda value: None if value is None else each(value)
    several = _exactly(list)
    return lambda value: tuple(each(one) for one in several(value))


@lru_cache(maxsize=None)
def _readers(kind: Any) -> Dict[str, Read]:
    """By field. Made when the first of them is read: a worker reads few kinds, and waits for them to begin."""
    return {name: _reader(hint) for name, hint in get_type_hints(kind).items()}


def _build(kind: Callable[..., Any], value: Any) -> Any:
    if not isinstance(value, dict):
        raise ValueError(f"no fields: {value!r:.40}")
    readers = _readers(kind)
    return kind(**{name: readers[name](field) for name, field in value.items()})


def _read(build: Callable[[Any], Any], text: Union[str, bytes]) -> Any:
    """Raises ValueError whatever is wrong: a task may have written the text."""
    try:
        return build(json.loads(text))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"not a worker message: {text[:80]!r}") from error


def _message(value: Any) -> Any:
    name, fields = value
    return _build(_MESSAGES[name], fields)


def to_json(value: Any) -> str:
    """One of the values of this module as JSON, without its type: `from_json` takes the type from the reader."""
    return json.dumps(value, default=vars, separators=(",", ":"))


def from_json(kind: Callable[..., Any], text: Union[str, bytes]) -> Any:
    """Raises ValueError for what is no JSON, or has a field too few, too many, or of another type."""
    return _read(lambda value: _build(kind, value), text)


def encode(message: Message) -> bytes:
    """The frame of one message: length and JSON."""
    body = json.dumps([type(message).__name__, message], default=vars, separators=(",", ":")).encode()
    return HEADER.pack(len(body)) + body


def decode(body: bytes) -> Message:
    """The message of one frame's body (without its length). Raises ValueError for what is no message."""
    message: Message = _read(_message, body)
    return message


def read(stream: BinaryIO) -> Optional[Message]:
    """The next message of a blocking, buffered stream; None at its end, also when the end cuts a frame."""
    header = stream.read(HEADER.size)
    if len(header) < HEADER.size:
        return None
    (length,) = HEADER.unpack(header)
    body = stream.read(length)
    return decode(body) if len(body) == length else None
