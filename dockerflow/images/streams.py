"""An iterator of blocks as the stream that tarfile reads."""

from __future__ import annotations

from collections.abc import Iterator


class IteratorStream:
    """`read` over blocks of any size."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = iter(blocks)
        self._rest = b""

    def read(self, size: int) -> bytes:
        """Exactly `size` bytes, fewer only at the end."""
        parts, have = [self._rest], len(self._rest)
        while have < size:
            block = next(self._blocks, b"")
            if not block:
                break
            parts.append(block)
            have += len(block)
        joined = b"".join(parts)
        self._rest = joined[size:]
        return joined[:size]
