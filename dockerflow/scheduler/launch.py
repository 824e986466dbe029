"""A whole run, from a loaded flow to its outcome.

The order is what a user can rely on: the graph is checked before anything is built, every step has its image before the
run exists, the run's id is on disk before the first task starts, and whatever ends the run (a failure, Ctrl-C, SIGTERM)
is the last record of its journal.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from dockerflow import progress
from dockerflow.buckets.spool import Spooling
from dockerflow.config import Config
from dockerflow.engines.worker import BucketForWorkers, Host
from dockerflow.flow.checks import check
from dockerflow.flow.definition import (
    Cache,
    Catch,
    Isolation,
    Parallel,
    Project,
    Retry,
    Step,
    Timeout,
)
from dockerflow.flow.loading import LoadedFlow
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.runtime.messages import Secret
from dockerflow.scheduler import capacity, gangs, hosts, origin, recording
from dockerflow.scheduler import values as v
from dockerflow.scheduler.bytecode import bytecode
from dockerflow.scheduler.cache_keys import Subject
from dockerflow.scheduler.errors import RunError
from dockerflow.scheduler.loop import Inbox, Loop, Lost
from dockerflow.scheduler.notes import notes
from dockerflow.scheduler.origin import Origin, Reproduced
from dockerflow.scheduler.receiving import receiving
from dockerflow.scheduler.requests import Requests, sharing
from dockerflow.scheduler.resumed import edited, from_step
from dockerflow.scheduler.reuse import Reuse
from dockerflow.scheduler.secrets import read_secrets
from dockerflow.scheduler.state import Run
from dockerflow.scheduler.stop_requests import stop_requests
from dockerflow.scheduler.stop_signals import stop_signals
from dockerflow.store import runs
from dockerflow.store.base import Store
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.errors import StoreError
from dockerflow.store.journal import JournalWriter
from dockerflow.store.records import RunStarted
from dockerflow.store.sweep import sweep

# Of the steps that have some.
Secrets = Mapping[str, tuple[Secret, ...]]


@dataclass(frozen=True)
class RunRequest:
    """What to run and how. `parameters` are values by attribute; of a run that resumes `origin`, only those that the
    origin had not, or had not with this value.

    `max_workers` None means one per core of the host that has memory for it, `max_num_splits` None as many as
    `values.MAX_NUM_SPLITS`, `max_log_size` (of each stream of an attempt, in MiB) None everything.
    """

    loaded: LoadedFlow
    parameters: Mapping[str, object]
    config: Config
    store: Store
    user: str
    max_workers: int | None = None
    max_num_splits: int | None = None
    max_log_size: int | None = None
    fresh_containers: bool = False  # for each task one
    tags: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    run_id_file: Path | None = None
    engine: str = "docker"  # or `process`
    hosts: tuple[str, ...] = ()  # for the steps that name none; empty: this machine
    attach: bool = False  # go on with the tasks of the origin that still run, although the code has changed since
    namespace: str | None = None  # of the client in steps; otherwise the user's, and empty for none
    package_suffixes: tuple[str, ...] = ()  # of files that go into the containers beside the Python files
    origin: Origin | None = None
    reproduced: Reproduced | None = None  # the same run as `origin`: in its images, and only with what `origin` names
    project: Project | None = None
    explain_cache: bool = False  # tell of each task of a step with `@cache` why it is reused, or is not

    @property
    def resumed(self) -> Origin | None:
        """The run whose results are taken over: none where one is run again from its beginning."""
        return None if self.reproduced is not None and not (self.origin and self.origin.rerun) else self.origin


@dataclass(frozen=True)
class RunOutcome:
    flow: str
    run_id: str
    status: str  # `succeeded`, `failed`, `stopped`
    reason: str = ""
    kept: Path | None = None  # where on this machine what the store could not take waits for it


def launch(request: RunRequest, notify: progress.Notify = progress.ignore) -> RunOutcome:
    """Run a flow to its end.

    Raises FlowError before anything is built when the graph is wrong, RunError when secrets are missing, EngineError,
    EnvironmentsError or ImageError when the steps' images cannot be had, StoreError when the store cannot be written. A
    run that fails is an outcome.
    """
    flow = request.loaded.flow
    noticed = recording.noticing(request)
    check(flow, containers=request.engine != "process")
    if request.engine != "process":
        gangs.require_network(flow, request.config.network)
    secrets = read_secrets(flow)
    for text in _notes(request):
        notify(progress.Noted(text))
    sweep(request.store)
    with _hosts(request, notify) as there:
        return _run(request, there, secrets, noticed, notify)


def _hosts(request: RunRequest, notify: progress.Notify) -> AbstractContextManager[hosts.Hosts]:
    if request.engine == "process":
        return hosts.without_images(request.loaded.flow)
    return hosts.ready(_wanted(request), notify)


def _wanted(request: RunRequest) -> hosts.Wanted:
    return hosts.Wanted(request.loaded.flow, request.config, request.store, request.hosts, request.reproduced)


def _run(
    request: RunRequest,
    there: hosts.Hosts,
    secrets: Secrets,
    noticed: Callable[[], recording.Noticed],
    notify: progress.Notify,
) -> RunOutcome:
    flow, store, inbox = request.loaded.flow, request.store, Inbox()
    began = time.monotonic()
    kept = _Kept(store, inbox)
    with stop_signals(inbox), _waiting(store, notify):
        started = recording.started(request, there, noticed, notify)
        _write_run_id(request.run_id_file, started.run_id)
        with (
            runs.hold(store, flow.name, started.run_id),
            stop_requests(store, flow.name, started.run_id, inbox),
            # The outbox goes before the journal is closed: where the disk is full, that makes room for its last record.
            closing(JournalWriter(kept.store, flow.name, started.run_id)) as journal,
            _outbox(kept.store, started) as outbox,
            _receiving(there, kept.store) as receivers,
        ):
            journal.append(started)
            journal.flush()
            notify(_began(started))
            run = Run(_plan(request, started, there, secrets, notify))
            for step in edited(run):
                again = "it runs again, and all that follow it"
                notify(progress.Noted(f"step `{step}` asks for something else in its `self.next` now: {again}"))
            compiled, buckets = bytecode(request.config.cache_dir), _buckets(request, there, started)
            origins = _buckets(request, there, request.origin.started) if run.plan.running and request.origin else {}
            requests = Requests(flow, started, there, store, buckets, outbox, compiled, origins)
            reuse = _reuse(request, run.plan, started, notify, inbox)
            loop = Loop(run, receivers, requests, kept.store, journal, notify, inbox, _log_limit(request), reuse)
            finish = loop.run()
    for name, each in there.by_name.items():
        if each.host.is_remote and each.host.is_away():
            left = f"containers of the run may be left there; `dockerflow runs kill {flow.name}/{started.run_id}`"
            notify(progress.Noted(f"the host `{name}` does not answer: {left} removes them when it is back"))
    notify(progress.RunEnded(flow.name, started.run_id, finish.status, finish.reason, time.monotonic() - began))
    return RunOutcome(flow.name, started.run_id, finish.status, finish.reason, kept.spool)


def _began(started: RunStarted) -> progress.RunBegan:
    steps = tuple(step.name for step in started.steps)
    return progress.RunBegan(started.flow, started.run_id, steps, started.origin_run_id, started.reproduces)


def _buckets(request: RunRequest, there: hosts.Hosts, started: RunStarted) -> dict[str, BucketForWorkers]:
    """What workers need, by host, of a store that is no folder, which they see by itself."""
    if isinstance(request.store, DirectoryStore):
        return {}
    from dockerflow.scheduler.bucket import bucket_for_workers  # noqa: PLC0415 - the SDK is imported only for a bucket

    return {
        name: bucket_for_workers(request.store, request.config, each.host, started)
        for name, each in there.by_name.items()
    }


@contextmanager
def _receiving(there: hosts.Hosts, store: Store) -> Iterator[dict[str, Host]]:
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(receiving(each.host, store)) if not each.host.is_remote else each.host
            for name, each in there.by_name.items()
        }


@contextmanager
def _waiting(store: Store, notify: progress.Notify) -> Iterator[None]:
    """Tell when the run waits for the store's server. Whoever asks the store after the run may wait again."""

    def tell(why: str | None) -> None:
        away = f"the store `{store.name}` does not answer, and the run waits for it: {why}"
        notify(progress.Noted(away if why else f"the store `{store.name}` answers again"))

    store.when_waiting(tell)
    try:
        yield
    finally:
        store.when_waiting(lambda why: None)
        store.be_patient(True)


