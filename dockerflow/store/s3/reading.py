"""Read an object: as one stream, or in several ranges at once, straight into one buffer.

A connection that fails in the middle costs what was under way on it alone: reading goes on at the byte where it ended,
of the same version of the object (`If-Match`). An object that was replaced in the meantime is read anew.
"""

from __future__ import annotations

from typing import Dict, Iterator, NamedTuple, Optional

from dockerflow.store.errors import StoreError
from dockerflow.store.parallel import in_threads
from dockerflow.store.s3.exchange import Exchange
from dockerflow.store.s3.hashing import InOrder
from dockerflow.store.s3.incoming import Broken, Incoming
from dockerflow.store.s3.objects import Hashed
from dockerflow.store.s3.patience import Patience
from dockerflow.store.s3.refusals import EXISTS, NO_KEY, NO_RANGE, Refusal
from dockerflow.store.s3.signing import Request

# What is asked for at once, and by how many threads. An object of one range is one request.
RANGE = 16 << 20
THREADS = 4

# Of a stream.
PIECE = 1 << 20


class Replaced(Exception):
    """Another version of the object is there by now."""


class Found(NamedTuple):
    """The answer to a request for the first bytes of an object; `size` is the whole object's."""

    answer: Incoming
    size: int
    version: str


def get(exchange: Exchange, key: str, a_range: int = RANGE) -> Optional[Hashed]:
    """The whole object, hashed while it comes."""
    patience = exchange.patience()
    while True:
        found = _first(exchange, key, f"bytes=0-{a_range - 1}", patience)
        if found is None:
            return None
        buffer = empty_buffer(found.size)
        try:
            return Hashed(buffer, _fill(exchange, key, found, buffer, a_range))
        except Replaced:
            patience.failed(exchange.place.endpoint, f"`{key}` is replaced again and again")


def get_range(exchange: Exchange, key: str, start: int, length: int) -> Optional[bytes]:
    if length <= 0:
        return b""
    besides = {"range": f"bytes={start}-{start + length - 1}"}
    reply = exchange.ask(Request("GET", key), besides=besides, expected=(NO_KEY, NO_RANGE))
    if reply.refused is not None:
        return None if reply.refused.code == NO_KEY else b""
    return reply.body if "content-range" in reply.headers else reply.body[start : start + length]


def stream(exchange: Exchange, key: str) -> Optional[Iterator[bytes]]:
    found = _first(exchange, key, "", exchange.patience())
    return None if found is None else _pieces(exchange, key, found)


def empty_buffer(size: int) -> bytearray:
    """Memory to be filled; `bytearray(size)` writes zeros to all of it first, which takes as long as filling it."""
    if size < RANGE:
        return bytearray(size)
    import ctypes  # noqa: PLC0415  # only where it pays

    make = ctypes.pythonapi.PyByteArray_FromStringAndSize
    make.restype, make.argtypes = ctypes.py_object, (ctypes.c_char_p, ctypes.c_ssize_t)
    made: bytearray = make(None, size)
    return made


def _first(exchange: Exchange, key: str, asked: str, patience: Patience) -> Optional[Found]:
    """Ask for the range `asked`, or all if it is empty. No range of an empty object can be had: then for all."""
    besides = {"range": asked} if asked else {}
    answer = exchange.open(Request("GET", key), besides=besides, expected=(NO_KEY, NO_RANGE), patience=patience)
    if isinstance(answer, Refusal):
        return None if answer.code == NO_KEY else _first(exchange, key, "", patience)
    told = answer.headers.get("content-range", "").rpartition("/")[2] or answer.headers.get("content-length", "")
    if not told.isdigit():
        answer.close()
        raise StoreError(f"the S3 server `{exchange.place.endpoint}` does not say how large `{key}` is")
    return Found(answer, int(told), answer.headers.get("etag", ""))


def _fill(exchange: Exchange, key: str, found: Found, buffer: bytearray, a_range: int) -> str:
    """Fill the buffer; the sha256 of what is then in it."""
    view = memoryview(buffer)
    size = found.size if "content-range" not in found.answer.headers else a_range
    starts = list(range(0, found.size, size or 1)) or [0]
    hashing = InOrder(view, size)

    def read(start: int) -> None:
        _read_part(exchange, key, found, start, view[start : start + size])
        if view:
            hashing.filled(start)

    in_threads(read, starts, THREADS)
    return hashing.hexdigest()


def _read_part(exchange: Exchange, key: str, found: Found, start: int, view: memoryview) -> None:
    """Fill `view` with what the object has from `start` on, the first part from the answer that is there already."""
    patience = exchange.patience()
    answer: Optional[Incoming] = found.answer if start == 0 else None
    done = 0
    while True:
        try:
            if answer is None:
                answer = _again(exchange, key, found.version, start + done, len(view) - done, patience)
            while done < len(view):
                count = answer.readinto(view[done:])
                if not count:
                    raise Broken("the answer was shorter than announced")
                done += count
                patience.progress()
            exchange.done(answer)
            return
        except Broken as broken:
            answer = None
            exchange.failed(broken, patience)
        except BaseException:
            if answer is not None:
                answer.close()
            raise


def _again(exchange: Exchange, key: str, version: str, start: int, length: int, patience: Patience) -> Incoming:
    """A part of the version that was begun. Raises Replaced."""
    besides: Dict[str, str] = {"range": f"bytes={start}-{start + length - 1}"}
    if version:
        besides["if-match"] = version
    answer = exchange.open(Request("GET", key), besides=besides, expected=(NO_KEY, EXISTS, NO_RANGE), patience=patience)
    if isinstance(answer, Refusal):
        raise Replaced
    told = answer.headers
    if told.get("content-range", "").startswith(f"bytes {start}-") and told.get("etag", "") == version:
        return answer
    answer.close()
    raise Replaced


def _pieces(exchange: Exchange, key: str, found: Found) -> Iterator[bytes]:
    patience, answer, done = exchange.patience(), found.answer, 0
    try:
        while done < found.size:
            try:
                piece = answer.read(min(PIECE, found.size - done))
                if not piece:
                    raise Broken("the answer was shorter than announced")
            except Broken as broken:
                exchange.failed(broken, patience)
                answer = _again(exchange, key, found.version, done, found.size - done, patience)
                continue
            done += len(piece)
            patience.progress()
            yield piece
    except Replaced:
        raise StoreError(f"`{key}` in `{exchange.place.name}` was replaced while it was read") from None
    finally:
        exchange.done(answer)
