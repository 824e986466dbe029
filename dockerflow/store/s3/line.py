"""How a process in a step's container asks its scheduler about the bucket: over a socket of its worker.

One question at a time, a line of JSON each way. The socket's path is known to the worker's own processes, and to
others below them by DOCKERFLOW_BROKER.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import weakref
from typing import Any, Dict, Optional

from dockerflow.store.errors import StoreError
from dockerflow.store.s3.access import Access, Answer, Lease, Presigned, Question, Refused
from dockerflow.store.s3.place import Place
from dockerflow.store.sockets import connect

# Names the socket where there is one.
VARIABLE = "DOCKERFLOW_BROKER"

# The longest line that either side reads, in bytes: a certificate is in it at most.
LONGEST = 1 << 20


class Line:
    """May be used by several threads, and by processes that are forked from this one."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._process = 0
        self._connection: Optional[socket.socket] = None

    def close(self) -> None:
        """Let go of the connection; the next question makes another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def ask(self, question: Question) -> Answer:
        """Raises StoreError where nobody answers."""
        with self._lock:
            try:
                connection = self._connected()
                connection.sendall(json.dumps(question, default=vars).encode() + b"\n")
                return _answer(_line_of(connection))
            except (OSError, ValueError, KeyError, TypeError) as error:
                self.close()
                message = f"nobody answers at `{self.path}` what this step asks of the store: {error}"
                raise StoreError(message, "the store can be used as long as the step's task runs") from error

    def _connected(self) -> socket.socket:
        if self._connection is None or self._process != os.getpid():
            # A forked process would take the answers of the one that it was forked from.
            self.close()
            self._connection, self._process = connect(self.path), os.getpid()
            # Not by `__del__`: of objects that hold each other the socket may be the first to go, and complains of it.
            weakref.finalize(self, self._connection.close).atexit = False
        return self._connection


def _line_of(connection: socket.socket) -> bytes:
    received = bytearray()
    while not received.endswith(b"\n"):
        piece = connection.recv(1 << 16)
        if not piece:
            raise ConnectionResetError("the connection was closed")
        received += piece
        if len(received) > LONGEST:
            raise ValueError("the answer is too long")
    return bytes(received)


def _answer(line: bytes) -> Answer:
    """From the worker, whose word is as good as ours: what is not looked at here is not harmful."""
    told: Dict[str, Any] = json.loads(line)
    access, signed, refused = told.get("access"), told.get("signed"), told.get("refused")
    lease = access and access["lease"] and Lease(**access["lease"])
    return Answer(
        access=access and Access(Place(**access["place"]), access["patience"], lease),
        signed=signed and Presigned(signed["url"], tuple((name, value) for name, value in signed["headers"])),
        refused=refused and Refused(**refused),
    )
