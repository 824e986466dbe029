"""Send objects: in one piece, whose hash the server compares and remembers, and larger ones in parts, by the SDK."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Iterable, Iterator
from typing import BinaryIO, cast

from minio.error import S3Error

from dockerflow.buckets.link import Link
from dockerflow.store.base import Chunk
from dockerflow.store.s3.signing import UNSIGNED

# The socket takes so much at a time: a time-out is for one such piece.
PIECE = 1 << 20

# What goes in one piece: a server takes 5 GiB. What is larger goes in parts of at least this size, at most 10,000.
ONE_PIECE = 4 << 30
PART = 64 << 20
MOST_PARTS = 10_000


def put(link: Link, key: str, data: Chunk, new: bool) -> bool:
    """As `Objects.put`; a try that is not known to have failed counts as done if the object has these bytes."""
    sha256, tries = hashlib.sha256(data).hexdigest(), 0

    def attempt() -> bool:
        nonlocal tries
        tries += 1
        return _send(link, key, [data], len(data), sha256, new)

    return link.asked(attempt) or (tries > 1 and _has(link, key, sha256))


def put_large(link: Link, key: str, chunks: Iterable[Chunk], size: int, sha256: str, one_piece: int) -> None:
    again = list(chunks) if iter(chunks) is chunks else chunks  # every try begins anew
    if size <= one_piece:
        link.asked(lambda: _send(link, key, again, size, sha256, new=False))
    else:
        link.asked(lambda: _send_parts(link, key, again, size))


def hash_in(headers: object) -> str | None:
    """The sha256, in hex, that the server has checked and tells, of a whole object."""
    told = getattr(headers, "get", lambda name: None)("x-amz-checksum-sha256")
    try:
        digest = base64.b64decode(told or "", validate=True)
    except ValueError:  # of parts: the hash of hashes, and how many
        return None
    return digest.hex() if len(digest) == 32 else None


def _send(link: Link, key: str, chunks: Iterable[Chunk], size: int, sha256: str, new: bool) -> bool:
    """The checksum is signed, and says what the body must be: a large body is not signed besides, for the server would
    hash it twice."""
    headers = {
        "Content-Length": str(size),
        "Content-Type": "application/octet-stream",
        "x-amz-checksum-sha256": base64.b64encode(bytes.fromhex(sha256)).decode(),
    }
    signed = UNSIGNED if size > PIECE else sha256
    if new:
        headers["If-None-Match"] = "*"
    try:
        link.send("PUT", link.place.url(key, {}), headers, _Sliced(chunks), signed)
        return True
    except S3Error as error:
        if new and error.code in ("PreconditionFailed", "ObjectAlreadyExists"):
            return False
        raise


def _send_parts(link: Link, key: str, chunks: Iterable[Chunk], size: int) -> None:
    """An upload that does not come to its end is aborted by the SDK."""
    part = max(PART, -(-size // MOST_PARTS))
    stream = cast(BinaryIO, io.BufferedReader(_Joined(chunks), PIECE))
    link.stubborn_client().put_object(link.place.bucket, link.name(key), stream, size, part_size=part)


def _has(link: Link, key: str, sha256: str) -> bool:
    with link.asked(lambda: link.client.get_object(link.place.bucket, link.name(key))) as answer:
        return link.asked(lambda: hashlib.sha256(answer.read()).hexdigest() == sha256)


class _Sliced:
    """Chunks in pieces that are not too long; may be gone through again."""

    def __init__(self, chunks: Iterable[Chunk]) -> None:
        self._chunks = chunks

    def __iter__(self) -> Iterator[memoryview]:
        for chunk in self._chunks:
            view = memoryview(chunk).cast("B")
            for begin in range(0, len(view), PIECE):
                yield view[begin : begin + PIECE]


class _Joined(io.RawIOBase):
    """Chunks as a file that can be read once."""

    def __init__(self, chunks: Iterable[Chunk]) -> None:
        self._pieces = iter(_Sliced(chunks))
        self._left = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if not self._left:
            self._left = next(self._pieces, memoryview(b""))
        size = min(len(buffer), len(self._left))
        buffer[:size] = self._left[:size]
        self._left = self._left[size:]
        return size
