"""The container with MinIO: started, looked at, ended. Its data is in a volume, which outlives it.

It listens on this machine alone: on loopback, and on the gateway of the network that steps are in, where their
containers reach it. So it is in that network itself: engines keep networks apart. Its root user's name and password are
in files of the volume, never in its environment, where `docker inspect` and every process in it would show them.
"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import socket
import tarfile
import time
import urllib.request
from typing import Any

import docker.errors
from docker.models.containers import Container

from dockerflow import confinement
from dockerflow.engines.boundary import translated
from dockerflow.engines.docker import DockerHost
from dockerflow.engines.networks import gateway_of
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.setup.errors import ServiceNotReady
from dockerflow.setup.minio_image import HOME, IMAGE, PORT, USER

NAME = "dockerflow-minio"
# Of a container: what it was made from. Another value, and it is made anew.
LABEL = "dockerflow.service"
LOOPBACK = "127.0.0.1"
# Docker Desktop has its engine in a machine of its own; so containers call the user's.
DESKTOP_HOST = "host.docker.internal"

START_SECONDS = 60.0
LOOK_EVERY = 0.05


@dataclass(frozen=True)
class Keys:
    """The root user of the server."""

    access_key: str
    secret_key: str


@dataclass(frozen=True)
class Service:
    """What is to run: in which network of the engine, at which port of this machine; `name` is the volume's, too."""

    network: str
    port: int = PORT
    name: str = NAME
    image: str = IMAGE

    @property
    def endpoint(self) -> str:
        """As this machine sees it."""
        return f"http://{LOOPBACK}:{self.port}"


def find(host: DockerHost, name: str = NAME) -> Container | None:
    with translated(f"look for the container `{name}`", host.url):
        try:
            return host.client.containers.get(name)
        except docker.errors.NotFound:
            return None


def start(host: DockerHost, service: Service, keys: Keys) -> bool:
    """See that the server runs as `service` says, and answers; whether anything had to be done for it.

    A container that was made from something else is replaced. Raises ServiceNotReady.
    """
    there = find(host, service.name)
    is_same = there is not None and there.labels.get(LABEL) == _mark(service, keys.access_key)
    if there is not None and is_same and there.status == "running":
        _wait(host, service)
        return False
    if there is None or _port(there) != service.port:
        _refuse_taken(service.port)  # while the server still runs where it did
    remove(host, service.name)
    with translated(f"start the container `{service.name}`", host.url):
        container = create(host, service, keys)
        try:
            _start(container, service)
            _wait(host, service)
        except BaseException:
            container.remove(force=True)
            raise
    return True


def remove(host: DockerHost, name: str = NAME) -> bool:
    """End the server, in order; whether there was one. Its data stays."""
    there = find(host, name)
    if there is None:
        return False
    with translated(f"end the container `{name}`", host.url):
        there.stop()
        there.remove(force=True)
    return True


def remove_data(host: DockerHost, name: str = NAME) -> bool:
    """Remove the volume of a server that has ended; whether there was one."""
    with translated(f"remove the volume `{name}`", host.url):
        try:
            host.client.volumes.get(name).remove()
        except docker.errors.NotFound:
            return False
    return True


def has_data(host: DockerHost, name: str = NAME) -> bool:
    with translated(f"look for the volume `{name}`", host.url):
        try:
            host.client.volumes.get(name)
        except docker.errors.NotFound:
            return False
    return True


def gateway(host: DockerHost, network: str) -> str:
    """The address of the engine's machine in a network of it, at which containers in it reach the server."""
    with translated(f"look at the network `{network}`", host.url):
        found = gateway_of(host.client.networks.get(network).attrs)
    if found is not None:
        return found
    raise ServiceNotReady(
        f"the network `{network}` has no gateway, at which containers in it could reach the object server",
        "set `network` to `bridge`, or to a bridge network of the engine",
    )


def containers_host(host: DockerHost, network: str) -> str:
    """How step containers call this machine."""
    desktop = "Docker Desktop" in str(host.client.info().get("OperatingSystem"))
    return DESKTOP_HOST if desktop else gateway(host, network)


