"""Cut a stream of bytes into the frames of `messages`, however the bytes arrive."""

from __future__ import annotations

from typing import List

from dockerflow.runtime.messages import HEADER


class Frames:
    """What has arrived and is not yet a whole frame."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, received: bytes) -> List[bytes]:
        """The bodies of the frames that `received` completes, in order."""
        self._buffer += received
        bodies, start = [], 0
        while len(self._buffer) - start >= HEADER.size:
            begin = start + HEADER.size
            end = begin + HEADER.unpack_from(self._buffer, start)[0]
            if len(self._buffer) < end:
                break
            bodies.append(bytes(self._buffer[begin:end]))
            start = end
        del self._buffer[:start]
        return bodies
