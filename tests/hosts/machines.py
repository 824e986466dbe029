"""A Docker host as one that stands elsewhere: another address, another `/tmp`, reached by SSH and by TLS.

Its sshd is a real one with the limits that it has when nobody sets any. Its engine listens on a socket where engines
of its kind do, and Docker's by TCP, too. Containers there reach this machine at the link's end, and nothing else.
`/tmp` there is not ours, so a bind mount from here to there brings nothing. All of it ends with the tests, also when
they are killed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import docker
import docker.errors
import requests

from dockerflow.host_settings import HostSettings
from dockerflow.setup.debian import which
from tests.engines import daemons, programs
from tests.engines.daemons import Around, Engine
from tests.hosts.keys import UsersKeys, ssh_key, tls_keys
from tests.hosts.link import Link, numbered

TLS_PORT = 2376

# How long containers may take to go.
SECONDS = 60.0

# Where an engine's socket is looked for.
SOCKETS = {"dockerd": "/var/run/docker.sock", "podman": "/run/podman/podman.sock"}

# Nothing but where its keys are is said. They lie in a folder of the tests', which is not as private as it wants.
_SSHD_CONFIG = """
HostKey /run/keys/host_key
AuthorizedKeysFile /run/keys/authorized_keys
StrictModes no
PidFile none
"""

# The engine's folder is the only one of this machine's `/tmp` that is there, too.
_FIRST = """
mkdir /run/ours /run/keys /run/sshd
mount --bind {folder} /run/ours
mount --bind KEYS /run/keys
mount -t tmpfs -o mode=1777 tmpfs /tmp
mkdir -p {folder}
mount --move /run/ours {folder}
mkdir -p $(dirname SOCKET)
ln -s {folder}/engine.sock SOCKET
SSHD -f /run/keys/sshd_config -E {folder}/sshd.log
"""

_TLS = (
    f"--host=tcp://0.0.0.0:{TLS_PORT}", "--tlsverify",
    "--tlscacert=/run/keys/ca.pem", "--tlscert=/run/keys/server.pem", "--tlskey=/run/keys/server-key.pem",
)  # fmt: skip


@dataclass
class Machine:
    """One such host. `tls` is None where its engine speaks no TCP."""

    name: str
    engine: Engine
    link: Link
    ssh: HostSettings
    tls: HostSettings | None
    is_killed: bool = False

    @property
    def client(self) -> docker.DockerClient:
        """Speaks to the engine past the link, for a test that looks what is there."""
        return self.engine.client

    def kill(self) -> None:
        """All of it ends at once, as when its power is cut; what is on its disk stays."""
        self.is_killed = True
        self.engine.kill()

    def restart(self) -> None:
        self.engine.restart()
        self.is_killed = False

    def tidy(self) -> None:
        """As a test expects to find it: it runs, it is reached, no container is on it."""
        if self.is_killed:
            self.restart()
        self.link.mend()
        deadline = time.monotonic() + SECONDS
        while listed := self.client.api.containers(all=True):
            assert time.monotonic() < deadline, f"these do not go: {listed}"
            for container in listed:
                self._remove(container["Id"])

    def _remove(self, container_id: str) -> None:
        try:
            self.client.api.remove_container(container_id, force=True, v=True)
        except docker.errors.APIError:
            pass  # the engine is removing it
        except requests.exceptions.RequestException:
            self.restart()  # Docker 20.10 seldom comes to no end with it; the next test has nothing to do with that


@contextmanager
def running(name: str, kind: str, user: UsersKeys, keys: Path) -> Iterator[Machine]:
    """A host with an engine of a kind, that lets a user in. `keys` is an empty folder for its own keys."""
    speaks_tls = daemons.KINDS[kind].program.endswith("dockerd")
    socket = SOCKETS["dockerd" if speaks_tls else "podman"]
    with numbered() as link:
        _make_keys(keys, user, name, link)
        first = _FIRST.replace("KEYS", str(keys)).replace("SOCKET", socket).replace("SSHD", _sshd())
        around = Around(first, _TLS if speaks_tls else (), link.lay)
        with daemons.running(kind, around=around) as engine:
            by_ssh = HostSettings(name, f"ssh://root@{link.there}{'' if speaks_tls else socket}")
            by_tls = HostSettings(
                name,
                f"tcp://{link.there}:{TLS_PORT}",
                ca=keys / "ca.pem",
                certificate=keys / "client.pem",
                key=keys / "client-key.pem",
            )
            yield Machine(name, engine, link, by_ssh, by_tls if speaks_tls else None)


def _make_keys(folder: Path, user: UsersKeys, name: str, link: Link) -> None:
    user.know(name, link.there, ssh_key(folder / "host_key"))
    (folder / "authorized_keys").write_text(user.public_key)
    (folder / "sshd_config").write_text(_SSHD_CONFIG)
    tls_keys(folder, link.there)


def _sshd() -> str:
    programs.debian()
    found = which("sshd")
    assert found is not None, "there is no `sshd`, though its package is installed"
    return found
