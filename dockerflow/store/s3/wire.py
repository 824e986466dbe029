"""HTTP/1.1 on one connection: as much of it as an S3 server speaks.

The standard library's client is not used: importing it costs every container 25 ms (it reads headers with the e-mail
parser), it cannot wait for `100 Continue`, and it hides an answer that comes before the whole body was sent. Bodies go
from the sender's buffers to the socket, and from the socket into the reader's, without a copy.

Whatever goes wrong with the connection is `Broken`; errors of the sender's own iterable pass as they are.
"""

from __future__ import annotations

import os
import select
import socket
import weakref
from contextlib import suppress
from io import BufferedReader
from typing import TYPE_CHECKING, Iterable, Mapping, NamedTuple, Optional, cast

from dockerflow.store.base import Chunk
from dockerflow.store.s3.incoming import Broken, Incoming, Unanswered, breaking, read_head, said
from dockerflow.store.s3.place import Origin

if TYPE_CHECKING:
    import ssl

PIECE = 1 << 20

# From this size on a body is sent when the server has said that it wants it, or nothing for a second: an answer such as
# `412` or `403` then costs no transfer, and is not lost when the server closes the connection behind it.
ASKED_FIRST = 1 << 20
PAUSE = 1.0

# Up to this size a body is sent in one go with the headers.
TOGETHER = 1 << 16

# In seconds; between two bytes the owner of the connection says how long.
CONNECTING = 10.0


class Untrusted(Exception):
    """A connection that cannot be made secure, however often it is tried."""


class Body(NamedTuple):
    """What is sent: `chunks` are gone through anew for every try, and are of `size` bytes together."""

    chunks: Iterable[Chunk] = ()
    size: int = 0


NOTHING = Body()


class Connection:
    """One connection, for one request at a time."""

    def __init__(self, origin: Origin, trust: Optional[ssl.SSLContext], silence: float) -> None:
        """`silence`: after so many seconds in which nothing moves the connection is broken."""
        self.origin = origin
        self.pid = os.getpid()
        self.is_open = True
        self._used = False
        with breaking(f"connecting to `{origin.host}`"):
            # As text the name would be encoded by a codec that every process imports anew.
            host = cast(str, origin.host.encode() if origin.host.isascii() else origin.host)
            plain = socket.create_connection((host, origin.port), min(CONNECTING, silence))
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = plain if trust is None else _secured(plain, trust, origin.host)
        self._socket.settimeout(silence)
        self.reader = cast(BufferedReader, self._socket.makefile("rb", 1 << 16))
        # Not by `__del__`: of objects that hold each other the socket may be the first to go, and complains of it.
        self._shut = weakref.finalize(self, _shut, self.reader, self._socket)
        self._shut.atexit = False  # what is done at the end of a program may still ask the server

    def close(self) -> None:
        self.is_open = False
        self._shut()

    def is_idle(self) -> bool:
        """Whether another request may be sent: not when the server has closed it, or said what nobody asked for."""
        return self.is_open and not self._is_readable(0)

    def ask(self, method: str, target: str, headers: Mapping[str, str], body: Body = NOTHING) -> Incoming:
        """Send a request and read the head of its answer."""
        before, self._used = self._used, True
        asked_first = body.size >= ASKED_FIRST
        try:
            self._push(_head(method, target, headers, body, asked_first))
            wanted = not asked_first or self._is_wanted()
            if wanted and body.size > TOGETHER:
                self._send(body)
            answer = self._answer(method)
            answer.is_last = answer.is_last or not wanted
        except Broken as broken:
            broken.stale = before and isinstance(broken, Unanswered)
            self.close()
            raise
        except BaseException:
            self.close()
            raise
        return answer

    def _is_wanted(self) -> bool:
        """Whether to send the body now; not when the final answer is there already."""
        if not self._is_readable(PAUSE):
            return True
        with breaking("reading"):
            start = self.reader.peek(16)[:16]
        if start[9:12] != b"100":
            return start == b""  # closed: sending will say how
        read_head(self.reader)
        return True

    def _send(self, body: Body) -> None:
        """Send the body as far as the server takes it. It may answer and close before it has all: the answer says why,
        so that is looked for first."""
        left = body.size
        for chunk in body.chunks:
            view = memoryview(chunk).cast("B")
            left -= len(view)
            if left < 0:
                break
            for start in range(0, len(view), PIECE):
                if not self._take(view[start : start + PIECE]):
                    return
        _check(body.size, body.size - left)

    def _take(self, piece: memoryview) -> bool:
        try:
            self._push(piece)
        except Broken:
            if not self._is_readable(0):
                raise
            return False
        return True

    def _push(self, data: Chunk) -> None:
        with breaking("sending"):
            self._socket.sendall(data)

    def _is_readable(self, seconds: float) -> bool:
        pending = getattr(self._socket, "pending", None)
        if pending is not None and pending():
            return True
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        return bool(poll.poll(seconds * 1000))

    def _answer(self, method: str) -> Incoming:
        while True:
            head = read_head(self.reader)
            if head.status >= 200:
                return Incoming(self, method, head)


def _head(method: str, target: str, headers: Mapping[str, str], body: Body, asked_first: bool) -> bytes:
    """A request until its body, and a small body with it: two packets would wait for each other."""
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    if body.size or method in ("PUT", "POST"):
        lines.append(f"content-length: {body.size}")
    if asked_first:
        lines.append("expect: 100-continue")
    head = "\r\n".join([*lines, "\r\n"]).encode()
    if body.size > TOGETHER:
        return head
    content = b"".join(body.chunks)
    _check(body.size, len(content))
    return head + content


def _check(announced: int, found: int) -> None:
    if announced != found:
        raise ValueError(f"a body was announced with {announced} bytes, and is of {found}")


def _shut(reader: BufferedReader, connection: socket.socket) -> None:
    for each in (reader, connection):
        with suppress(OSError):
            each.close()


def _secured(plain: socket.socket, trust: ssl.SSLContext, host: str) -> ssl.SSLSocket:
    import ssl  # only where it is used: it costs 10 ms  # noqa: PLC0415

    try:
        return trust.wrap_socket(plain, server_hostname=host)
    except (ssl.SSLEOFError, ssl.SSLZeroReturnError) as error:
        plain.close()
        raise Broken(f"the connection was closed while it was made secure: {error}") from error
    except (ssl.CertificateError, ssl.SSLError) as error:
        plain.close()
        if "timed out" in str(error):
            raise Broken("nothing came while the connection was made secure") from error
        raise Untrusted(getattr(error, "verify_message", "") or str(error)) from error
    except OSError as error:
        plain.close()
        raise Broken(said(error, "making the connection secure")) from error
