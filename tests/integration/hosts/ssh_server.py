"""A real sshd of the test's own, whose users and settings differ: nothing of this machine's accounts is changed.

Its `/etc/passwd` is another one in a world of its own for mounts, with one user more, who has a shell and no rights.
"""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from dockerflow.setup.debian import which
from tests.hosts.keys import ssh_key

SECONDS = 60.0
LOOK_EVERY = 0.02

USER = "somebody"
_ACCOUNT = f"{USER}:x:4711:4711::/:/bin/sh\n"
_PASSWORD = f"{USER}:*:19000:0:99999:7:::\n"

_CONFIG = """
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized_keys
StrictModes no
PidFile none
"""

_WORLD = """
mount --bind "$1/passwd" /etc/passwd
mount --bind "$1/shadow" /etc/shadow
mount -t tmpfs tmpfs /run
mkdir /run/sshd
exec "$2" -D -f "$1/sshd_config" -E "$1/log"
"""


@dataclass(frozen=True)
class SshServer:
    port: int
    host_key: str  # as a line of known hosts has it

    @property
    def known(self) -> str:
        """The line of known hosts."""
        return f"[127.0.0.1]:{self.port} {self.host_key}\n"

    def url(self, user: str, path: Path) -> str:
        return f"ssh://{user}@127.0.0.1:{self.port}{path}"


@contextmanager
def running(folder: Path, user_key: str, settings: str = "") -> Iterator[SshServer]:
    """One that lets the key's owner in as whoever they say; `settings` are further lines of its configuration."""
    sshd = which("sshd")
    assert sshd is not None
    server = SshServer(_free_port(), ssh_key(folder / "host_key"))
    (folder / "authorized_keys").write_text(user_key)
    (folder / "sshd_config").write_text(_CONFIG.format(port=server.port, folder=folder) + settings)
    (folder / "passwd").write_text(Path("/etc/passwd").read_text() + _ACCOUNT)
    (folder / "shadow").write_text(Path("/etc/shadow").read_text() + _PASSWORD)
    world = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    process = subprocess.Popen([*world, "sh", "-ec", _WORLD, "world", str(folder), sshd], start_new_session=True)
    try:
        _wait(server.port, process)
        yield server
    finally:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=SECONDS).close()
        except ConnectionRefusedError:
            assert process.poll() is None, "sshd has ended"
            assert time.monotonic() < deadline, "sshd does not listen"
            time.sleep(LOOK_EVERY)
        else:
            return


@contextmanager
def listening(path: Path) -> Iterator[Path]:
    """A socket at which somebody listens, for root alone."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        os.chmod(path, 0o600)
        server.listen()
        yield path


@contextmanager
def passed_on(path: Path) -> Iterator[None]:
    """The socket of this machine's engine under another path, which is there also where `/run` is another."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        threading.Thread(target=_pass_on_all, args=(server,), daemon=True).start()
        yield
        server.shutdown(socket.SHUT_RDWR)


def _pass_on_all(server: socket.socket) -> None:
    with suppress(OSError):  # it was shut
        while True:
            client = server.accept()[0]
            engine = socket.socket(socket.AF_UNIX)
            engine.connect("/var/run/docker.sock")
            for ends in ((client, engine), (engine, client)):
                threading.Thread(target=_pass_on, args=ends, daemon=True).start()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError), source:
        while part := source.recv(65536):
            target.sendall(part)
        target.shutdown(socket.SHUT_WR)
