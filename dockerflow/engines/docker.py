"""Workers in containers on a Docker engine.

A worker's container is attached to before it starts, so nothing that it says is lost, and it ends when the attached
connection ends, so a scheduler that is killed leaves none behind. Each worker has one thread that listens. What a
container may do is in `container`; how one ended is in `exits`.
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
from docker.context import ContextAPI

from dockerflow.attached import STDOUT, Attached, Demultiplexer
from dockerflow.confinement import UNPRIVILEGED
from dockerflow.engines.answering import Answering
from dockerflow.engines.boundary import FOREIGN, NEWER, translated
from dockerflow.engines.container import PYTHON, WORK, container, host_options, opening, place_of_work
from dockerflow.engines.errors import EngineError, EngineTooOld
from dockerflow.engines.exits import Exit, Exits
from dockerflow.engines.gpu import Devices
from dockerflow.engines.listener import Listener
from dockerflow.engines.sender import Sender
from dockerflow.engines.worker import Notify, Worker, WorkerRequest
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.runtime.messages import RunTask

# The API of Docker 19.03: the first that we test nothing older than.
OLDEST_API = (1, 40)

# How long the engine may take, when we let go of it, to answer what it was asked before, in seconds.
PATIENCE = 5.0

# What to do where the containers of a gang cannot reach each other.
UNREACHABLE = "set `network` to `bridge`, or to a network of the engine on which containers reach each other"

_CONNECTIONS = 32

# conda's name for what the engine runs on, by the engine's own name.
_PLATFORMS = {
    "x86_64": "linux-64",
    "amd64": "linux-64",
    "aarch64": "linux-aarch64",
    "arm64": "linux-aarch64",
    "ppc64le": "linux-ppc64le",
}


class DockerHost:
    """A Docker engine that answered. `python` is the interpreter in the images that workers run in."""

    def __init__(self, client: docker.DockerClient, url: str, python: str = PYTHON) -> None:
        """Asks the engine about itself; see `connect`."""
        self.client = client
        self.url = url
        self._python = python
        with translated("ask the engine about itself", url):
            version, info = client.version(), client.info()
        check_version(version, url)
        check_users(info, url)
        self._info: Mapping[str, Any] = info
        self._exits = Exits(client, info.get("SystemTime", ""))
        self._is_podman = any("Podman" in str(each.get("Name")) for each in version.get("Components") or ())
        self._kills: list[threading.Thread] = []
        self._gpus = Devices()

    @classmethod
    def connect(cls, url: str | None = None, python: str = PYTHON) -> DockerHost:
        """The engine at `url`, or where DOCKER_HOST, the current docker context or the default socket says.

        Raises EngineNotFound, EngineDenied, EngineTooOld, or EngineError for an address that makes no sense.
        """
        from_variables = url is None and bool(os.environ.get("DOCKER_HOST"))  # with DOCKER_TLS_VERIFY, DOCKER_CERT_PATH
        context = None if url or from_variables else _current_context()
        address = url or os.environ.get("DOCKER_HOST") or (context and context.Host) or "unix:///var/run/docker.sock"
        options: dict[str, Any] = {"version": "auto", "max_pool_size": _CONNECTIONS}
        with translated("reach the Docker engine", address):
            if from_variables:
                client = docker.from_env(**options)
            else:
                client = docker.DockerClient(address, tls=(context and context.TLSConfig) or False, **options)
        if address.startswith("unix://"):
            # No proxy is on the way. To look for one goes through all variables at each request, which fails in a
            # thread while another changes one: a container would not be ended.
            client.api.trust_env = False
        return cls(client, address, python)

    @property
    def name(self) -> str:
        return str(self._info.get("Name") or self.url)

    @property
    def cpus(self) -> int:
        return int(self._info["NCPU"])

    @property
    def memory(self) -> int:
        return int(self._info["MemTotal"])

    @property
    def platform(self) -> str:
        """The conda subdir of what the engine runs. Raises EngineError for a platform without one."""
        architecture, system = str(self._info.get("Architecture")), str(self._info.get("OSType"))
        if system != "linux" or architecture not in _PLATFORMS:
            raise EngineError(
                f"the engine at `{self.url}` runs {system} on {architecture}, for which there are no step images",
                "use an engine that runs Linux containers on x86-64, arm64 or ppc64le",
            )
        return _PLATFORMS[architecture]

    @property
    def user(self) -> str:
        """Who a task is, as `uid:gid`: the caller, or nobody when that is root."""
        if any("rootless" in str(option) for option in self._info.get("SecurityOptions") or ()):
            return "0:0"  # which is the caller's own, unprivileged user outside of the container
        return UNPRIVILEGED if os.getuid() == 0 else f"{os.getuid()}:{os.getgid()}"

    def gateway(self, network: str) -> str | None:
        """Of a network with a bridge on this machine. A rootless engine's is in a network of its own."""
        if not self.url.startswith("unix://") or self.user == "0:0":
            return None
        try:
            found = self.client.api.inspect_network("podman" if self._is_podman and network == "bridge" else network)
            return next((each["Gateway"] for each in found["IPAM"]["Config"] or () if each.get("Gateway")), None)
        except (*FOREIGN, KeyError):
            return None

    def make_outbox(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        if os.getuid() == 0:
            uid, gid = self.user.split(":")
            os.chown(folder, int(uid), int(gid))

    def start_worker(self, request: WorkerRequest, notify: Notify) -> Worker:
        """Start a container with a worker. Takes a fifth of a second; several may be started at once.

        Raises ImageNotOnEngine, or EngineError with what the engine says.
        """
        request = replace(request, gpus=self._gpus.take(request.gpu, request.gpus_there))
        try:
            return self._started(request, notify)
        except BaseException:
            self.give_back(request)
            raise

    def _started(self, request: WorkerRequest, notify: Notify) -> Worker:
        with translated(f"start container `{request.name}`", self.url):
            container_id = self._create(request)
            try:
                attached = Attached(self.client, container_id)
                expected, running = self._start(container_id, attached, request)
            except BaseException:
                self._remove(container_id)
                raise
        return DockerWorker(self, request, running, attached, expected, notify)

    def give_back(self, request: WorkerRequest) -> None:
        """What the container of a worker had for itself, when it has ended."""
        self._gpus.give_back(request.gpus)

    def is_away(self) -> bool:
        try:
            return not self.client.ping()
        except FOREIGN:
            return True

    def close(self) -> None:
        """Let go of the engine. Workers that still run can no longer say how they ended."""
        deadline = time.monotonic() + PATIENCE
        for each in self._kills:
            each.join(max(0.0, deadline - time.monotonic()))
        self._exits.close()
        self.client.close()

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
            **host_options(request, "" if self._is_podman else user, self.cpus, self.memory)
        )
        container_id = str(api.create_container(**container(request, user, options, self._python))["Id"])
        try:
            if place_of_work(request) != WORK:
                api.put_archive(container_id, str(WORK), opening())
        except BaseException:
            self._remove(container_id)
            raise
        return container_id

    def _start(self, container_id: str, attached: Attached, request: WorkerRequest) -> tuple[Exit, Running]:
        try:
            expected = self._exits.expect(container_id, self._is_podman and bool(request.memory))
            self.client.api.start(container_id)
            return expected, Running(container_id, self._address(container_id, request) if request.gang else "")
        except BaseException:
            attached.close()
            raise

    def _address(self, container_id: str, request: WorkerRequest) -> str:
        """In the network of the container; those of the engine's own machine share theirs."""
        if request.network == "host":
            return "127.0.0.1"
        networks = self.client.api.inspect_container(container_id)["NetworkSettings"]["Networks"]
        found = next((str(each["IPAddress"]) for each in networks.values() if each.get("IPAddress")), "")
        if not found:
            message = f"container `{request.name}` of a gang has no address in the network `{request.network}`"
            raise EngineError(message, UNREACHABLE)
        return found

    def _remove(self, container_id: str) -> None:
        """Nothing happens when it is gone or going."""
        with suppress(docker.errors.APIError):
            self.client.api.remove_container(container_id, v=True, force=True)


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
            self._listener.end(self._exit.code, self._exit.out_of_memory, self._request.memory)

    def _read_to_end(self) -> None:
        demultiplexer = Demultiplexer()
        while received := self._attached.receive():
            for stream, part in demultiplexer.feed(received):
                if stream == STDOUT:
                    self._listener.messages(part)
                else:
                    self._listener.diagnostics(part)


def check_version(version: Mapping[str, Any], url: str) -> None:
    """`version` is what the engine says about itself. Raises EngineTooOld."""
    found = str(version.get("ApiVersion", "0.0"))
    if tuple(int(part) for part in found.split(".")) < OLDEST_API:
        oldest = ".".join(map(str, OLDEST_API))
        engine = f"Docker {version.get('Version')} with API {found}"
        raise EngineTooOld(f"the engine at `{url}` is {engine}, and {oldest} is the oldest that works", NEWER)


def check_users(info: Mapping[str, Any], url: str) -> None:
    """`info` is what the engine says about itself. Raises EngineError for one whose containers have users of their own.

    A task there is nobody that this machine knows: it could neither read the store nor write what we can read.
    """
    if any("userns" in str(option) for option in info.get("SecurityOptions") or ()):
        raise EngineError(
            f"the engine at `{url}` maps the users in containers to others (`userns-remap`), who may not use the store",
            "take `userns-remap` out of the engine's daemon.json, or use a rootless engine, which needs no mapping",
        )


def _current_context() -> Any:
    """docker's current context, which Docker Desktop and others set up: an address and how to prove who one is."""
    with translated("read the current docker context", "~/.docker"):
        return ContextAPI.get_current_context()
