"""The process in a step's container: it imports the flow once and then runs tasks of it.

`bootstrap` calls `main` with the flow's code unpacked. The first message is Ready, or Broken when the flow cannot be
imported; then `server` takes over until the scheduler goes away. How a task is run is `task`'s part.
"""

from __future__ import annotations

import gc
import os
import resource
import signal
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from typing import Callable, Iterator, NamedTuple, Optional, Union

from dockerflow.errors import DockerflowError
from dockerflow.flow.definition import Flow, Isolation, Secrets
from dockerflow.lazy_dataclasses import finish
from dockerflow.runtime import beside, import_output, processes
from dockerflow.runtime.attempt import Run
from dockerflow.runtime.broker import Broker
from dockerflow.runtime.channel import Channel, open_channel
from dockerflow.runtime.ending import clipped
from dockerflow.runtime.fresh import Granted, Interpreter, unforkable
from dockerflow.runtime.messages import Answered, Broken, Ready, RunTask, TaskResult
from dockerflow.runtime.randomness import Randomness
from dockerflow.runtime.server import Ground, Server
from dockerflow.store.base import BlobStore
from dockerflow.store.records import Failure, Transition
from dockerflow.store.s3 import line

# How long a step waits for a server that does not take a value, in seconds. Then the value is left to the scheduler, in
# the outbox: it has more patience, and keeps what was computed also when it gives up.
SENDING = 5.0

_RunWith = Callable[[BlobStore], TaskResult]


class Place(NamedTuple):
    """Where the worker finds things. All are absolute paths; `blobs` is empty where they are in a bucket."""

    flow_file: str
    flow_name: str
    given: str  # the file with what the command line adds to the flow's file
    blobs: str
    outbox: str
    work: str  # tasks run in folders below this one
    private: str  # the worker's own folder
    alone: bool  # whether all processes but the first are the worker's, as in a container

    @property
    def own_outbox(self) -> Optional[str]:
        """The outbox, if the scheduler does not see it: then it is among the folders that the worker works in."""
        return self.outbox if os.path.dirname(self.outbox) == self.work else None


class Loaded(NamedTuple):
    """A flow that was imported here: `run` runs a task in a process of its own."""

    flow: Flow
    printed: import_output.Printed
    run: Run


def main(place: Place) -> int:
    """Serve until the scheduler goes away. Returns the status to exit with."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the scheduler, which tells us what to do
    if os.getpid() == 1:  # of a container: the kernel kills its first process by no signal that has no handler
        signal.signal(signal.SIGTERM, lambda number, frame: os._exit(128 + number))
    if place.alone:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a crash must not fill the disk
    channel = open_channel()
    began = time.monotonic()
    try:
        with _broker(place, channel) as broker:
            interpreter = Interpreter(place)
            loaded = _load(place, broker)
    except BaseException as error:  # noqa: BLE001 - whatever a user's module raises, SystemExit too
        channel.send(Broken(clipped(failure_of_import(error))))
        return 1
    # What is there now stays shared with the tasks' processes: the collector must not touch it.
    gc.collect()
    gc.freeze()
    why = unforkable()
    run = _isolating(loaded, interpreter, broker, bool(why))
    return _serve(channel, run, place, broker, Ready(_version(), time.monotonic() - began, why))


@contextmanager
def _broker(place: Place, channel: Channel) -> Iterator[Optional[Broker]]:
    """Whom to ask for a bucket, if there is one; it serves by itself until the end of the `with`."""
    if place.blobs:
        yield None
        return
    broker, first = Broker(place.private, channel), channel.wait()
    if isinstance(first, Answered):
        broker.answered(first)
    os.environ[line.VARIABLE] = broker.path
    with broker.in_thread():
        yield broker


def _version() -> str:
    return ".".join(map(str, sys.version_info[:3]))


def _isolating(loaded: Loaded, interpreter: Interpreter, broker: Optional[Broker], must: bool) -> Run:
    """How a task's process, which has been forked, runs the task: right there, or in an interpreter of its own."""

    def run(task: RunTask) -> TaskResult:
        level = (loaded.flow.steps[task.step].decorator(Isolation) or Isolation()).level
        if level == "interpreter" or (must and level != "fork"):
            return interpreter.become(task, None if broker is None else Granted(broker.path, broker.access))
        import_output.repeat(loaded.printed)
        return loaded.run(task)

    return run


