"""Bytes that are about to be sent: how many, their hash, and themselves as often as a request must be tried again."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from contextlib import contextmanager
from typing import BinaryIO, Iterable, Iterator, List

from dockerflow.store.base import Chunk

# Read and hashed in pieces that stay in the processor's cache between the two.
PIECE = 1 << 20

# What is made while it is read, such as a file's content, is held in memory up to this size, and in a file above it.
HELD = 32 << 20


class Pieces(ABC):
    """Iterating gives the bytes from the beginning, each time."""

    size: int
    sha256: str

    @abstractmethod
    def __iter__(self) -> Iterator[Chunk]: ...


class MemoryPieces(Pieces):
    def __init__(self, chunks: Iterable[Chunk]) -> None:
        self._views = [memoryview(chunk).cast("B") for chunk in chunks]
        self.size = sum(map(len, self._views))
        hashed = hashlib.sha256()
        for view in self._views:
            hashed.update(view)
        self.sha256 = hashed.hexdigest()

    def __iter__(self) -> Iterator[Chunk]:
        return iter(self._views)


class FilePieces(Pieces):
    """The content of an open file that nobody changes."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.size = 0
        hashed = hashlib.sha256()
        for piece in self:
            hashed.update(piece)
            self.size += len(piece)
        self.sha256 = hashed.hexdigest()

    def __iter__(self) -> Iterator[bytes]:
        self._stream.seek(0)
        return iter(lambda: self._stream.read(PIECE), b"")


@contextmanager
def gathered(chunks: Iterable[Chunk]) -> Iterator[Pieces]:
    """What `chunks` gives once, to be sent as often as need be. A list is in memory already and stays where it is."""
    if isinstance(chunks, (list, tuple)):
        yield MemoryPieces(chunks)
        return
    held: List[Chunk] = []
    rest, size = iter(chunks), 0
    for chunk in rest:
        held.append(chunk)
        size += len(memoryview(chunk).cast("B"))
        if size > HELD:
            break
    else:
        yield MemoryPieces(held)
        return
    import tempfile  # noqa: PLC0415 - what is so large is mostly in memory, or in a file

    with tempfile.TemporaryFile() as stream:
        for chunk in held:
            stream.write(chunk)
        held.clear()
        for chunk in rest:
            stream.write(chunk)
        yield FilePieces(stream)
