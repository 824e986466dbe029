"""A server that says what a test has it say, byte for byte: what a real one does rarely, or only in the wild."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from dockerflow.store.s3.client import SmallObjects
from dockerflow.store.s3.place import Place
from dockerflow.store.s3.signing import Credentials, WithCredentials

# What is done with the connections, in the order in which they come.
Script = Callable[[socket.socket], None]


class Server:
    def __init__(self, scripts: list[Script]) -> None:
        self._scripts = scripts
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.requests: list[bytes] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    def close(self) -> None:
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join()

    def _serve(self) -> None:
        for script in self._scripts:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                script(connection)
        self._listening.close()


def head_of(connection: socket.socket) -> bytes:
    """The next request until its body."""
    received = b""
    while not received.endswith(b"\r\n\r\n"):
        piece = connection.recv(1)
        if not piece:
            break
        received += piece
    return received


def says(*answers: bytes) -> Script:
    """Answers one request after the other, then closes."""

    def script(connection: socket.socket) -> None:
        for answer in answers:
            head_of(connection)
            connection.sendall(answer)

    return script


def ok(body: bytes, headers: str = "") -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body


@contextmanager
def client_of(*scripts: Script, patience: float = 5.0) -> Iterator[SmallObjects]:
    """A client of a server that follows a script for each connection in turn, and then answers no more."""
    server = Server(list(scripts))
    place = Place(server.endpoint, "bucket")
    client = SmallObjects(place, WithCredentials(place, lambda: Credentials("a", "b")), patience)
    try:
        yield client
    finally:
        client.close()
        server.close()
