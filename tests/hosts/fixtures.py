"""Remote hosts as fixtures: started when they are first asked for, with the base image; they live as long as the tests.

    host = remote_host("podman")                      by SSH, or how="tls"
    other = remote_host("moby v2", number=2)          another machine
    hosts_config(host.reaching(minio), other)         a user's configuration that names them

Whoever asks for a host finds it running and reached, without a container on it. A fixture that lives longer than a test
takes `lasting_remote_host` instead, after which nobody tidies up. `ssh` knows these hosts, also by their names, and
nothing else.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Literal, Protocol

import docker
import pytest
import yaml

from dockerflow.config import user_file
from dockerflow.host_settings import HostSettings
from dockerflow.setup.debian import which
from tests.engines import programs
from tests.engines.fixtures import bring
from tests.hosts import machines
from tests.hosts.keys import UsersKeys, users_keys
from tests.hosts.machines import Machine
from tests.object_servers import ObjectServer

How = Literal["ssh", "tls"]


@dataclass(frozen=True)
class RemoteHost:
    """A host as it is reached in one way."""

    settings: HostSettings
    machine: Machine

    @property
    def name(self) -> str:
        return self.settings.name

    @property
    def client(self) -> docker.DockerClient:
        """Speaks to the engine past the network, for a test that looks what is there."""
        return self.machine.client

    @property
    def address(self) -> str:
        return self.machine.link.there

    @property
    def s3_endpoint_host(self) -> str:
        """The address by which containers there reach this machine."""
        return self.machine.link.here

    def reaching(self, server: ObjectServer) -> RemoteHost:
        """The same host with settings that say where its containers find a server of this machine."""
        endpoint = server.endpoint_at(self.s3_endpoint_host)
        return replace(self, settings=replace(self.settings, s3_endpoint=endpoint))

    def cut(self) -> None:
        """From now on all that is sent to it and from it is lost, and nobody is told."""
        self.machine.link.cut()

    def mend(self) -> None:
        self.machine.link.mend()

    def kill(self) -> None:
        self.machine.kill()

    def restart(self) -> None:
        self.machine.restart()


class RemoteHosts(Protocol):
    def __call__(self, kind: str, how: How = "ssh", number: int = 1, *, empty: bool = False) -> RemoteHost:
        """One by the kind of its engine and how it is reached; `empty`: one that has never had an image."""
        ...


class HostsConfig(Protocol):
    def __call__(self, *hosts: RemoteHost) -> Path: ...


@pytest.fixture(scope="session")
def users_ssh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UsersKeys]:
    """The keys of the user whom all hosts let in, used by every `ssh` that is called from now on."""
    programs.debian()
    ssh = which("ssh")
    assert ssh is not None
    keys = users_keys(tmp_path_factory.mktemp("ssh"), ssh)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{keys.programs}:{os.environ['PATH']}")
        yield keys


@pytest.fixture(scope="session")
def lasting_remote_host(
    users_ssh: UsersKeys, base_archive: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RemoteHosts]:
    started: dict[str, Machine] = {}
    with ExitStack() as stack:

        def get(kind: str, how: How = "ssh", number: int = 1, *, empty: bool = False) -> RemoteHost:
            name = f"{kind.split()[0]}-{'empty-' if empty else ''}{number}"
            if name not in started:
                keys = tmp_path_factory.mktemp(name)
                started[name] = stack.enter_context(machines.running(name, kind, users_ssh, keys))
                if not empty:
                    bring(started[name].engine, base_archive)
            settings = started[name].ssh if how == "ssh" else started[name].tls
            assert settings is not None, f"{kind} is not reached by TLS"
            return RemoteHost(settings, started[name])

        yield get


@pytest.fixture
def remote_host(lasting_remote_host: RemoteHosts) -> Iterator[RemoteHosts]:
    used: dict[str, Machine] = {}

    def get(kind: str, how: How = "ssh", number: int = 1, *, empty: bool = False) -> RemoteHost:
        host = lasting_remote_host(kind, how, number, empty=empty)
        if host.name not in used:
            host.machine.tidy()
            used[host.name] = host.machine
        return host

    yield get
    for machine in used.values():
        machine.tidy()


@pytest.fixture
def hosts_config() -> HostsConfig:
    return write_config


def write_config(*hosts: RemoteHost) -> Path:
    """Write the user's configuration with these hosts; where it is."""
    found = {host.name: _as_written(host.settings) for host in hosts}
    path = user_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump({"hosts": found}, sort_keys=False))
    return path


def _as_written(settings: HostSettings) -> dict[str, str | int]:
    values = {each.name: getattr(settings, each.name) for each in fields(settings)}
    del values["name"], values["source"]
    return {key: value if isinstance(value, int) else str(value) for key, value in values.items() if value is not None}
