"""Start workers, in threads since a start takes a tenth of a second, and wait for an engine that is away.

Two starts at once take nearly twice as long each: the kernel makes one network after the other. So a worker for which
no task waits yet is started when those are that were asked for before it.

An engine that is restarted loses its containers, whose tasks are lost with them, and answers nobody for a few seconds.
A worker that is wanted then is started when it is back; after `PATIENCE` the start has failed, but on a remote host, of
which the run hears when it is given up.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Collection
from concurrent.futures import Future, ThreadPoolExecutor, wait

from dockerflow import progress
from dockerflow.engines.errors import EngineError
from dockerflow.engines.worker import Host, Said, Worker, WorkerRequest
from dockerflow.errors import DockerflowError
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.scheduler.continuing import Continuing
from dockerflow.store.errors import StoreError

# Starts at once. An engine on two cores starts about 16 containers a second however many are asked for at a time.
STARTERS = 4

# How long an engine may be away, and how often it is asked whether it is back, in seconds.
PATIENCE = 120.0
ASK_EVERY = 0.5


@dataclass(frozen=True)
class Started:
    """A container runs; its worker may not have said that it is ready."""

    worker: Worker


@dataclass(frozen=True)
class NotStarted:
    error: DockerflowError


class Starting:
    """`tell` hears, from any thread, what came of each start: Started, NotStarted, or a mistake of our own, which must
    not leave a run waiting for ever.
    """

    def __init__(self, host: Host, tell: Callable[[int, object], None], notify: progress.Notify) -> None:
        self._host = host
        self._tell = tell
        self._notify = notify
        self._threads = ThreadPoolExecutor(STARTERS, thread_name_prefix="start-worker")
        self._under_way: list[Future[Started | NotStarted]] = []
        self._over = threading.Event()
        self._away = threading.Lock()

    def start(
        self, number: int, request: WorkerRequest, hear: Callable[[WorkerRequest, Said], None], ahead: bool = False
    ) -> None:
        """What the worker says, `hear` is told. With `ahead` nobody waits for it yet. Called by one thread."""
        self._under_way = [each for each in self._under_way if not each.done()]
        starting = self._threads.submit(self._start_after, tuple(self._under_way) if ahead else (), request, hear)
        self._under_way.append(starting)
        starting.add_done_callback(lambda done: self._pass_on(number, done))

    def adopt(self, number: int, request: WorkerRequest, going_on: Continuing) -> None:
        """Go on with the worker in the container that the request names."""
        adopting = self._threads.submit(self._adopt, request, going_on)
        adopting.add_done_callback(lambda done: self._pass_on(number, done))

    def give_up(self) -> None:
        """Wait for no engine any more."""
        self._over.set()

    def close(self) -> None:
        """Begin no more starts, and wait for those that have begun."""
        self.give_up()
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _start_after(
        self,
        others: Collection[Future[Started | NotStarted]],
        request: WorkerRequest,
        hear: Callable[[WorkerRequest, Said], None],
    ) -> Started | NotStarted:
        wait(others)  # their threads began before this one
        return self._start(request, hear)

    def _start(self, request: WorkerRequest, hear: Callable[[WorkerRequest, Said], None]) -> Started | NotStarted:
        while True:
            try:
                self._host.make_outbox(request.outbox)
                return Started(self._host.start_worker(request, lambda _, said: hear(request, said)))
            except EngineError as error:
                if not self._host.is_away() or not self._comes_back():
                    return NotStarted(error)
            except OSError as error:
                return NotStarted(StoreError(f"cannot make the folder `{request.outbox}`: {error.strerror}"))

    def _adopt(self, request: WorkerRequest, going_on: Continuing) -> Started | NotStarted:
        try:
            self._host.make_outbox(request.outbox)
            going_on.begin(request)
            return Started(self._host.adopt(request.name, request, lambda _, said: going_on.hear(request, said)))
        except EngineError as error:
            return NotStarted(error)
        except OSError as error:
            return NotStarted(StoreError(f"cannot make the folder `{request.outbox}`: {error.strerror}"))

    def _comes_back(self) -> bool:
        """Wait until the engine answers; whether it does. Of several who wait, one tells."""
        tells = self._away.acquire(blocking=False)
        try:
            if tells and not self._host.is_remote:  # of those their watch tells
                self._notify(
                    progress.Noted(f"the engine `{self._host.name}` does not answer, and the run waits for it")
                )
            # A remote host is given up by its watch, after the user's patience and not ours.
            deadline = math.inf if self._host.is_remote else time.monotonic() + PATIENCE
            while self._host.is_away():
                if self._over.wait(ASK_EVERY) or time.monotonic() > deadline:
                    return False
            return True
        finally:
            if tells:
                self._away.release()

    def _pass_on(self, number: int, done: Future[Started | NotStarted]) -> None:
        if not done.cancelled():
            self._tell(number, done.exception() or done.result())
