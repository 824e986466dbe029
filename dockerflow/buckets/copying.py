"""Copy an object within its bucket, by the server, if it is what its name says.

Who has put the object may put another one at any moment. So its state is named by its tag first, and what is hashed and
what is copied is that state or nothing.
"""

from __future__ import annotations

import hashlib

from minio.commonconfig import ComposeSource
from minio.error import S3Error

from dockerflow.buckets import reading
from dockerflow.buckets.link import Link, none_if_gone

# The server copies so much in one request: it may be silent meanwhile, and one that fails is made again.
PIECE = 512 << 20


def copy_checked(link: Link, source: str, target: str, sha256: str, piece: int) -> bool:
    """As `Objects.copy_checked`, in pieces of `piece` bytes."""
    name = link.name(source)
    found = link.asked(lambda: none_if_gone(lambda: link.client.stat_object(link.place.bucket, name)))
    if found is None or not found.etag:
        return False
    etag, size = found.etag, found.size or 0
    if _hash_of(link, source, f'"{etag}"') != sha256:
        return False
    parts = [(start, min(piece, size - start)) for start in range(0, size, piece)] if size > piece else [(None, None)]
    state = [ComposeSource(link.place.bucket, name, offset=at, length=of, match_etag=etag) for at, of in parts]
    return link.asked(lambda: _composed(link, target, state))


def _hash_of(link: Link, key: str, etag: str) -> str:
    hashed = hashlib.sha256()
    for piece in reading.pieces(link, key, etag) or ():
        hashed.update(piece)
    return hashed.hexdigest()


def _composed(link: Link, target: str, state: list[ComposeSource]) -> bool:
    try:
        link.client.compose_object(link.place.bucket, link.name(target), state)
        return True
    except S3Error as error:
        if error.code in ("PreconditionFailed", "NoSuchKey"):
            return False
        raise
