"""OpenSSH's client as a process that asks nothing, says what it says to us, and ends with us.

However this process ends, ssh does, too: a shell waits for the end of a pipe that only we hold.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from dockerflow.engines.errors import EngineError
from dockerflow.engines.ssh_words import CLOSED

LOOK_EVERY = 0.01

# Seconds for TCP and the first words; ssh itself ends then.
CONNECT = 10

# A server that is silent for so many seconds is asked for a sign of life, and given up when it owes three.
ALIVE_EVERY, ALIVE_OWED = 5, 2

# How long the end of ssh may take, in seconds.
_END = 5.0

_LINES = 50

# What is run there, for nothing but that there is a session: it ends with our input.
_HERE = "dockerflow-is-here"
SESSION = f"echo {_HERE}; exec cat"

# ssh's own exit status when it fails; any other is that of the command there. And what it says, with its own, when
# there may be no session.
_FAILED = 255
_NO_SESSION = ("request failed", CLOSED)

# What the user's settings say that is of no use here, or would be in the way: another client's connection, a terminal.
_OPTIONS = {
    "BatchMode": "yes",
    "ConnectTimeout": str(CONNECT),
    "ServerAliveInterval": str(ALIVE_EVERY),
    "ServerAliveCountMax": str(ALIVE_OWED),
    "ControlMaster": "no",
    "ControlPath": "none",
    "RequestTTY": "no",
    "RemoteCommand": "none",
    "ForwardAgent": "no",
    "ForwardX11": "no",
    "PermitLocalCommand": "no",
    "LogLevel": "INFO",  # below it nothing is said of a socket that cannot be opened
}

# Arguments: the local socket, its folder, the command. The end of our input ends ssh; the end of ssh ends us. Where
# the process that started this is killed, nobody else removes the folder.
_TIED = """
socket=$1 folder=$2
shift 2
exec 3<&0 </dev/null
"$@" <&3 3<&- &
ssh=$!
exec >/dev/null 2>&1
(read -r _ <&3; rm -f "$socket"; rmdir "$folder"; kill "$ssh") &
reader=$!
exec 3<&-
wait "$ssh"
status=$?
kill "$reader"
exit "$status"
"""


class SshClient:
    """An ssh that was started. `ended` is called from a thread when it has ended."""

    def __init__(self, command: list[str], socket: Path, ended: Callable[[], None]) -> None:
        self._said: deque[str] = deque(maxlen=_LINES)
        self._has_session = False
        self._process = subprocess.Popen(
            ["sh", "-c", _TIED, "tied", str(socket), str(socket.parent), *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment(),
            start_new_session=True,  # Ctrl-C is for us: workers are then stopped through this very connection
        )
        self._reader = threading.Thread(target=self._read, name="ssh-says", daemon=True)
        self._reader.start()
        threading.Thread(target=self._wait, args=(ended,), name="ssh-ends", daemon=True).start()

    @property
    def runs(self) -> bool:
        return self._process.poll() is None

    def said(self) -> list[str]:
        """The last lines that it wrote; all of them when it has ended."""
        if not self.runs:
            self._reader.join(_END)  # not for ever: a jump's own ssh, which stays on, may still hold the pipe
        return list(self._said)

    @property
    def has_session(self) -> bool:
        return self._has_session

    @property
    def lacks_session(self) -> bool:
        """Whether it ended because there may be no session, or the session did."""
        own = self._process.poll() == _FAILED
        return not own or any(words in each for each in self.said() for words in _NO_SESSION)

    def says(self, words: str, seconds: float) -> bool:
        """Whether a line has these words, or it writes one within so many seconds, unless it ends."""
        deadline = time.monotonic() + seconds
        while not any(words in each for each in list(self._said)):
            if not self.runs or time.monotonic() >= deadline:
                return False
            time.sleep(LOOK_EVERY)
        return True

    def forget(self) -> None:
        if self.runs:
            self._said.clear()

    def end(self) -> None:
        self._let_go()
        try:
            self._process.wait(_END)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _read(self) -> None:
        if self._process.stdout:
            with self._process.stdout as pipe:
                for line in pipe:
                    self._hear(line.decode("utf-8", "replace").rstrip())

    def _hear(self, line: str) -> None:
        if line == _HERE:
            self._has_session = True
        else:
            self._said.append(line)

    def _let_go(self) -> None:
        with suppress(OSError):
            if self._process.stdin:
                self._process.stdin.close()

    def _wait(self, ended: Callable[[], None]) -> None:
        self._process.wait()
        self._let_go()
        ended()


def ssh(options: Mapping[str, str] = {}) -> list[str]:
    """The command without a destination. Raises EngineError where there is no ssh."""
    program = shutil.which("ssh")
    if program is None:
        hint = "install OpenSSH's client (`openssh-client` on Debian and Ubuntu)"
        raise EngineError("the program `ssh` is not there, by which a host with a URL `ssh://…` is reached", hint)
    return [program, *(f"-o{name}={value}" for name, value in {**_OPTIONS, **options}.items())]


def environment() -> dict[str, str]:
    """The environment, such that ssh speaks the language that `ssh_words` knows."""
    return {**os.environ, "LC_ALL": "C"}
