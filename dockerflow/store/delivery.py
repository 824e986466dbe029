"""Hand a large blob to the scheduler, which writes it into the store: what a container does instead of writing a file.

A file in the outbox must be read and hashed a second time before anybody may believe its name, and only when its writer
has ended. What goes through a socket nobody can change behind the scheduler's back: it hashes what it writes, once,
while the rest is on its way, and tells the hash. The socket is in the outbox:

    →  8 bytes, little endian: how many bytes follow
    →  these
    ←  their sha256 in hex, when the blob is in the store

Where nobody listens, or anything goes wrong on the way, the outbox is there as ever. Standard library only, Python 3.7.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Optional, Sequence

from dockerflow.store.base import Chunk, is_hash

if TYPE_CHECKING:
    import socket

# The socket's name in the outbox.
NAME = ".deliveries"

SIZE = struct.Struct("<Q")

# Smaller blobs are as quickly written to the outbox.
LEAST = 1 << 20

_HASH = 64


def deliver(outbox: Path, chunks: Sequence[Chunk]) -> Optional[str]:
    """The sha256 of the concatenation of `chunks`, which is in the store now; None where it could not be delivered."""
    views = [memoryview(chunk).cast("B") for chunk in chunks]
    size = sum(map(len, views))
    path = os.path.join(str(outbox), NAME)
    if size < LEAST or not os.path.exists(path):
        return None
    from dockerflow.store import sockets  # noqa: PLC0415 - most tasks have no large value

    try:
        with sockets.connect(path) as connection:
            for view in [memoryview(SIZE.pack(size)), *views]:
                connection.sendall(view, sockets.QUIETLY)
            return _answer(connection)
    except OSError:
        return None


def _answer(connection: socket.socket) -> Optional[str]:
    received = b""
    while len(received) < _HASH:
        piece = connection.recv(_HASH - len(received))
        if not piece:
            return None
        received += piece
    sha256 = received.decode("ascii", "replace")
    return sha256 if is_hash(sha256) else None
