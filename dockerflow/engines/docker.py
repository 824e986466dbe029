"""Workers in containers on a Docker engine.

A worker's container is attached to before it starts, so nothing that it says is lost, and it ends when the attached
connection ends, so a scheduler that is killed leaves none behind. Each worker has one thread that listens. A worker on
a remote host is another matter: see `lasting`. How an
engine is reached is in `connection`; what a container may do in `container`; how one ended in `exits`.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import docker

from dockerflow.attached import STDOUT, Attached, Demultiplexer
from dockerflow.confinement import UNPRIVILEGED
from dockerflow.engines.about import ask, check_users
from dockerflow.engines.answering import Answering
from dockerflow.engines.boundary import FOREIGN, translated
from dockerflow.engines.by_files import AttachedByFiles
from dockerflow.engines.collecting import Source, collecting
from dockerflow.engines.connection import PATIENCE as HOST_PATIENCE
from dockerflow.engines.connection import Connection, here, is_away, reach
from dockerflow.engines.container import PYTHON, WORK, container, host_options, lasts, opening, place_of_work
from dockerflow.engines.errors import EngineError
from dockerflow.engines.exits import Exit, Exits
from dockerflow.engines.gpu import Devices, numbers_of
from dockerflow.engines.lasting import Container, Gone, LastingWorker
from dockerflow.engines.listener import Listener
from dockerflow.engines.networks import gateway_of
from dockerflow.engines.sender import Sender
from dockerflow.engines.watch import Tell, Watch
from dockerflow.engines.worker import Notify, Worker, WorkerEnded, WorkerRequest
from dockerflow.host_settings import LOCAL, HostSettings
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.runtime.messages import RunTask
from dockerflow.runtime.session import DEFAULT, Waits

# How long the engine may take, when we let go of it, to answer what it was asked before, in seconds.
PATIENCE = 5.0

# What to do where the containers of a gang cannot reach each other.
UNREACHABLE = "set `network` to `bridge`, or to a network of the engine on which containers reach each other"


class DockerHost:
    """A Docker engine that answered. `python` is the interpreter in the images that workers run in."""

    def __init__(self, connection: Connection, python: str = PYTHON) -> None:
        """Asks the engine about itself; see `connect` and `reach`."""
        self.client = connection.client
        self.url = connection.url
        self.settings = connection.settings
        self.about = ask(self.client, self.url)
        if not connection.is_remote:
            check_users(self.about.info, self.url)
        self._connection = connection
        self._python = python
        self._exits = Exits(self.client, self.about.time)
        self.waits: Waits = DEFAULT  # of a remote host's workers that nobody hears any more
        self._kills: list[threading.Thread] = []
        self._gpus = Devices()

    @classmethod
    def connect(cls, url: str | None = None, python: str = PYTHON, patience: float = HOST_PATIENCE) -> DockerHost:
        """The engine at `url`, or where DOCKER_HOST, the current docker context or the default socket says. `patience`
        is for one that may be on another machine, as in `reach`.

        Raises EngineNotFound, EngineDenied, EngineTooOld, or EngineError for an address that makes no sense.
        """
        return cls._of(here(url, patience), python)

    @classmethod
    def reach(cls, settings: HostSettings, patience: float = HOST_PATIENCE, python: str = PYTHON) -> DockerHost:
        """A remote host, which is given up when it is away for `patience` seconds. Raises what `connect` raises."""
        return cls._of(reach(settings, patience), python)

    @classmethod
    def _of(cls, connection: Connection, python: str) -> DockerHost:
        try:
            return cls(connection, python)
        except BaseException:
            connection.close()
            raise

    @property
    def name(self) -> str:
        """In the configuration; of the engine of this machine, the engine's own."""
        return self.about.name if self.settings.name == LOCAL else self.settings.name

    @property
    def is_remote(self) -> bool:
        """Whether it is, or may be, on another machine: nothing can be mounted from here to there."""
        return self._connection.is_remote

    @property
    def watch(self) -> Watch:
        """Over a remote host; the engine of this machine has none."""
        if self._connection.watch is None:
            raise ValueError(f"`{self.url}` is not remote")
        return self._connection.watch

    def when_away(self, tell: Tell) -> None:
        """Have it told, from a thread of the host's own, when a remote host is away, given up, or back."""
        if self._connection.watch is not None:
            self._connection.watch.listen(tell)

    @property
    def cpus(self) -> int:
        return self.about.cpus

    @property
    def memory(self) -> int:
        return self.about.memory

    @property
    def platform(self) -> str:
        """The conda subdir of what the engine runs. Raises EngineError for a platform without one."""
        return self.about.platform

    @property
    def user(self) -> str:
        """Who a task is, as `uid:gid`: the caller, or nobody when that is root or the host another machine."""
        if self.about.is_rootless:
            return "0:0"  # which is the caller's own, unprivileged user outside of the container
        is_nobody_there = self.is_remote or os.getuid() == 0
        return UNPRIVILEGED if is_nobody_there else f"{os.getuid()}:{os.getgid()}"

    def gateway(self, network: str) -> str | None:
        """Of a network with a bridge on this machine. A rootless engine's is in a network of its own."""
        if self.is_remote or not self.url.startswith("unix://") or self.about.is_rootless:
            return None
        try:
            name = "podman" if self.about.is_podman and network == "bridge" else network
            return gateway_of(self.client.api.inspect_network(name))
        except (*FOREIGN, KeyError):
            return None

    def make_outbox(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        if os.getuid() == 0 and not self.is_remote:
            uid, gid = self.user.split(":")
            os.chown(folder, int(uid), int(gid))

    def start_worker(self, request: WorkerRequest, notify: Notify) -> Worker:
        """Start a container with a worker. Takes a fifth of a second; several may be started at once.

        Raises ImageNotOnEngine, or EngineError with what the engine says.
        """
        request, notify = self._at_its_distance(request, notify)
        request = replace(request, gpus=self._gpus.take(request.gpu, request.gpus_there))
        try:
            return self._started(request, notify)
        except BaseException:
            self.give_back(request)
            raise

    def _at_its_distance(self, request: WorkerRequest, notify: Notify) -> tuple[WorkerRequest, Notify]:
        """What is asked of this engine, and who hears the worker: from afar what it leaves has to be brought here."""
        if not self.is_remote:
            return request, notify
        request = replace(request, mounts=False)
        return request, collecting(Source(self.client, self.url, self._is_back), request, notify)

    def _is_back(self) -> bool:
        """Wait until a remote host answers again; whether it does."""
        self.watch.suspect()
        return self.watch.wait_until_back()

    def adopt(self, container: str, request: WorkerRequest, notify: Notify) -> Worker:
        """Go on with a worker that another scheduler has started on this host, in the container of this name: what it
        had not heard is handed to `notify`, and what follows. Raises EngineError when there is none.
        """
        with translated(f"go on with container `{container}`", self.url):
            found = self.client.api.inspect_container(container)
        if not self.is_remote or not found["State"].get("Running"):
            raise EngineError(f"container `{container}` at `{self.url}` has ended", "run its task again")
        request, notify = self._at_its_distance(replace(request, name=container), notify)
        address = address_in(found, request) if request.gang else ""
        request = replace(request, gpus=self._gpus.hold(numbers_of(found)))
        return LastingWorker(self, request, Container(str(found["Id"]), container, address, None), notify, self.waits)

    def _started(self, request: WorkerRequest, notify: Notify) -> Worker:
        with translated(f"start container `{request.name}`", self.url):
            container_id = self._create(request)
            try:
                attached = Attached(self.client, container_id)
                expected, running = self._start(container_id, attached, request)
            except BaseException:
                self._remove(container_id)
                raise
        if expected is None:
            container = Container(container_id, request.name, running.address, attached)
            return LastingWorker(self, request, container, notify, self.waits)
        return DockerWorker(self, request, running, attached, expected, notify)

    def attach(self, container_id: str, request: WorkerRequest) -> Attached:
        """To a container that runs. Raises what the SDK raises."""
        if self.about.is_podman:  # it ends a container's standard input with the first connection, whatever is asked
            return AttachedByFiles(self.client, container_id, place_of_work(request), request.user or self.user)
        return Attached(self.client, container_id)

    def gone(self, container_id: str, request: WorkerRequest) -> Gone | None:
        """How a worker's container ended; None: it runs. Raises what the SDK raises.

        The engine's events say more than the container's state: a task of it may have run out of memory long before.
        """
        status: int | None = None
        with suppress(docker.errors.NotFound):
            state = self.client.api.inspect_container(container_id)["State"]
            if state.get("Running"):
                return None
            status = state.get("ExitCode")
        found = self._exits.past(container_id, self._presumes_memory(request))
        return Gone(status if found.code is None else found.code, found.out_of_memory)

    def give_back(self, request: WorkerRequest) -> None:
        """What the container of a worker had for itself, when it has ended."""
        self._gpus.give_back(request.gpus)

    def is_away(self) -> bool:
        if self._connection.watch is not None:
            return not self._connection.watch.answers_now()
        return is_away(self.client)

    def close(self) -> None:
        """Let go of the engine. Workers that still run can no longer say how they ended."""
        deadline = time.monotonic() + PATIENCE
        for each in self._kills:
            each.join(max(0.0, deadline - time.monotonic()))
        self._exits.close()
        self._connection.close()

    def kill_container(self, container_id: str) -> None:
        """Ask for it, in a thread: an engine may take a minute to answer."""
        killing = threading.Thread(target=self._kill, args=(container_id,), name=f"kill-{container_id}", daemon=True)
        killing.start()
        self._kills = [each for each in self._kills if each.is_alive()] + [killing]

    def _kill(self, container_id: str) -> None:
        with suppress(*FOREIGN):  # it has ended, or the engine has: the listening thread reports either
            self.client.api.kill(container_id)

    def _create(self, request: WorkerRequest) -> str:
        api = self.client.api
        user = request.user or self.user
        options = api.create_host_config(
            **host_options(request, "" if self.about.is_podman else user, self.cpus, self.memory)
        )
        container_id = str(api.create_container(**container(request, user, options, self._python))["Id"])
        try:
            if place_of_work(request) != WORK:
                api.put_archive(container_id, str(WORK), opening())
        except BaseException:
            self._remove(container_id)
            raise
        return container_id

    def _start(self, container_id: str, attached: Attached, request: WorkerRequest) -> tuple[Exit | None, Running]:
        """How it will end is not expected of a worker that says so itself."""
        try:
            expected = None if lasts(request) else self._exits.expect(container_id, self._presumes_memory(request))
            self.client.api.start(container_id)
            found = self.client.api.inspect_container(container_id) if request.gang else {}
            return expected, Running(container_id, address_in(found, request) if request.gang else "")
        except BaseException:
            attached.close()
            raise

    def _presumes_memory(self, request: WorkerRequest) -> bool:
        return self.about.is_podman and bool(request.memory)

    def _remove(self, container_id: str) -> None:
        """Nothing happens when it is gone or going."""
        with suppress(docker.errors.APIError):
            self.client.api.remove_container(container_id, v=True, force=True)


def address_in(found: Mapping[str, Any], request: WorkerRequest) -> str:
    """Of a container in its network, as it was found; those in the network of the engine's machine share theirs."""
    if request.network == "host":
        return "127.0.0.1"
    networks = found["NetworkSettings"]["Networks"]
    address = next((str(each["IPAddress"]) for each in networks.values() if each.get("IPAddress")), "")
    if not address:
        message = f"container `{request.name}` of a gang has no address in the network `{request.network}`"
        raise EngineError(message, UNREACHABLE)
    return address


@dataclass(frozen=True)
class Running:
    """A container that was started, and where others reach it, if that was asked for."""

    container_id: str
    address: str


class DockerWorker:
    """A container that runs, and the thread that listens to it."""

    def __init__(
        self,
        host: DockerHost,
        request: WorkerRequest,
        running: Running,
        attached: Attached,
        expected: Exit,
        notify: Notify,
    ) -> None:
        self.container_id = running.container_id
        self.address = running.address
        self._host = host
        self._request = request
        self._attached = attached
        self._exit = expected
        self._sender = Sender(request.name, attached.send, attached.end_input)
        self._answering = Answering(request, self._sender)
        self._answering.begin()
        self._listener = Listener(request.worker_id, notify, self._answering)
        threading.Thread(target=self._listen, name=request.name, daemon=True).start()

    def send(self, task: RunTask) -> None:
        self._answering.send(task)

    def stop(self) -> None:
        """By force while it imports its flow: it reads nothing then."""
        if self._listener.ready and self._attached.can_end_input:
            self._listener.hurry()
            self._sender.end()
        else:
            self.kill()

    def kill(self) -> None:
        self._listener.hurry()
        self._host.kill_container(self.container_id)

    def _listen(self) -> None:
        try:
            self._read_to_end()
        except Exception as error:  # noqa: BLE001 - whatever a task made of it, the scheduler waits for the end
            self._listener.diagnostics(f"{error}\n".encode("utf-8", "replace"))
            self.kill()  # the container is of no use any more
        try:
            if not self._exit.wait():
                self.kill()
            self._sender.end()
            self._attached.close()
        finally:
            self._host.give_back(self._request)
            ended = WorkerEnded(self._exit.code, self._exit.out_of_memory, memory_limit=self._request.memory)
            self._listener.end(ended)

    def _read_to_end(self) -> None:
        demultiplexer = Demultiplexer()
        while received := self._attached.receive():
            for stream, part in demultiplexer.feed(received):
                if stream == STDOUT:
                    self._listener.messages(part)
                else:
                    self._listener.diagnostics(part)
