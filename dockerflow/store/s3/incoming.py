"""The answer to a request, read from its connection: head and body, as HTTP/1.1 frames them.

A body goes into the reader's own buffer without a copy. One that ends early is `Broken`, and so is whatever is no HTTP.
"""

from __future__ import annotations

import socket
from contextlib import contextmanager
from io import BufferedReader
from typing import TYPE_CHECKING, Dict, Iterator, NamedTuple, Type

if TYPE_CHECKING:
    from dockerflow.store.s3.wire import Connection

_LONGEST_LINE = 1 << 16
_MOST_HEADERS = 200


class Broken(Exception):
    """The connection failed. `stale`: it had been used before, and the server sent nothing on it: it may have closed
    it in the meantime, so that asking again at once on another one is no new try."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.stale = False


class Unanswered(Broken):
    """Not one byte came."""


class Head(NamedTuple):
    """Of an answer; names of headers are in lower case. `closes`: the connection is not for another request."""

    status: int
    headers: Dict[str, str]
    closes: bool


class Incoming:
    """An answer whose body is still to be read."""

    def __init__(self, connection: Connection, method: str, head: Head) -> None:
        self.connection = connection
        self.status = head.status
        self.headers = head.headers
        empty = method == "HEAD" or head.status in (204, 304)
        length = head.headers.get("content-length", "")
        self._chunked = not empty and "chunked" in head.headers.get("transfer-encoding", "").lower()
        self._endless = not empty and not self._chunked and not length.isdigit()
        self._left = 0 if empty or self._chunked or self._endless else int(length)
        self.is_last = head.closes or self._endless
        self.is_read = not self._chunked and not self._endless and not self._left

    def readinto(self, view: memoryview) -> int:
        """Fill `view` from its start with what is there; the number of bytes, 0 at the end of the body."""
        if self.is_read:
            return 0
        if self._chunked and not self._left and not self._next_chunk():
            return 0
        most = len(view) if self._endless else min(self._left, len(view))
        with breaking("reading"):
            count = self.connection.reader.readinto1(view[:most])
        if not count and not self._endless:
            raise Broken(f"the answer was cut off {self._left} bytes before its end")
        self._have_read(count)
        return count

    def read(self, most: int) -> bytes:
        """The body, or as much of it as `most`."""
        if not self._chunked and not self._endless:
            return self._read_exactly(min(most, self._left))
        parts = bytearray()
        piece = memoryview(bytearray(min(most, 1 << 16)))
        while len(parts) < most:
            count = self.readinto(piece[: most - len(parts)])
            if not count:
                break
            parts += piece[:count]
        return bytes(parts)

    def _read_exactly(self, size: int) -> bytes:
        buffer = bytearray(size)
        view, done = memoryview(buffer), 0
        while done < size:
            done += self.readinto(view[done:])
        return bytes(buffer)

    def has_ended(self) -> bool:
        """Whether nothing of the answer is left on the connection: who read all of a body has not seen its end."""
        if self._chunked and not self._left and not self.is_read:
            self._next_chunk()
        return self.is_read

    def close(self) -> None:
        """Give up what was not read."""
        self.connection.close()

    def _have_read(self, count: int) -> None:
        if self._endless:
            self.is_read = not count
            return
        self._left -= count
        if not self._left and not self._chunked:
            self.is_read = True
        elif not self._left:
            _line(self.connection.reader)  # after the bytes of a chunk

    def _next_chunk(self) -> bool:
        size = _line(self.connection.reader).split(b";")[0]
        try:
            self._left = int(size, 16)
        except ValueError:
            raise Broken(f"the answer is not HTTP: a chunk of `{size[:20]!r}` bytes") from None
        if not self._left:
            while _line(self.connection.reader):
                pass
            self.is_read = True
        return not self.is_read


def read_head(reader: BufferedReader) -> Head:
    first = _line(reader, Unanswered).split(None, 2)
    if len(first) < 2 or not first[0].startswith(b"HTTP/1.") or not first[1].isdigit():
        raise Broken(f"the answer is not HTTP: it begins with `{first[:2]!r}`")
    headers: Dict[str, str] = {}
    line = _line(reader)
    while line:
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
        if len(headers) > _MOST_HEADERS:
            raise Broken(f"the answer has more than {_MOST_HEADERS} headers")
        line = _line(reader)
    said = headers.get("connection", "").lower()
    closes = "close" in said or (first[0] == b"HTTP/1.0" and "keep-alive" not in said)
    return Head(int(first[1]), headers, closes)


def _line(reader: BufferedReader, at_end: Type[Broken] = Broken) -> bytes:
    with breaking("reading", at_end):
        line = reader.readline(_LONGEST_LINE)
    if not line:
        raise at_end("the server closed the connection")
    if not line.endswith(b"\n"):
        raise Broken("the answer was cut off, or is not HTTP")
    return line.rstrip(b"\r\n")


@contextmanager
def breaking(doing: str, kind: Type[Broken] = Broken) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:  # a ValueError of a reader that another thread has closed
        # A server that closed an idle connection resets it when it is used: nothing was answered then, either.
        reset = isinstance(error, (ConnectionResetError, BrokenPipeError))
        broken = Unanswered if reset and doing == "sending" else kind if reset else Broken
        raise broken(said(error, doing)) from error


def said(error: Exception, doing: str) -> str:
    if isinstance(error, socket.timeout):
        return f"{doing} took too long"
    words = error.strerror if isinstance(error, OSError) else None
    return f"{doing}: {words or error}"
