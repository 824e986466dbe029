"""What every engine gives the scheduler: a host that starts workers, and the worker as seen from outside.

`docker` runs a worker in a container of a step image, `process` as a plain process of the present Python. Both run
the same bootstrap and speak `runtime.messages` over the worker's standard streams, so what a task can tell apart is
its environment and its limits, not the semantics.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field, replace
from pathlib import Path
from typing import Protocol, Union

from dockerflow.engines.known_blobs import KnownBlobs
from dockerflow.engines.watch import Tell
from dockerflow.host_settings import HostSettings
from dockerflow.images.image import OwnPython
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.runtime.ending import KILLED
from dockerflow.runtime.messages import Broken, Log, Ready, RunTask, TaskResult
from dockerflow.store.records import Failure
from dockerflow.store.s3.access import Answer, Question

# How much of a worker's diagnostics is kept, from the end, in bytes.
DIAGNOSTICS = 64 * 1024


@dataclass(frozen=True)
class BucketForWorkers:
    """What workers need where the store is a bucket: their code package, and somebody to ask (from any thread, and it
    raises nothing): for access, first of all.
    """

    name: str  # `s3://bucket/prefix`
    package: bytes = field(repr=False)
    answer: Callable[[Question], Answer]
    known: KnownBlobs = field(default_factory=KnownBlobs)
    outbox: str = ""  # the key below which tasks leave in the bucket what is too large for one request


@dataclass(frozen=True)
class WorkerRequest:
    """One worker to start. `blobs` and `outbox` are folders of this machine; the outbox was made by `make_outbox`.
    `blobs` is None where they are in a bucket, and then `bucket` is not.

    Without `mounts` the worker gets no folder of this machine, which is not the engine's: it has an outbox of its own,
    and what is left there is brought to `outbox` before its result is heard (see `collecting`).

    `image` and what it has, and `user`, say nothing to the process engine, and neither do the limits.
    """

    worker_id: int
    name: str  # of the container
    image: str
    labels: Mapping[str, str]
    flow_name: str
    flow_file: str  # inside the code package, relative to the flow's folder
    code: str  # sha256 of the code package
    blobs: Path | None
    outbox: Path
    runs: Path | None = None  # of the same store, for the client in steps; None: it finds no store
    environment: Mapping[str, str] = field(default_factory=dict)
    cpu: float | None = None  # cores; None: no limit
    memory: int | None = None  # MiB; None: no limit
    gpu: int | None = None  # how many
    gpus_there: int | None = None  # on the host, to choose from; None: not known
    gpus: tuple[int, ...] = ()  # which, by number, as the host has chosen; empty: the engine chooses
    shared_memory: int | None = None  # MiB; None: as much as the memory
    network: str = "bridge"  # or `host`, `none`
    user: str | None = None  # `uid:gid`; None: the caller's, or 65534:65534 where that is root
    isolation: str | None = None  # what its step asks for, see `flow.definition.Isolation`
    gang: bool = False  # its tasks must be able to reach those of other workers
    bucket: BucketForWorkers | None = None
    bytecode: bytes = field(default=b"", repr=False)  # of what it imports first, see `runtime.bootstrap`
    own: OwnPython | None = None  # of an image that is none of ours, whose entry point is then passed over
    mounts: bool = True


@dataclass(frozen=True)
class WorkerEnded:
    """The last that is heard of a worker. `exit_code` is None where the engine no longer knows it.

    `out_of_memory` is set when the worker itself, not only a task of it, was killed by the container's memory limit,
    which is `memory_limit` MiB. `diagnostics` is the end of what the worker wrote to its standard error. `lost` is why
    nothing more is heard of a worker that may still be there.
    """

    exit_code: int | None
    out_of_memory: bool = False
    diagnostics: str = ""
    memory_limit: int | None = None
    lost: Failure | None = None

    def failure(self) -> Failure:
        """What this means for a task that the worker had not finished."""
        if self.lost is not None:
            return replace(self.lost, traceback=self.diagnostics)
        if self.out_of_memory:
            limit = f" of {self.memory_limit} MiB" if self.memory_limit else ""
            return Failure(
                "out_of_memory",
                f"the container ran out of its memory{limit}, and its worker was killed",
                hint="ask for more with `@resources(memory=…)`",
                status=self._status,
            )
        status = "with unknown status" if self.exit_code is None else f"with status {self.exit_code}"
        message = f"the worker's container ended {status} before the task did"
        return Failure("lost", message, traceback=self.diagnostics, status=self._status)

    @property
    def _status(self) -> int | None:
        """As a shell has it; Python counts signals below zero."""
        return KILLED - self.exit_code if self.exit_code is not None and self.exit_code < 0 else self.exit_code


# What a worker says, in this order: Ready or Broken, then Log and TaskResult, and in any case WorkerEnded as the last.
Said = Union[Ready, Broken, Log, TaskResult, WorkerEnded]

# Called with the worker's id from a thread of its own for each worker. When it blocks, or keeps more than a few Log
# messages, the worker's tasks block in the end: see `listener`.
Notify = Callable[[int, Said], None]


class Worker(Protocol):
    """A worker that was started. No method waits for the worker or its engine, and none raises because the worker is
    gone: `WorkerEnded` says that, once."""

    @property
    def address(self) -> str:
        """Where other workers can reach it, if its request asked for that."""

    def send(self, task: RunTask) -> None:
        """Hand over a task. Tasks run one after the other, in the order in which they were sent."""

    def stop(self) -> None:
        """End the worker in an orderly way, now: a task that runs is killed, and so is an import of the flow."""

    def kill(self) -> None:
        """End the worker by force."""


class Host(Protocol):
    """A place to run workers. Its methods may be called from any thread."""

    @property
    def name(self) -> str:
        """For messages and the journal."""

    @property
    def settings(self) -> HostSettings:
        """By which it was reached."""

    @property
    def is_remote(self) -> bool:
        """Whether it is, or may be, on another machine: its containers outlive a connection, and see no folder of
        ours."""

    @property
    def cpus(self) -> int: ...

    @property
    def memory(self) -> int:
        """In bytes."""

    def gateway(self, network: str) -> str | None:
        """The address of this machine, the scheduler's, for workers in a network of the engine; None: none is known."""

    def make_outbox(self, folder: Path) -> None:
        """Make the folder to which the workers of one run write, such that they can."""

    def start_worker(self, request: WorkerRequest, notify: Notify) -> Worker:
        """Start a worker; what it says is handed to `notify`. Raises EngineError when it cannot be started."""

    def adopt(self, container: str, request: WorkerRequest, notify: Notify) -> Worker:
        """Go on with a worker that another scheduler has started, in the container of this name: what it had not heard
        is handed to `notify`, and what follows. Raises EngineError when there is none."""

    def kill_container(self, container: str) -> None:
        """End a worker that nobody goes on with. Does not wait, and raises nothing."""

    def when_away(self, tell: Tell) -> None:
        """Have it told, from a thread of the host's own, when a remote host is away, given up, or back."""

    def is_away(self) -> bool:
        """Whether there is nobody who could start a worker: an engine that is restarted."""

    def close(self) -> None:
        """Let go of the engine. Workers that still run can no longer say how they ended."""
