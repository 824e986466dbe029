"""The workers of a run, by number: what was asked for each, on which host it is, and how it is told something.

The core knows workers by their numbers alone, and may want one to end before its start has returned: that is kept here
until it can be done. Used by one thread, the loop's; what workers say arrives in the loop's inbox.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol

from dockerflow import progress
from dockerflow.engines.worker import Host, Said, Worker, WorkerRequest
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.runtime.messages import RunTask
from dockerflow.scheduler.continuing import Continuing
from dockerflow.scheduler.starting import Starting
from dockerflow.scheduler.values import Running
from dockerflow.store.records import Failure, LogLine

Hear = Callable[[WorkerRequest, Said], None]


class Request(Protocol):
    """What to start for a worker, or how to go on with one that runs."""

    def __call__(self, number: int, step: str, host: str) -> WorkerRequest: ...

    def adopting(self, number: int, step: str, running: Running) -> WorkerRequest: ...

    def printed(self, running: Running) -> Iterable[LogLine]:
        """What the attempt had printed when its scheduler was killed. Raises StoreError while it is read."""


@dataclass(frozen=True)
class _Known:
    """A worker that has not ended."""

    request: WorkerRequest
    host: str


class Workers:
    """`hear` is told what they say, in threads of theirs; `tell` what came of their starts, as `starting` says it."""

    def __init__(
        self,
        hosts: Mapping[str, Host],
        request: Request,
        hear: Hear,
        tell: Callable[[int, object], None],
        notify: progress.Notify,
    ) -> None:
        self.hosts = hosts
        self.busy: set[int] = set()  # those that have a task
        self._request, self._hear, self._notify = request, hear, notify
        self._starting = {name: Starting(host, tell, notify) for name, host in hosts.items()}
        self._known: dict[int, _Known] = {}
        self._handles: dict[int, Worker] = {}
        self._early: set[int] = set()  # ready before the start call returned
        self._unwanted: dict[int, Callable[[Worker], None]] = {}  # to end before the start call returned
        self._broken: dict[int, Failure] = {}

    def __contains__(self, number: object) -> bool:
        return number in self._known

    def request(self, number: int) -> WorkerRequest | None:
        """None for one that has ended."""
        known = self._known.get(number)
        return known.request if known else None

    def requests(self) -> tuple[WorkerRequest, ...]:
        return tuple(known.request for known in self._known.values())

    def name(self, number: int) -> str:
        """Of its container; nothing for one that has ended, or never was."""
        known = self._known.get(number)
        return known.request.name if known else ""

    def host(self, number: int) -> str:
        """What its host calls itself; where there is one host alone, it is that."""
        known = self._known.get(number)
        if known is None and len(self.hosts) > 1:
            return ""
        return self.hosts[known.host if known else next(iter(self.hosts))].name

    def elsewhere(self, number: int) -> str:
        """The same, but nothing for this machine."""
        known = self._known.get(number)
        return known.host if known and self.hosts[known.host].is_remote else ""

    # ---- beginning

    def start(self, number: int, step: str, host: str, ahead: bool) -> None:
        request = self._request(number, step, host)
        self._known[number] = _Known(request, host)
        self._notify(progress.ContainerStarting(step, request.name))
        self._starting[host].start(number, request, self._hear, ahead)

    def adopt(self, number: int, task: RunTask, running: Running) -> None:
        """Go on with the container in which an attempt runs that is this task's from now on."""
        request = self._request.adopting(number, task.step, running)
        self._known[number] = _Known(request, running.host)
        self.busy.add(number)
        going_on = Continuing(task, running, self._request.printed(running), self._hear)
        self._starting[running.host].adopt(number, request, going_on)

    def leave(self, running: Iterable[Running]) -> None:
        """Kill those of another run's containers that were not adopted, when all have been that will be."""
        adopted = {known.request.name for known in self._known.values()}
        for each in running:
            if each.worker not in adopted:
                self.hosts[each.host].kill_container(each.worker)

    def started(self, number: int, worker: Worker) -> bool:
        """The start has returned; whether the worker can have a task now."""
        if number not in self._known:
            return False  # it has ended already
        self._handles[number] = worker
        if end := self._unwanted.pop(number, None):
            end(worker)
        return self._is_ready(number)

    def said_ready(self, number: int) -> bool:
        """It has imported its flow; whether it can have a task now."""
        self._early.add(number)
        return self._is_ready(number)

    def _is_ready(self, number: int) -> bool:
        if number in self._early and number in self._handles:
            self._early.discard(number)
            return True
        return False

    # ---- between

    def send(self, number: int, task: RunTask) -> None:
        """Nothing happens when the worker has ended meanwhile."""
        if (handle := self._handles.get(number)) is not None:
            handle.send(task)

    def address(self, number: int) -> str:
        """One whose container is gone is nowhere."""
        handle = self._handles.get(number)
        return handle.address if handle else ""

    # ---- ending

    def stop(self, number: int) -> None:
        self._end(number, lambda worker: worker.stop())

    def kill(self, number: int) -> None:
        self._end(number, lambda worker: worker.kill())

    def _end(self, number: int, end: Callable[[Worker], None]) -> None:
        handle = self._handles.get(number)
        if handle is not None:
            end(handle)
        elif number in self._known:
            self._unwanted[number] = end

    def kill_late(self, number: int, worker: Worker) -> None:
        """It has started when nobody wants it any more."""
        if number in self._known:
            self._handles[number] = worker
            worker.kill()

    def broken(self, number: int, failure: Failure) -> None:
        """It cannot import its flow, for this reason; its end follows."""
        self._broken[number] = failure

    def forget(self, number: int) -> Failure | None:
        """It has ended; why no other would do better, if it said so."""
        self._known.pop(number, None)
        self._handles.pop(number, None)
        self._unwanted.pop(number, None)
        self._early.discard(number)
        self.busy.discard(number)
        return self._broken.pop(number, None)

    def running(self) -> Iterator[int]:
        """Those that can be told to end now."""
        return iter(tuple(self._handles))

    def give_up_starting(self) -> None:
        """Wait for no engine any more."""
        for each in self._starting.values():
            each.give_up()

    def close_starting(self) -> None:
        """Begin no more starts, and wait for those that have begun."""
        self.give_up_starting()
        for each in self._starting.values():
            each.close()
