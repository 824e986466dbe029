"""Bring what a worker left in an outbox of its own, in a container of an engine elsewhere, to a folder of this machine.

It is brought before its result is heard, so nobody who hears of a blob finds it lacking, and nobody ends the container
before it is here. What the engine gives is a stream: little of it is in memory. Whoever takes the blobs into the store
compares them with their names; nothing is believed here but where they are.

When the host is away, it is waited for, and a blob of which a part was here is brought again. A container that ended
meanwhile, or a host that is given up, has taken its result with it: that is not heard at all, and the worker's end,
which is, tells that the task was lost. A host may be back as soon as it was given up, so whoever listens to the worker
is told of that by `NotBack`.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, cast

import docker

from dockerflow.engines.boundary import FOREIGN
from dockerflow.engines.container import place_of_outbox
from dockerflow.engines.errors import EngineError
from dockerflow.engines.worker import Notify, Said, WorkerRequest
from dockerflow.errors import DockerflowError
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.runtime.messages import TaskResult
from dockerflow.store import asked_tags, files
from dockerflow.store.base import check_hash
from dockerflow.store.errors import MissingBlob, StoreError
from dockerflow.store.records import Failure

# How often a file may be broken off, each time by a host that answers afterwards, before that is the task's failure.
TRIES = 10

# What is taken from the engine at a time, in bytes.
PIECE = 1 << 20


@dataclass(frozen=True)
class Source:
    """An engine with the worker's container. `is_back` waits for it while it is away: whether it answers by now."""

    client: docker.DockerClient
    url: str
    is_back: Callable[[], bool]


class NotBack(Exception):
    """The host was given up while a result was brought: the worker is to be ended, whether the host answers or not."""


class _Gone(Exception):
    """There is nothing to be had any more, nor anything to be said about it."""


class _BrokenOff(Exception):
    """The engine did not give a file, or not to its end."""


def collecting(source: Source, request: WorkerRequest, notify: Notify) -> Notify:
    """As `notify`, for a worker without mounts: a result is passed on when what it tells of is in the request's
    outbox. One that cannot be brought is a failure of the task. Raises NotBack."""

    def hear(number: int, said: Said) -> None:
        with suppress(_Gone):
            notify(number, _brought(source, request, said) if isinstance(said, TaskResult) else said)

    return hear


def _brought(source: Source, request: WorkerRequest, result: TaskResult) -> TaskResult:
    try:
        if result.blobs or result.asked:
            files.make_folder(request.outbox)
        asked_tags.leave_all(request.outbox, result.asked)
        for blob in result.blobs:
            _bring(source, request, check_hash(blob))
    except OSError as error:
        return _failed(result, StoreError(f"cannot write to the folder `{request.outbox}`: {error.strerror}"))
    except DockerflowError as error:
        return _failed(result, error)
    return replace(result, asked=())


def _failed(result: TaskResult, error: DockerflowError) -> TaskResult:
    failure = Failure("artifact", error.message, hint=error.hint or "")
    return replace(result, ok=False, manifest=None, transition=None, failure=failure, blobs=(), asked=())


def _bring(source: Source, request: WorkerRequest, sha256: str) -> None:
    """Raises _Gone, NotBack, MissingBlob, EngineError with what the engine says each time, or OSError of this disk."""
    target, tries = request.outbox / sha256, 0
    while not target.exists():
        try:
            _copy(source, request, sha256, target)
        except docker.errors.NotFound:
            _require_container(source, request)
            place = f"{place_of_outbox(request)}` of container `{request.name}"
            raise MissingBlob(f"blob `{sha256}` was announced but is not in the outbox `{place}`") from None
        except _BrokenOff as error:
            if not source.is_back():
                raise NotBack from error
            _require_container(source, request)
            tries += 1
            if tries == TRIES:
                what = f"bring blob `{sha256}` from container `{request.name}` at `{source.url}`"
                raise EngineError(f"could not {what}: {error}") from error


def _require_container(source: Source, request: WorkerRequest) -> None:
    """Raises _Gone where it has ended: nothing in it outlives it."""
    try:
        running = source.client.api.inspect_container(request.name)["State"]["Running"]
    except docker.errors.NotFound:
        running = False
    except FOREIGN:
        running = True  # or nobody knows: who tries again finds out
    if not running:
        raise _Gone


def _copy(source: Source, request: WorkerRequest, sha256: str, target: Path) -> None:
    with closing(_pieces(source, request, sha256)) as pieces, files.temporary(target.parent) as stream:
        _unpack(pieces, stream)
        files.close_for_reading(stream)
        files.move(Path(stream.name), target)


def _pieces(source: Source, request: WorkerRequest, sha256: str) -> Generator[bytes, None, None]:
    """The archive with the file, as the engine gives it. Raises NotFound, or _BrokenOff for all else."""
    try:
        given, _ = source.client.api.get_archive(request.name, str(place_of_outbox(request) / sha256), PIECE)
        yield from given
    except docker.errors.NotFound:
        raise
    except FOREIGN as error:
        raise _BrokenOff(str(getattr(error, "explanation", None) or error)) from error


def _unpack(pieces: Iterator[bytes], target: IO[bytes]) -> None:
    """The one file of an archive. A link, or whatever else a task may have put there, has no bytes."""
    try:
        stream = cast("Any", io.BufferedReader(_Stream(pieces), PIECE))
        with tarfile.open(fileobj=stream, mode="r|", bufsize=PIECE) as archive:
            member = archive.next()
            content = archive.extractfile(member) if member is not None and member.isfile() else io.BytesIO()
            while piece := (content.read(PIECE) if content else b""):
                target.write(piece)
    except tarfile.TarError as error:
        raise _BrokenOff(f"the archive with it was cut off: {error}") from error


class _Stream(io.RawIOBase):
    """Pieces as a file to read from."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._left = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._left:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._left = memoryview(piece)
        size = min(len(buffer), len(self._left))
        buffer[:size], self._left = self._left[:size], self._left[size:]
        return size
