"""One task again with the code as it is now, without a run: `dockerflow spin`.

The step gets its image as in a run, and the task a worker of its own; what it is given is a past task's. There is no
journal, and nothing in the store names what the task leaves: it is in a folder that lasts as long as somebody looks at
it. (Code, locks and parameters go into the store as for a run, where `gc` finds that nothing needs them.)
"""

from __future__ import annotations

import queue
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

from dockerflow import makers, progress
from dockerflow.config import Config
from dockerflow.engines.worker import BucketForWorkers, Said, Worker, WorkerEnded
from dockerflow.flow.definition import Flow, Timeout
from dockerflow.flow.loading import LoadedFlow
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.runtime.messages import Broken, Log, Ready, RunTask, TaskResult
from dockerflow.runtime.task_blobs import TaskBlobs
from dockerflow.scheduler import hosts
from dockerflow.scheduler.bytecode import bytecode
from dockerflow.scheduler.requests import Requests
from dockerflow.scheduler.secrets import read_secrets
from dockerflow.store import code_package, manifest
from dockerflow.store.base import BlobStore, Store
from dockerflow.store.blobs import Blobs
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.records import Failure, LogLine, RunStarted


@dataclass(frozen=True)
class SpinRequest:
    """`task` is what a past task received, for a step of the flow as it is now. `parameters` are values by attribute of
    what its run did not have."""

    loaded: LoadedFlow
    task: RunTask
    parameters: Mapping[str, object]
    config: Config
    store: Store
    engine: str = "docker"  # or `process`
    hosts: tuple[str, ...] = ()
    package_suffixes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Spun:
    """How it went: `blobs` has what the task left, by `manifest`, and everything of the store."""

    failure: Failure | None
    manifest: str | None
    seconds: float
    following: tuple[str, ...]  # the steps that would follow
    blobs: BlobStore


@contextmanager
def spun(
    request: SpinRequest, notify: progress.Notify, printed: Callable[[LogLine], None] = lambda line: None
) -> Iterator[Spun]:
    """Run the task; what it has left is there until the end of the `with`. A task that fails is an outcome.

    Raises what `launch` raises before a run begins.
    """
    flow, step = request.loaded.flow, request.task.step
    only = replace(flow, steps={step: flow.steps[step]})
    secrets = read_secrets(only).get(step, ())
    outbox = Path(tempfile.mkdtemp(prefix="dockerflow-spin-"))
    try:
        outbox.chmod(0o755)
        with _hosts(request, only, notify) as there:
            task = replace(
                request.task,
                parameters=_parameters(request),
                secrets=secrets,
                time_limit=(flow.steps[step].decorator(Timeout) or Timeout()).limit,
            )
            yield _run(replace(request, task=task), there, outbox, printed)
    finally:
        shutil.rmtree(outbox, ignore_errors=True)


def _hosts(request: SpinRequest, only: Flow, notify: progress.Notify) -> AbstractContextManager[hosts.Hosts]:
    if request.engine == "process":
        return hosts.without_images(only)
    return hosts.ready(hosts.Wanted(only, request.config, request.store, request.hosts), notify)


def _parameters(request: SpinRequest) -> str:
    if not request.parameters:
        return request.task.parameters
    kept = manifest.read(request.store.blobs, request.task.parameters).artifacts
    return manifest.write(request.store.blobs, dict(request.parameters), kept)


def _run(request: SpinRequest, there: hosts.Hosts, outbox: Path, printed: Callable[[LogLine], None]) -> Spun:
    task, store = request.task, request.store
    place = there.places[task.step][0]
    host = there.by_name[place].host
    started = _as_if_started(request)
    buckets = _buckets(request, there, started)
    requests = Requests(request.loaded.flow, started, there, store, buckets, outbox, bytecode(request.config.cache_dir))
    wanted = replace(
        requests(1, task.step, place),
        name=f"dockerflow-spin-{uuid.uuid4().hex[:12]}",
        labels={makers.SPIN: makers.this_process()},
    )
    host.make_outbox(wanted.outbox)
    said: queue.SimpleQueue[Said] = queue.SimpleQueue()
    worker = host.start_worker(wanted, lambda number, message: said.put(message))
    try:
        result = _heard(worker, task, said, printed)
    except BaseException:
        worker.kill()
        raise
    if isinstance(result, Failure):
        return Spun(result, None, 0.0, (), store.blobs)
    following = result.transition.steps if result.transition else ()
    return Spun(result.failure, result.manifest, result.seconds, following, _blobs(store, wanted.outbox, result))


def _heard(
    worker: Worker, task: RunTask, said: queue.SimpleQueue[Said], printed: Callable[[LogLine], None]
) -> TaskResult | Failure:
    """What the worker says until it has ended."""
    result: TaskResult | Failure | None = None
    while True:
        message = said.get()
        if isinstance(message, Ready):
            worker.send(task)
        elif isinstance(message, Log):
            for line in message.lines:
                printed(line)
        elif isinstance(message, Broken):
            result = message.failure
        elif isinstance(message, TaskResult):
            result = message
            worker.stop()
        elif isinstance(message, WorkerEnded):
            return result or message.failure()


def _as_if_started(request: SpinRequest) -> RunStarted:
    """What the steps of a run are told of it: the past run, with the code as it is now."""
    flow, task = request.loaded.flow, request.task
    package = code_package.pack(flow.file, request.loaded.given, request.package_suffixes)
    return RunStarted(
        time=time.time(),
        flow=flow.name,
        run_id=task.run_id,
        user=task.user,
        parameters=task.parameters,
        code=request.store.blobs.put([package]),
        steps=(),
        flow_file=Path(flow.file).name,
    )


def _buckets(request: SpinRequest, there: hosts.Hosts, started: RunStarted) -> dict[str, BucketForWorkers]:
    if isinstance(request.store, DirectoryStore):
        return {}
    from dockerflow.scheduler.bucket import bucket_for_workers  # noqa: PLC0415 - the SDK is imported only for a bucket

    return {
        name: bucket_for_workers(request.store, request.config, each.host, started)
        for name, each in there.by_name.items()
    }


def _blobs(store: Store, outbox: Path, result: TaskResult) -> BlobStore:
    if isinstance(store, DirectoryStore):
        return Blobs(store.blobs.root, outbox)
    return TaskBlobs(store.blobs, outbox, result.inline)