class _Kept:
    """What a run writes to: the store, but a bucket's server may go away, and what is written then is kept here."""

    def __init__(self, store: Store, inbox: Inbox) -> None:
        self._spooling: Spooling | None = None
        if not isinstance(store, DirectoryStore):
            self._spooling = Spooling(store, lambda error: inbox.put((0, Lost(error))))
        self.store = self._spooling or store

    @property
    def spool(self) -> Path | None:
        """Where something is kept by now, if anything is."""
        return self._spooling.spool.root if self._spooling and self._spooling.error else None


def _log_limit(request: RunRequest) -> int | None:
    return None if request.max_log_size is None else request.max_log_size << 20


def _write_run_id(file: Path | None, run_id: str) -> None:
    try:
        if file is not None:
            file.write_text(run_id)
    except OSError as error:
        raise RunError(
            f"the run's id cannot be written to `{file}`: {error.strerror}", "name another file with `--run-id-file`"
        ) from error


@contextmanager
def _outbox(store: Store, started: RunStarted) -> Iterator[Path]:
    """The folder in which every worker of the run gets one of its own to write to."""
    folder = runs.outbox_folder(store, started.flow, started.run_id)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if not isinstance(store, DirectoryStore):
            with suppress(StoreError):  # what is in the bucket's stays as long as that is away, see `sweep`
                store.delete(*store.keys(f"{runs.outbox_key(started.flow, started.run_id)}/"))


