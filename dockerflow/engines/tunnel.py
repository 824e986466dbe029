"""One OpenSSH client that gives a socket of another machine a socket here.

Whatever is connected to the local socket is a channel of the one connection. Such channels are no sessions, so sshd's
`MaxSessions` does not count them, and with one connection at a time its `MaxStartups` is not met. The user's own
`~/.ssh/config`, agent, known hosts and jumps hold, and nothing is asked: this runs in the background.

One session is opened, though it does nothing: sshd sets `TCP_NODELAY` when a connection has its first one
(`ssh_packet_set_interactive` in its session.c). Without it each answer that comes in two pieces takes 40 ms longer. A
user who may have no session there gets along without.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from dockerflow.engines.address import SshPlace
from dockerflow.engines.errors import EngineError, HostNotReached
from dockerflow.engines.ssh_client import LOOK_EVERY, SESSION, SshClient, environment, ssh
from dockerflow.engines.ssh_words import CLOSED, LOOK, not_reached, why_closed

# Seconds until the local socket must be there, with all that lies between: jumps, a slow server, a hardware key.
OPEN = 60.0

# How long a shell on the host may take, in seconds.
_PATIENCE = 20.0

# How long ssh takes to say why it has closed a channel, in seconds.
_WORDS = 1.0

# How long it may take when the way stands, in seconds: another command may be run in its place, which says nothing.
_GRACE = 10.0

# What a Unix socket's path may have on all systems, in bytes.
_LONGEST_PATH = 100

# The user's own forwardings come along; that one of them is taken already is no harm.
_FORWARDING = {"ExitOnForwardFailure": "no", "StreamLocalBindUnlink": "yes", "StreamLocalBindMask": "0177"}


class Tunnel:
    """To one socket of one host. `ended` is called from a thread when an open tunnel ends by itself."""

    def __init__(self, name: str, place: SshPlace, ended: Callable[[], None]) -> None:
        self._name = name
        self._place = place
        self._ended = ended
        self._folder = _private_folder()
        self.socket = self._folder / "engine.sock"
        self._client: SshClient | None = None
        self._with_session = True
        self._lock = threading.Lock()
        self._closed = False

    @property
    def is_open(self) -> bool:
        return self._client is not None and self._client.runs

    def open(self) -> None:
        """Connect, if it is not open. Raises HostNotReached, or EngineError where there is no ssh."""
        if not self.is_open:
            deadline = time.monotonic() + OPEN
            if not self._opened(self._started(), deadline):
                self._with_session = False
                self._opened(self._started(), deadline)

    def _opened(self, client: SshClient, deadline: float) -> bool:
        """Whether it is; if not, there may be no session. Raises HostNotReached."""
        grace = time.monotonic() + OPEN
        while not (_is_heard(self.socket) and (client.has_session or time.monotonic() >= grace)):
            if not client.runs and self._with_session and client.lacks_session:
                return False
            if not client.runs:
                raise not_reached(self._name, self._place, client.said())
            if time.monotonic() >= deadline:
                client.end()
                said = " ".join(client.said()[-1:]) or "it said nothing"
                raise HostNotReached(self._name, f"ssh did not get there in {OPEN:.0f} s ({said})")
            if self.socket.exists():
                grace = min(grace, time.monotonic() + (_GRACE if self._with_session else 0.0))
            time.sleep(LOOK_EVERY)
        return True

    def forget(self) -> None:
        """What ssh said until now is of no interest for the next `trouble`."""
        if self._client is not None:
            self._client.forget()

    def trouble(self) -> HostNotReached | None:
        """Why what was asked through the tunnel since `forget` was not answered, as far as ssh knows."""
        client = self._client
        if client is None:
            return None
        closed = client.says(CLOSED, _WORDS)
        if not client.runs:
            return not_reached(self._name, self._place, client.said())
        return why_closed(self._name, self._place, self._seen_there()) if closed else None

    def close(self) -> None:
        """End ssh, also while it connects."""
        with self._lock:
            self._closed = True
            client = self._client
        if client is not None:
            client.end()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _started(self) -> SshClient:
        with self._lock:
            if self._closed:
                raise HostNotReached(self._name, "nobody needs it any more")
            self.socket.unlink(missing_ok=True)
            forwarded = ["-T" if self._with_session else "-N", "-L", f"{self.socket}:{self._place.socket}"]
            session = [SESSION] if self._with_session else []
            command = [*ssh(_FORWARDING), *forwarded, *self._place.arguments, *session]
            self._client = SshClient(command, self.socket, self._ended)
            return self._client

    def _seen_there(self) -> list[str]:
        """What `LOOK` says on the host; nothing where it cannot be asked."""
        command = [*ssh(), "-T", *self._place.arguments]
        look = ["exec", "sh", "-s", "--", self._place.socket]
        with suppress(subprocess.SubprocessError, OSError):
            done = subprocess.run(
                [*command, *look],
                input=LOOK,
                capture_output=True,
                text=True,
                timeout=_PATIENCE,
                check=True,
                env=environment(),
            )
            return done.stdout.split()
        return []


def _is_heard(path: Path) -> bool:
    """Whether somebody listens at the socket: there is a moment in which it is there and nobody does."""
    with socket.socket(socket.AF_UNIX) as asking:
        try:
            asking.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            return False
    return True


def _private_folder() -> Path:
    """For a socket: nobody else may look into it, and its path is short and has no character that ssh reads itself."""
    for parent in (os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir(), "/tmp"):
        if (
            parent
            and os.access(parent, os.W_OK)
            and len(parent) < _LONGEST_PATH - 40
            and re.fullmatch(r"[\w./-]+", parent)
        ):
            return Path(tempfile.mkdtemp(prefix="dockerflow-ssh-", dir=parent))
    raise EngineError("there is no folder for a socket: `/tmp` cannot be written to", "set TMPDIR to a folder that can")
