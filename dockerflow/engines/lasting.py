"""A worker in a container on a remote host: it outlasts the connection to it, and whoever has started it.

What is said travels in a session (`runtime.session`) with the container's first process, which keeps what is not
acknowledged. When the connection breaks, the host's watch says when it is back; then the container is attached to again
and the session goes on. A host that is given up ends its workers here, and what is still there of them when it comes
back is killed. So is every container whose end was not seen.

What is sent, and when, is in `post`; what the worker says is taken apart by `listener`, as everywhere.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Protocol

from dockerflow.attached import STDOUT, Attached, Demultiplexer
from dockerflow.engines.answering import Answering, preamble
from dockerflow.engines.boundary import FOREIGN
from dockerflow.engines.collecting import NotBack
from dockerflow.engines.listener import LONGEST, Listener
from dockerflow.engines.post import Post
from dockerflow.engines.watch import GivenUp, HostState, Watch
from dockerflow.engines.worker import Notify, WorkerEnded, WorkerRequest
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.runtime.messages import HEADER, RunTask
from dockerflow.runtime.packets import magic
from dockerflow.runtime.relayed import is_message
from dockerflow.runtime.session import DEFAULT, DIAGNOSTICS, EXIT, FRAME, ClientSide, Exit, Item, Waits
from dockerflow.store.records import Failure

# Seconds until the next try where a container runs and cannot be spoken to: the first, and the longest.
FIRST, LATER = 0.05, 5.0

# How long the last acknowledgement may take to be written, and then the container to end, in seconds.
PATIENCE = 10.0

# How long a relay that was told to kill its worker may take, in seconds: it may be stopped, or in a frozen container.
OBEYS = 5.0


@dataclass(frozen=True)
class Gone:
    """A container that does not run. `status` is None where the engine does not know it."""

    status: int | None = None
    out_of_memory: bool = False


class Place(Protocol):
    """A host as its workers need it."""

    @property
    def name(self) -> str: ...

    @property
    def watch(self) -> Watch: ...

    def attach(self, container_id: str, request: WorkerRequest) -> Attached:
        """Raises what the SDK raises."""

    def gone(self, container_id: str, request: WorkerRequest) -> Gone | None:
        """None: it runs. Raises what the SDK raises."""

    def kill_container(self, container_id: str) -> None:
        """Ask for it; raises nothing."""

    def give_back(self, request: WorkerRequest) -> None: ...


@dataclass(frozen=True)
class Container:
    """One that runs. `attached` from before it was started; None: somebody else did that, and this goes on."""

    container_id: str
    name: str
    address: str
    attached: Attached | None


class _Lost(Exception):
    """Nothing more will be heard of the worker, which may still be there."""


class LastingWorker:
    """A container that runs on a remote host, and the thread that listens to it."""

    def __init__(
        self, host: Place, request: WorkerRequest, container: Container, notify: Notify, waits: Waits = DEFAULT
    ) -> None:
        self.container_id = container.container_id
        self.address = container.address
        self._host = host
        self._request = request
        self._attached = container.attached
        self._adopts = container.attached is None
        self._session = ClientSide(magic(container.name), LONGEST + HEADER.size, self._adopts, waits)
        self._post = Post(container.name, self._session, () if self._adopts else preamble(request))
        self._answering = Answering(request, self._post)
        self._listener = Listener(request.worker_id, notify, self._answering, joins=self._adopts)
        self._pause = FIRST
        self._has_broken = threading.Event()  # a wait that nobody need end
        self._end_was_seen = False
        self._is_killed = False
        self._ended = threading.Event()
        if not self._adopts:
            self._answering.greet()
        threading.Thread(target=self._live, name=container.name, daemon=True).start()

    def send(self, task: RunTask) -> None:
        self._answering.send(task)

    def stop(self) -> None:
        """By force while it imports its flow: it reads nothing then."""
        if self._listener.ready:
            self._listener.hurry()
            self._post.end()
        else:
            self.kill()

    def kill(self) -> None:
        """At once where the host answers, else when it is back."""
        self._listener.hurry()
        self._post.kill()
        if not self._session.is_open:  # there may be no relay yet that hears it
            self._host.kill_container(self.container_id)
        elif not self._is_killed:
            self._is_killed = True
            threading.Thread(target=self._force, name=f"{self._request.name}-kill", daemon=True).start()

    def _force(self) -> None:
        """See that a kill takes effect, also where the relay does nothing of what it is told."""
        while self._host.watch.wait_until_back(even_given_up=True) and not self._ended.wait(OBEYS):
            self._host.kill_container(self.container_id)

    def _live(self) -> None:
        watch = self._host.watch
        watch.listen(self._hear_host)
        ended = WorkerEnded(None)
        try:
            ended = self._listen()
        finally:
            self._ended.set()
            self._host.give_back(self._request)
            self._listener.end(ended)
        self._clear()
        watch.forget(self._hear_host)

    def _hear_host(self, state: HostState) -> None:
        if isinstance(state, GivenUp):
            self._post.detach()  # which wakes whoever reads

    def _listen(self) -> WorkerEnded:
        try:
            gone = self._read_to_end()
        except _Lost as lost:
            hint = f"check the host with `dockerflow hosts check {self._host.name}`"
            return WorkerEnded(None, lost=Failure("lost", str(lost), hint=hint))
        except Exception as error:  # noqa: BLE001 - whatever a task made of it, the scheduler waits for the end
            self._listener.diagnostics(f"{error}\n".encode("utf-8", "replace"))
            return WorkerEnded(None)
        return WorkerEnded(gone.status, gone.out_of_memory, memory_limit=self._request.memory)

    def _read_to_end(self) -> Gone | Exit:
        if self._attached is not None:
            self._post.attach(self._attached)
        gone = self._attach() if self._attached is None else None
        while gone is None and self._attached is not None:
            end = self._read(self._attached)
            if end is not None:
                return end
            gone = self._attach()
            if gone is None and not self._session.knows and not self._adopts:
                raise _Lost(f"the connection to the host `{self._host.name}` broke while the worker started")
        self._end_was_seen = True
        return gone or Gone()

    def _read(self, attached: Attached) -> Exit | None:
        """Until the worker has ended, or the connection broke."""
        demultiplexer = Demultiplexer()
        while received := attached.receive():
            self._pause = FIRST
            for stream, part in demultiplexer.feed(received):
                if stream != STDOUT:
                    self._listener.diagnostics(part)
                    continue
                for item in self._post.hear(part):
                    if item.kind == EXIT:
                        return self._exit(attached, item)
                    self._take(item)
                self._check()
        return None

    def _take(self, item: Item) -> None:
        if item.kind == FRAME:
            try:
                self._listener.messages(item.content)
            except NotBack:
                raise _Lost(self._away(self._host.watch)) from None
        elif item.kind == DIAGNOSTICS:
            self._listener.diagnostics(item.content)
        self._post.processed(item.number, holds=is_message("TaskResult", item.content))

    def _check(self) -> None:
        if self._session.is_superseded:
            self._end_was_seen = True  # by another
            raise _Lost(f"another scheduler has taken over the worker on the host `{self._host.name}`")
        if self._adopts and self._session.knows and not self._session.is_busy:
            raise _Lost(f"the worker on the host `{self._host.name}` had no task any more")

    def _exit(self, attached: Attached, item: Item) -> Exit:
        """The worker's own word. Its container ends when that is acknowledged."""
        found = Exit.unpack(item.content)
        self._post.processed(item.number)
        self._post.flush(PATIENCE)
        self._end_was_seen = attached.wait_for_end(PATIENCE)
        return found

    def _attach(self) -> Gone | None:
        """Again, or as the first one here: when the host answers. Raises _Lost when it is given up."""
        self._post.detach()
        watch = self._host.watch
        while True:
            watch.suspect()
            if not watch.wait_until_back():
                raise _Lost(self._away(watch))
            with suppress(*FOREIGN):
                gone = self._host.gone(self.container_id, self._request)
                if gone is not None:
                    return gone
                self._attached = self._host.attach(self.container_id, self._request)
                self._post.attach(self._attached)
                if not isinstance(watch.state, GivenUp):
                    return None
                self._post.detach()
            self._has_broken.wait(self._pause)
            self._pause = min(2 * self._pause, LATER)

    def _away(self, watch: Watch) -> str:
        state = watch.state
        if isinstance(state, GivenUp):
            return f"the host `{self._host.name}` did not answer for {watch.patience:g} s: {state.reason}"
        if watch.wait_until_back(0):
            return f"the host `{self._host.name}` did not answer for {watch.patience:g} s, and answers again"
        return f"the host `{self._host.name}` was let go of before the worker had ended"

    def _clear(self) -> None:
        """See that nothing is left of it, however long the host is away. Nobody waits for this."""
        self._post.close()
        watch = self._host.watch
        while not self._end_was_seen and watch.wait_until_back(even_given_up=True):
            with suppress(*FOREIGN):
                self._end_was_seen = self._host.gone(self.container_id, self._request) is not None
            if not self._end_was_seen:
                self._host.kill_container(self.container_id)
                self._has_broken.wait(self._pause)
                self._pause = min(2 * self._pause, LATER)