def reach(host: DockerHost, service: Service) -> str:
    """The endpoint as step containers see it, tried in one. Raises ServiceNotReady where they cannot reach it."""
    name = containers_host(host, service.network)
    with translated("start a container that looks for the object server", host.url):
        container = host.client.containers.create(
            service.image,
            [name, str(service.port)],
            entrypoint="healthy",
            network=service.network,
            labels={LABEL: "look"},
            **confinement.options(),
        )
        try:
            container.start()
            reached = container.wait()["StatusCode"] == 0
        finally:
            container.remove(force=True, v=True)
    if not reached:
        raise ServiceNotReady(
            f"containers in the network `{service.network}` do not reach the object server at `{name}:{service.port}`",
            "see whether a firewall of this machine keeps them from it",
        )
    return f"http://{name}:{service.port}"


def create(host: DockerHost, service: Service, keys: Keys) -> Container:
    """The container, not started yet, with the keys in its volume."""
    addresses = [LOOPBACK]
    if (found := containers_host(host, service.network)) != DESKTOP_HOST:
        addresses.append(found)
    options: dict[str, Any] = {
        "name": service.name,
        "network": service.network,
        "ports": {f"{PORT}/tcp": [(address, service.port) for address in addresses]},
        "volumes": [f"{service.name}:{HOME}"],
        "tmpfs": {"/tmp": "mode=1777"},
        "environment": {
            "MINIO_ROOT_USER_FILE": f"{HOME}/root-user",
            "MINIO_ROOT_PASSWORD_FILE": f"{HOME}/root-password",
        },
        "labels": {LABEL: _mark(service, keys.access_key)},
        "restart_policy": {"Name": "unless-stopped"},
        **confinement.options(),
    }
    container = host.client.containers.create(service.image, **options)
    try:
        container.put_archive(HOME, _files(keys))
    except BaseException:
        container.remove(force=True)
        raise
    return container


def _files(keys: Keys) -> bytes:
    """The root user's name and password as an archive of files that only the server reads."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for name, text in (("root-user", keys.access_key), ("root-password", keys.secret_key)):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode, entry.uid, entry.gid = len(text), 0o400, USER, USER
            archive.addfile(entry, io.BytesIO(text.encode()))
    return content.getvalue()


def _start(container: Container, service: Service) -> None:
    try:
        container.start()
    except docker.errors.APIError as error:
        said = str(error.explanation or error)
        if not any(words in said for words in ("already allocated", "already in use")):
            raise
        raise _taken(service.port) from None


def _port(container: Container) -> int:
    """At which port of this machine a container is to listen; 0 if at none."""
    bound = container.attrs["HostConfig"].get("PortBindings") or {}
    return next((int(each["HostPort"]) for each in bound.get(f"{PORT}/tcp") or ()), 0)


def _refuse_taken(port: int) -> None:
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((LOOPBACK, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise _taken(port) from None


def _taken(port: int) -> ServiceNotReady:
    return ServiceNotReady(
        f"port {port} of this machine is taken by another program",
        "name another with `dockerflow up --port`, or end that program",
    )


def _wait(host: DockerHost, service: Service) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not _answers(service):
        there = find(host, service.name)
        if there is None or there.status != "running" or time.monotonic() > deadline:
            said = b"" if there is None else there.logs(tail=3)
            words = " ".join(said.decode(errors="replace").split()) or "it said nothing"
            raise ServiceNotReady(
                f"MinIO was started but does not answer at `{service.endpoint}`: {words}",
                f"see `docker logs {service.name}`",
            )
        time.sleep(LOOK_EVERY)


def _answers(service: Service) -> bool:
    try:
        with urllib.request.urlopen(f"{service.endpoint}/minio/health/cluster", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _mark(service: Service, access_key: str) -> str:
    """What the container is made from. Anybody may read a label: of new keys the name tells enough."""
    record = json.dumps([1, service.network, service.port, service.image, access_key])
    return hashlib.sha256(record.encode()).hexdigest()[:32]
