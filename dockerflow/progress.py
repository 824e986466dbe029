"""What happens during a run, told as it happens to whoever watches: one frozen class per kind of event.

`environments`, `images` and `scheduler` are given a `notify` callable and know nothing of who listens; `cli` draws a
live picture or prints lines from the same events. `notify` may be called from any thread and must return quickly. Sizes
in bytes, times in seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field

from dockerflow.lazy_dataclasses import dataclass
from dockerflow.store.records import AttemptFinished, Failure, LogLine


@dataclass(frozen=True)
class Event:
    """Something that happened."""


Notify = Callable[[Event], None]


def ignore(event: Event) -> None:
    """A `notify` for callers that do not watch."""


@dataclass(frozen=True)
class Noted(Event):
    """Something that the flow asks for and the run does not do, in one line."""

    text: str


@dataclass(frozen=True)
class EnvironmentSolving(Event):
    steps: tuple[str, ...]


@dataclass(frozen=True)
class EnvironmentLocked(Event):
    """`source` is `committed` (a lock file beside the flow), `given` (by the step's own decorator), `store` (an earlier
    lock of the same spec) or `solved`. `path` is the file of the first two.
    """

    steps: tuple[str, ...]
    source: str
    packages: int
    seconds: float
    path: str = ""


@dataclass(frozen=True)
class LockPassedOver(Event):
    """A lock committed for these steps no longer gives what they ask for, because of `reason`; another is used."""

    steps: tuple[str, ...]
    path: str
    reason: str


@dataclass(frozen=True)
class PackageFetching(Event):
    """`done` of `total` bytes of one package archive; `total` is None where the server did not say."""

    package: str
    done: int
    total: int | None


@dataclass(frozen=True)
class LayerReady(Event):
    """One layer of an image that is being assembled. `reused` means that it was in the cache. `layers` grows when it
    is known how many of them get a layer of bytecode beside them.
    """

    steps: tuple[str, ...]
    title: str
    number: int  # from 1
    layers: int
    size: int
    reused: bool


@dataclass(frozen=True)
class LayerMended(Event):
    """A layer in the cache was found to be damaged; it has been removed and is built again."""

    steps: tuple[str, ...]
    title: str


@dataclass(frozen=True)
class Compiling(Event):
    """The modules of one of the image's layers are being compiled, into the layer `title` which is told when it is
    there.
    """

    steps: tuple[str, ...]
    modules: int
    title: str = ""


@dataclass(frozen=True)
class ImageSending(Event):
    """`sent` of the `total` bytes of the layers that the engine lacks. `host` is empty for the engine of this machine;
    what goes to another is compressed on the way.
    """

    steps: tuple[str, ...]
    reference: str
    sent: int
    total: int
    host: str = ""


@dataclass(frozen=True)
class ImageReady(Event):
    """The engine has the image. `layers_sent` and `bytes_sent` are 0 where it had all of it; `layers_built` and
    `bytes_built` are about the layers that were not in the cache. `host` is empty for the engine of this machine; on
    the way to another, the layers took `bytes_on_wire`.
    """

    steps: tuple[str, ...]
    reference: str
    layers: int
    layers_built: int
    layers_sent: int
    bytes_sent: int
    seconds: float
    bytes_built: int = 0
    host: str = ""
    bytes_on_wire: int = 0


@dataclass(frozen=True)
class ImagePulling(Event):
    """An image of the steps' own comes from a registry: `done` of the `total` bytes that are known of by now."""

    steps: tuple[str, ...]
    name: str
    done: int
    total: int


@dataclass(frozen=True)
class OwnImageReady(Event):
    """The engine has the image that these steps bring along, and a Python of version `python` was found in it. It had
    it before, or `pulled` it, or is that of another host, to which it was sent: `sent_to`.
    """

    steps: tuple[str, ...]
    name: str
    image_id: str
    python: str
    pulled: bool
    seconds: float
    sent_to: str = ""


@dataclass(frozen=True)
class ImagePushing(Event):
    """`done` of `total` bytes of an image's layers are in the repository: `sent` of them now, the others were there."""

    reference: str
    repository: str
    sent: int
    done: int
    total: int


@dataclass(frozen=True)
class CodePacked(Event):
    """The user's Python files below `folder` and what is shipped of dockerflow, as one package of `size` bytes."""

    folder: str
    size: int


@dataclass(frozen=True)
class RunBegan(Event):
    flow: str
    run_id: str
    steps: tuple[str, ...]  # in the order in which the graph is drawn
    origin_run_id: str | None = None  # the run that this one resumes
    reproduces: str | None = None  # the run that this one runs again


@dataclass(frozen=True)
class ContainerStarting(Event):
    step: str
    container: str


@dataclass(frozen=True)
class TasksCreated(Event):
    """`count` more tasks of `step` will run."""

    step: str
    count: int


@dataclass(frozen=True)
class TasksTakenOver(Event):
    """`count` tasks of `step` do not run: their results are those of the run that is resumed, or (`cached`) of other
    runs, which have left them for others."""

    step: str
    count: int
    cached: bool = False


@dataclass(frozen=True)
class TaskLookedUp(Event):
    """Whether a task of a step with `@cache` has a result already; `why` says of which task it is, or what differs."""

    step: str
    task_id: str
    hit: bool
    why: str


@dataclass(frozen=True)
class AttemptBegan(Event):
    """`host` is empty where it runs on this machine."""

    step: str
    task_id: str
    attempt: int
    host: str = ""


@dataclass(frozen=True)
class TaskPrinted(Event):
    """`source` gives what the lines came in. Who cannot show them now keeps that, too: of what is kept of one worker
    there is a limit, and where it is reached the task that prints waits, and nobody else.
    """

    step: str
    task_id: str
    attempt: int
    lines: tuple[LogLine, ...]
    source: Callable[[], object] = field(default=lambda: None, compare=False, repr=False)


@dataclass(frozen=True)
class AttemptEnded(Event):
    """`retry_in` is set when another attempt follows, in that many seconds."""

    step: str
    task_id: str
    attempt: int
    ok: bool
    caught: bool
    failure: Failure | None
    seconds: float
    retry_in: float | None = None
    cpu_seconds: float = 0.0  # of its processes, in their own code and the kernel's
    peak_memory: int = 0

    @staticmethod
    def of(record: AttemptFinished, retry_in: float | None) -> AttemptEnded:
        return AttemptEnded(
            record.step,
            record.task_id,
            record.attempt,
            record.ok,
            record.caught,
            record.failure,
            record.seconds,
            None if record.final else retry_in,
            record.user_seconds + record.system_seconds,
            record.peak_memory,
        )


@dataclass(frozen=True)
class RunEnded(Event):
    flow: str
    run_id: str
    status: str  # `succeeded`, `failed`, `stopped`
    reason: str
    seconds: float
