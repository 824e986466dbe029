"""Sockets with a path, for processes of one machine and the containers that see the path.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import os
import socket

# To send without the signal that a broken connection is to a process which asks for it. Not every system has this.
QUIETLY: int = getattr(socket, "MSG_NOSIGNAL", 0)


def connect(path: str) -> socket.socket:
    """Whoever listens at `path`. It is waited for as long as it takes, whatever a user's code has set for sockets."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(None)
    try:
        with Short(path) as short:
            connection.connect(short)
    except OSError:
        connection.close()
        raise
    return connection


def listen(path: str, waiting: int) -> socket.socket:
    """A socket of this user's alone; so many may wait to be accepted."""
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with Short(path) as short:
            listening.bind(short)
        os.chmod(path, 0o600)
        listening.listen(waiting)
    except OSError:
        listening.close()
        raise
    return listening


class Short:
    """A name of a socket for the length of a `with`: the kernel takes 107 bytes, and a path may be longer."""

    def __init__(self, path: str) -> None:
        self._folder, self._name = os.path.split(path)
        self._descriptor = -1

    def __enter__(self) -> str:
        self._descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        return f"/proc/self/fd/{self._descriptor}/{self._name}"

    def __exit__(self, *details: object) -> None:
        os.close(self._descriptor)
