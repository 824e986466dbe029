"""The connection to a container's standard streams, over the engine's API.

It is made before the container starts, so nothing that is said is lost; the container's stdin ends with it, so a
process that is killed leaves no container that waits for it. A container that is made with a stdin that stays open can
be attached to again while it runs, as often as one likes: what it says meanwhile is lost.
"""

from __future__ import annotations

import socket
import ssl
import struct
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import docker

STDOUT = 1
STDERR = 2

_READ = 64 * 1024

# Before every piece stand eight bytes: the stream, three zero bytes, and the size of the piece (big endian).
# https://docs.docker.com/reference/api/engine/version/v1.41/#operation/ContainerAttach
_HEADER = struct.Struct(">BxxxI")


class Attached:
    """To a container that was created with an open stdin."""

    def __init__(self, client: docker.DockerClient, container_id: str, stdin: bool = True) -> None:
        streams = {"stdin": int(stdin), "stdout": 1, "stderr": 1, "stream": 1}
        self._hold(client.api.attach_socket(container_id, params=streams))

    def _hold(self, held: Any) -> None:
        """`held` is the SDK's object: it keeps the HTTP response alive, and with it the connection."""
        self._held = held
        self._socket: socket.socket = getattr(self._held, "_sock", self._held)
        self._came_along = self._read_ahead()
        self._socket.settimeout(None)

    def send(self, content: bytes) -> None:
        """Write all of it, waiting for the container as long as it takes. Raises OSError when it is gone."""
        self._socket.sendall(content)

    def _read_ahead(self) -> bytes:
        """What was read together with the engine's answer: of a container that runs."""
        self._socket.settimeout(0)
        try:
            # Where nothing was read ahead this looks for what is there by now, if anything is.
            return bytes(self._held._response.raw._fp.fp.peek())
        except (BlockingIOError, ssl.SSLWantReadError):
            return b""
        except ValueError:  # the answer was all that came
            raise ConnectionResetError("the connection to the container's streams ended as it began") from None

    def receive(self) -> bytes:
        """What has arrived, as the `Demultiplexer` takes it; nothing at the end."""
        if self._came_along:
            came, self._came_along = self._came_along, b""
            return came
        try:
            return self._socket.recv(_READ)
        except OSError:
            return b""

    def wait_for_end(self, seconds: float) -> bool:
        """Read on, and throw away what comes, until nothing more can come: whether that was in time."""
        deadline = time.monotonic() + seconds
        try:
            while (left := deadline - time.monotonic()) > 0:
                self._socket.settimeout(left)
                if not self._socket.recv(_READ):
                    return True
        except OSError:
            pass
        return False

    @property
    def can_end_input(self) -> bool:
        """An encrypted connection has no end in one direction: Python's would stop to decrypt what still comes."""
        return not isinstance(self._socket, ssl.SSLSocket)

    def end_input(self) -> None:
        if self.can_end_input:
            self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        with suppress(OSError):  # whoever still writes is woken by this, but not by closing alone
            self._socket.shutdown(socket.SHUT_RDWR)
        with suppress(OSError):
            self._held.close()
            self._socket.close()
        response = getattr(self._held, "_response", None)  # with TLS the connection is open as long as this is
        if response is not None:
            with suppress(OSError, ValueError):  # the second where the socket's end closed it already
                response.close()


class Executed(Attached):
    """To a program that is executed in a container which runs, beside the container's own."""

    def __init__(self, client: docker.DockerClient, container_id: str, command: Sequence[str]) -> None:
        made = client.api.exec_create(container_id, list(command), stdin=True)
        self._hold(client.api.exec_start(made["Id"], socket=True))


class Demultiplexer:
    """What has arrived and is not yet handed on. A piece is handed on as its parts arrive."""

    def __init__(self) -> None:
        self._header = b""
        self._stream = 0
        self._remaining = 0

    def feed(self, received: bytes) -> Iterator[tuple[int, bytes]]:
        """Pairs of stream and bytes, in the order of their arrival."""
        while received:
            if self._remaining:
                part, received = received[: self._remaining], received[self._remaining :]
                self._remaining -= len(part)
                yield self._stream, part
            else:
                wanted = _HEADER.size - len(self._header)
                self._header, received = self._header + received[:wanted], received[wanted:]
                if len(self._header) == _HEADER.size:
                    self._stream, self._remaining = _HEADER.unpack(self._header)
                    self._header = b""
