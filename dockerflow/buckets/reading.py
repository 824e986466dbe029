"""Read objects: whole ones, a large one in several ranges at once, ranges, streams that go on where they were cut."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple

from minio.error import S3Error
from urllib3 import BaseHTTPResponse
from urllib3.exceptions import ProtocolError

from dockerflow.buckets.link import Link, none_if_gone
from dockerflow.buckets.patience import Again
from dockerflow.store.errors import StoreError
from dockerflow.store.s3.objects import Hashed

# One request reads so much; of what is larger, so many at a time.
RANGE = 16 << 20
THREADS = 4

PIECE = 1 << 18

_RANGE = re.compile(r"bytes \d+-\d+/(\d+)")


class _Beginning(NamedTuple):
    """A buffer of the object's whole size, of which the first bytes are read; `etag` names the object's state."""

    content: bytearray
    etag: str


def whole(link: Link, key: str) -> Hashed | None:
    """The object, hashed while the rest of it comes."""
    while True:
        found = link.asked(lambda: none_if_gone(lambda: _beginning(link, key)))
        if found is None:
            return None
        sha256 = _rest(link, key, found)
        if sha256 is not None:
            return Hashed(found.content, sha256)


def part(link: Link, key: str, start: int, length: int) -> bytes | None:
    def attempt() -> bytes:
        try:
            with _answer(link, key, start, length) as answer:
                return b"".join(_pieces(answer))
        except S3Error as error:
            if error.code != "InvalidRange":
                raise
            return b""

    return link.asked(lambda: none_if_gone(attempt))


def pieces(link: Link, key: str, etag: str = "") -> Iterator[bytes] | None:
    """The first request is made at once: whether there is an object is known when this returns. With `etag`: of this
    state of it, or StoreError."""
    opened = link.asked(lambda: none_if_gone(lambda: _open(link, key, etag=etag)))
    return None if opened is None else _streamed(link, key, opened)


def _beginning(link: Link, key: str) -> _Beginning:
    try:
        with _answer(link, key, 0, RANGE) as answer:
            content = bytearray(_size(answer))
            _read(answer, memoryview(content)[:RANGE])
            return _Beginning(content, answer.headers["etag"])
    except S3Error as error:
        if error.code != "InvalidRange":
            raise
        return _Beginning(bytearray(), "")


def _rest(link: Link, key: str, found: _Beginning) -> str | None:
    """Read what is behind the first range; the hash of all, None if the object was replaced meanwhile."""
    content = memoryview(found.content)
    hashed = hashlib.sha256()
    starts = range(RANGE, len(content), RANGE)
    if not starts:
        hashed.update(content)
        return hashed.hexdigest()
    with ThreadPoolExecutor(THREADS) as threads:
        ranges = threads.map(lambda start: _range(link, key, content[start : start + RANGE], start, found.etag), starts)
        hashed.update(content[:RANGE])
        for start, unchanged in zip(starts, ranges, strict=True):
            if not unchanged:
                threads.shutdown(cancel_futures=True)
                return None
            hashed.update(content[start : start + RANGE])
    return hashed.hexdigest()


def _range(link: Link, key: str, place: memoryview, start: int, etag: str) -> bool:
    """Fill `place`; whether the object is the same that it was."""

    def attempt() -> bool:
        try:
            with _answer(link, key, start, len(place), etag) as answer:
                _read(answer, place)
                return True
        except S3Error as error:
            if error.code in ("PreconditionFailed", "InvalidRange", "NoSuchKey"):
                return False
            raise

    return link.asked(attempt)


def _streamed(link: Link, key: str, opened: BaseHTTPResponse) -> Iterator[bytes]:
    etag, size, done = opened.headers["etag"], _size(opened), 0
    pauses, current = link.pauses(), opened
    while True:
        try:
            with _closing(current):
                for piece in _as_ours(link, current):
                    done += len(piece)
                    pauses.progress()
                    yield piece
            if done == size:
                return
            raise Again(f"it closed the connection after {done} of {size} bytes")
        except Again as failed:
            pauses.wait(failed.why)
        if done == size:
            return
        current = _reopened(link, key, done, etag)


def _reopened(link: Link, key: str, start: int, etag: str) -> BaseHTTPResponse:
    def attempt() -> BaseHTTPResponse:
        try:
            return _open(link, key, start, 0, etag)
        except S3Error as error:
            if error.code in ("PreconditionFailed", "NoSuchKey", "InvalidRange"):
                raise StoreError(f"`{key}` of `{link.place.name}` was replaced or deleted while it was read") from error
            raise

    return link.asked(attempt)


def _as_ours(link: Link, answer: BaseHTTPResponse) -> Iterator[bytes]:
    found = _pieces(answer)
    while True:
        piece = link.translated(lambda: next(found, b""))
        if not piece:
            return
        yield piece


@contextmanager
def _answer(link: Link, key: str, start: int, length: int, etag: str = "") -> Iterator[BaseHTTPResponse]:
    with _closing(_open(link, key, start, length, etag)) as answer:
        yield answer


def _open(link: Link, key: str, start: int = 0, length: int = 0, etag: str = "") -> BaseHTTPResponse:
    """An answer whose body is yet to be read; `length` 0: to the object's end."""
    headers: dict[str, Any] = {"If-Match": etag} if etag else {}
    answer = link.client.get_object(link.place.bucket, link.name(key), start, length, request_headers=headers)
    try:
        _size(answer)
    except BaseException:
        answer.close()
        raise
    return answer


def _size(answer: BaseHTTPResponse) -> int:
    """Of the whole object. Where the connection breaks in the middle of the headers, the library takes what came for
    all of them: so what has to be there must be there to its end."""
    headers = answer.headers
    length, in_all = headers.get("content-length", ""), headers.get("content-range", "")
    found = _RANGE.fullmatch(in_all)
    if not length.isdecimal() or (in_all and not found) or not headers.get("etag", "").endswith('"'):
        raise ProtocolError("the headers of its answer are cut off")
    return int(found.group(1) if found else length)


@contextmanager
def _closing(answer: BaseHTTPResponse) -> Iterator[BaseHTTPResponse]:
    """The connection goes back into the pool when all was read, and is closed otherwise."""
    try:
        yield answer
    except BaseException:
        answer.close()
        raise
    finally:
        answer.release_conn()


def _pieces(answer: BaseHTTPResponse) -> Iterator[bytes]:
    while piece := answer.read(PIECE, decode_content=False):
        yield piece


def _read(answer: BaseHTTPResponse, place: memoryview) -> None:
    """Fill `place`, no more and no less."""
    done = 0
    for piece in _pieces(answer):
        if done + len(piece) > len(place):
            break
        place[done : done + len(piece)] = piece
        done += len(piece)
    if done != len(place):
        raise ProtocolError(f"{done} bytes came of {len(place)}")
