"""The way to an engine: on this machine, or on a remote host.

`here` connects to the engine of this machine, as docker's own client would; `reach` to a host of the configuration, by
ssh (`tunnel`), by TCP with or without TLS, by a socket, or as a docker context says (`contexts`). There is one
connection per host and process, and its `client` lives through reconnections.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import docker
from docker.tls import TLSConfig
from docker.utils import kwargs_from_env

from dockerflow.engines import contexts
from dockerflow.engines.address import Address, check_url, is_elsewhere, ssh_place
from dockerflow.engines.boundary import FOREIGN, translated
from dockerflow.engines.errors import EngineError
from dockerflow.engines.links import Direct, Tunnelled
from dockerflow.engines.sockets import tcp_client, unix_client
from dockerflow.engines.watch import Watch
from dockerflow.host_settings import LOCAL, HostSettings
from dockerflow.lazy_dataclasses import dataclass

__all__ = ["PATIENCE", "Connection", "here", "is_away", "reach"]

# How long a host may be away before it is given up, in seconds, where nobody says: the setting `host_patience`.
PATIENCE = 180.0

_CONNECTIONS = 32


@dataclass(frozen=True)
class Connection:
    """To an engine that answered. `watch` is None for the engine of this machine, which needs none."""

    client: docker.DockerClient
    url: str
    settings: HostSettings
    watch: Watch | None = None

    @property
    def is_remote(self) -> bool:
        return self.watch is not None

    def close(self) -> None:
        if self.watch is not None:
            self.watch.close()
        self.client.close()


def here(url: str | None = None, patience: float = PATIENCE) -> Connection:
    """To the engine at `url`, or where DOCKER_HOST, the current docker context or the default socket says.

    One that may be on another machine is a remote host, though its name is `local`, and is given up when it is away for
    `patience` seconds. Raises EngineNotFound, EngineDenied, EngineTooOld, or EngineError for an address that makes no
    sense.
    """
    variable = None if url else os.environ.get("DOCKER_HOST")  # with DOCKER_TLS_VERIFY, DOCKER_CERT_PATH
    context = None if url or variable else contexts.current()
    address = url or variable or (context and context.url) or "unix:///var/run/docker.sock"
    if is_elsewhere(address):
        tls = _of_variables() if variable else context.tls if context else None
        return _reached(HostSettings(LOCAL, address), _Way(address, tls), patience)
    options: dict[str, Any] = {"version": "auto", "max_pool_size": _CONNECTIONS}
    with translated("reach the Docker engine", address):
        if variable:
            client = docker.from_env(**options)
        else:
            client = docker.DockerClient(address, tls=(context and context.tls) or False, **options)
    if address.startswith("unix://"):
        # No proxy is on the way. To look for one goes through all variables at each request, which fails in a
        # thread while another changes one: a container would not be ended.
        client.api.trust_env = False
    return Connection(client, address, HostSettings(LOCAL, address))


def reach(settings: HostSettings, patience: float = PATIENCE) -> Connection:
    """To a remote host. Raises HostNotReached, EngineTooOld, or EngineError for settings that make no sense; a host
    that does not answer now is not waited for."""
    return _reached(settings, _way(settings), patience)


def is_away(client: docker.DockerClient) -> bool:
    """Whether an engine without a watch does not answer."""
    try:
        return not client.ping()
    except FOREIGN:
        return True


@dataclass(frozen=True)
class _Way:
    url: str
    tls: TLSConfig | None = None


def _way(settings: HostSettings) -> _Way:
    check_url(settings.url, settings.name)
    if settings.url.startswith(contexts.SCHEME):
        context = contexts.named(settings.url.removeprefix(contexts.SCHEME).rstrip("/"))
        return _Way(context.url, context.tls)
    return _Way(settings.url, _tls(settings))


def _tls(settings: HostSettings) -> TLSConfig | None:
    for key in ("ca", "certificate", "key"):
        path: Path | None = getattr(settings, key)
        if path is not None and not path.is_file():
            where = f" ({settings.source})" if settings.source else ""
            message = f"host `{settings.name}`{where} has `{key}: {path}`, and there is no such file"
            raise EngineError(message, "correct the path, or get the file from who runs the host")
    if (settings.certificate is None) != (settings.key is None):
        lacking = "key" if settings.key is None else "certificate"
        raise EngineError(f"host `{settings.name}` lacks `{lacking}`: a certificate and its key are used together")
    if settings.ca is None and settings.certificate is None:
        return None
    both = (str(settings.certificate), str(settings.key)) if settings.certificate else None
    return TLSConfig(client_cert=both, ca_cert=str(settings.ca) if settings.ca else None, verify=True)


def _of_variables() -> TLSConfig | None:
    return kwargs_from_env().get("tls") or None


def _reached(settings: HostSettings, way: _Way, patience: float) -> Connection:
    address = Address(settings.url, settings.name)
    link = _link(address, way)
    try:
        client = link.connect()
        watch = Watch(settings.name, link, patience)
    except BaseException:
        link.close()
        raise
    link.when_broken(watch.suspect)
    return Connection(client, address, settings, watch)


def _link(address: Address, way: _Way) -> Direct | Tunnelled:
    if way.url.startswith("ssh://"):
        return Tunnelled(address, ssh_place(way.url, address.host))
    if way.url.startswith("unix://"):
        return Direct(address, lambda: unix_client(way.url.removeprefix("unix://")))
    if way.url.startswith("tcp://"):
        return Direct(address, lambda: tcp_client(way.url, way.tls))
    raise EngineError(f"host `{address.host}` is at `{way.url}`, which cannot be connected to from here", contexts.LIST)
