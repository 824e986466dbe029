"""Cut a stream of bytes into the frames of `messages`, however the bytes arrive."""

from __future__ import annotations

from typing import List, Optional

from dockerflow.runtime.messages import HEADER


class Frames:
    """What has arrived and is not yet a whole frame. `longest` is how many bytes one may have, if there is a limit."""

    def __init__(self, longest: Optional[int] = None) -> None:
        self._longest = longest
        self._buffer = bytearray()

    def feed(self, received: bytes) -> List[bytes]:
        """The bodies of the frames that `received` completes, in order. Raises ValueError for one that is too long."""
        self._buffer += received
        bodies, start = [], 0
        while len(self._buffer) - start >= HEADER.size:
            begin = start + HEADER.size
            length = HEADER.unpack_from(self._buffer, start)[0]
            if self._longest is not None and length > self._longest:
                raise ValueError(f"not a worker message: it would have {length} bytes")
            end = begin + length
            if len(self._buffer) < end:
                break
            bodies.append(bytes(self._buffer[begin:end]))
            start = end
        del self._buffer[:start]
        return bodies