def _notes(request: RunRequest) -> Iterator[str]:
    if request.engine == "process":
        return notes(request.loaded.flow, containers=False)
    return notes(request.loaded.flow, hosts.asked(_wanted(request)))


def _plan(
    request: RunRequest, started: RunStarted, there: hosts.Hosts, secrets: Secrets, notify: progress.Notify
) -> v.Plan:
    store, fresh = request.store, request.fresh_containers
    steps = {
        step.name: replace(
            _step_plan(step, secrets.get(step.name, ()), fresh),
            workers=workers,
            hosts=there.places[step.name],
            looked_up=_is_looked_up(request, step),
        )
        for step, workers in sharing(request.loaded.flow, there)
    }
    plans = there.plans(request.max_workers)
    return v.Plan(
        flow=started.flow,
        run_id=started.run_id,
        steps=steps,
        parameters=started.parameters,
        max_workers=request.max_workers or sum(each.max_workers for each in plans.values()),
        max_num_splits=request.max_num_splits or v.MAX_NUM_SPLITS,
        user=started.user,
        namespace=f"user:{started.user}" if request.namespace is None else request.namespace,
        tags=started.tags,
        start=request.loaded.flow.start,
        project=request.project,
        origin_run_id=started.origin_run_id,
        origin=origin.results(store.blobs, request.resumed, steps) if request.resumed else {},
        hosts=plans,
        running=_running(request, started, there, steps, notify),
    )


def _running(
    request: RunRequest,
    started: RunStarted,
    there: hosts.Hosts,
    steps: Mapping[str, v.StepPlan],
    notify: progress.Notify,
) -> dict[v.Counterpart, v.Running]:
    if request.origin is None or request.reproduced or not any(each.host.is_remote for each in there.by_name.values()):
        return {}
    from dockerflow.scheduler.adopting import Adopting, running  # noqa: PLC0415 - the engines' SDK only where it is used

    adopting = Adopting(request.origin, request.store, there, started.code, request.attach)
    return running(adopting, steps, notify)


def _is_looked_up(request: RunRequest, step: Step) -> bool:
    """Whether results of other runs do for the step: not where there are no images, nor in a run that is to show what
    comes out again."""
    if request.engine == "process" or request.reproduced is not None:
        return False
    return step.decorator(Cache) is not None and step.decorator(Parallel) is None


def _reuse(
    request: RunRequest, plan: v.Plan, started: RunStarted, notify: progress.Notify, inbox: Inbox
) -> Reuse | None:
    """In the store itself: nothing of it is worth ending a run where that goes away."""
    if not any(step.looked_up for step in plan.steps.values()):
        return None
    named = request.origin.rerun if request.origin else None
    again = from_step(plan.steps, named) if named else frozenset[str]()
    subject = Subject(request.loaded, started, request.project, request.explain_cache, again, plan.namespace)
    return Reuse(subject, request.store, notify, lambda told: inbox.put((0, told)))


def _step_plan(step: Step, secrets: tuple[Secret, ...], fresh_containers: bool) -> v.StepPlan:
    asked = step.decorator(Retry)
    retry = asked or Retry(times=0)
    return v.StepPlan(
        name=step.name,
        next=step.next,
        foreach=step.foreach,
        join=step.join,
        retries=retry.times,
        retry_seconds=60 * retry.minutes_between_retries,
        lost_retries=0 if asked and not asked.times else v.LOST_RETRIES,
        catches=step.decorator(Catch) is not None,
        condition=step.condition,
        gang=step.gang,
        time_limit=(step.decorator(Timeout) or Timeout()).limit,
        secrets=secrets,
        share=capacity.of_step(step),
        fresh_containers=fresh_containers or (step.decorator(Isolation) or Isolation()).level == "container",
    )