def _serve(channel: Channel, run: Run, place: Place, broker: Optional[Broker], ready: Ready) -> int:
    # A task runs as the same user, and must not speak for us. Not before there is one: the flow's import may want to
    # look at its own process.
    processes.hide()
    if place.own_outbox is not None:
        os.makedirs(place.own_outbox, 0o700, exist_ok=True)
    ground = Ground(place.work, os.path.join(place.private, "result"), place.alone, place.own_outbox)
    server = Server(channel, run, ground, broker)
    channel.send(ready)
    _finish_values()  # while the scheduler chooses a task
    try:
        server.serve()
    except BrokenPipeError:  # the scheduler is gone, and so is whom we could tell
        return 1
    return 0


def _finish_values() -> None:
    """Those that each task has, which would otherwise be finished in the process of each."""
    from dockerflow.artifacts.codec import Encoded  # noqa: PLC0415 - they are here since the flow was imported
    from dockerflow.flow.current import Situation  # noqa: PLC0415
    from dockerflow.flow.view import Level, Taken, View  # noqa: PLC0415
    from dockerflow.store.manifest import ArtifactRef, Manifest  # noqa: PLC0415

    finish(Isolation, Secrets, Manifest, ArtifactRef, View, Level, Taken, Situation, Encoded, TaskResult, Transition)


def load_for_task(place: Place, granted: Optional[Granted]) -> Run:
    """Import the flow where what it prints is the task's."""
    return _load(place, granted).run


def _load(place: Place, broker: Union[Broker, Granted, None]) -> Loaded:
    """Import the user's flow and what runs it."""
    from dockerflow.flow.given import Given  # noqa: PLC0415 - its failure must become a message
    from dockerflow.flow.loading import load  # noqa: PLC0415
    from dockerflow.flow.metaflow_names import be_metaflow  # noqa: PLC0415
    from dockerflow.flow.reads import Reads, enter  # noqa: PLC0415
    from dockerflow.runtime.task import run_task  # noqa: PLC0415

    with_blobs = _blobs(place, broker)
    sys.argv = [place.flow_file]
    os.chdir(place.work)
    others = beside.entries(os.path.dirname(place.flow_file))
    beside.link(others)
    be_metaflow(os.path.dirname(place.flow_file))
    randomness = Randomness()
    with open(place.given, encoding="utf-8") as stream:
        given = Given.from_json(stream.read())
    reads = Reads()
    enter(reads)
    with import_output.listening() as printed, randomness.watching():
        loaded = load(place.flow_file, place.flow_name, stand_ins=False, given=given)
    enter(None)

    def run(task: RunTask) -> TaskResult:
        beside.link(others)
        randomness.begin()
        result = with_blobs(task, lambda blobs: run_task(loaded.cls, loaded.flow, task, blobs))
        # What the import has read of past runs all tasks have.
        return result if reads.found() is not None else replace(result, read=None)

    return Loaded(loaded.flow, printed, run)


def _blobs(place: Place, broker: Union[Broker, Granted, None]) -> Callable[[RunTask, _RunWith], TaskResult]:
    """Give a task the blobs of its store, in its own process. What the other kind of store needs is not imported."""
    if broker is None:
        from dockerflow.store.blobs import Blobs  # noqa: PLC0415

        return lambda task, run: run(Blobs(place.blobs, place.outbox))
    from dockerflow.runtime.task_blobs import TaskBlobs  # noqa: PLC0415
    from dockerflow.store.runs import outbox_key  # noqa: PLC0415
    from dockerflow.store.s3.connections import get_ready  # noqa: PLC0415
    from dockerflow.store.s3.granted import granted_outbox, granted_store  # noqa: PLC0415

    if broker.access is not None:
        get_ready(broker.access.place)

    asking = line.Line(broker.path)

    def in_bucket(task: RunTask, run: _RunWith) -> TaskResult:
        access = broker.access and replace(broker.access, patience=min(SENDING, broker.access.patience))
        sending = granted_store(asking, place.outbox, access).blobs
        reading = granted_store(asking, place.outbox, broker.access).blobs
        folder = outbox_key(task.flow, task.run_id)
        blobs = TaskBlobs(reading, place.outbox, task.known, sending, lambda: granted_outbox(asking, access, folder))
        return replace(run(blobs), inline=blobs.inline, sent=blobs.sent)

    return in_bucket


def failure_of_import(error: BaseException) -> Failure:
    from dockerflow.flow.tracebacks import traceback_of, type_name  # noqa: PLC0415 - only for a failure

    return Failure(
        "exception",
        error.message if isinstance(error, DockerflowError) else str(error),
        type_name=type_name(error),
        traceback=getattr(error, "traceback", "") or traceback_of(error),
        hint=(error.hint if isinstance(error, DockerflowError) else None) or "",
    )
