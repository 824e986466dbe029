"""Docker's wire format for a container's output: several streams in one connection.

Before every piece stand eight bytes: the stream (1 is standard output, 2 standard error), three zero bytes, and the
size of the piece (big endian). https://docs.docker.com/reference/api/engine/version/v1.41/#operation/ContainerAttach
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

STDOUT = 1
STDERR = 2

_HEADER = struct.Struct(">BxxxI")


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
