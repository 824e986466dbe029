"""The hashes of a package archive, also where its channel or index does not tell them.

A lock needs the sha256 of every package, and the conda-lock format an md5 of every conda package. Nearly all channels
and indexes give them; for one that does not the archive is read once while solving.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import requests
from rattler import RepoDataRecord

from dockerflow import credentials
from dockerflow.environments.errors import ChannelError
from dockerflow.lazy_dataclasses import dataclass

_CHUNK = 1 << 20
_TIMEOUT = 60  # seconds without a byte


@dataclass(frozen=True)
class Checksums:
    sha256: str
    md5: str
    size: int | None = None  # bytes


def of_record(record: RepoDataRecord) -> Checksums:
    """Raises ChannelError where an archive whose hashes are not known cannot be read, or is not the one announced."""
    if record.sha256 is not None and record.md5 is not None:
        return Checksums(record.sha256.hex(), record.md5.hex(), record.size)
    found = read(record.url)
    announced = (record.sha256 or bytes.fromhex(found.sha256), record.md5 or bytes.fromhex(found.md5))
    if announced != (bytes.fromhex(found.sha256), bytes.fromhex(found.md5)):
        url = credentials.hidden(record.url)
        raise ChannelError(f"`{url}` is not the package that its channel announces: its hash is another")
    return found


def read(url: str) -> Checksums:
    """Those of the archive at `url`. Raises ChannelError."""
    sha256, md5, size = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
    try:
        for chunk in _chunks(url):
            sha256.update(chunk)
            md5.update(chunk)
            size += len(chunk)
    except OSError as error:  # what requests raises is one, too
        problem = f"`{url}` has to be read because nobody tells its hashes, and cannot be: {error}"
        raise ChannelError(credentials.hidden(problem)) from error
    return Checksums(sha256.hexdigest(), md5.hexdigest(), size)


def _chunks(url: str) -> Iterator[bytes]:
    """Credentials for a server are those of `~/.netrc`."""
    if urlsplit(url).scheme == "file":
        with Path(url2pathname(urlsplit(url).path)).open("rb") as archive:
            while chunk := archive.read(_CHUNK):
                yield chunk
        return
    with closing(requests.get(url, stream=True, timeout=_TIMEOUT)) as answer:
        answer.raise_for_status()
        yield from answer.iter_content(_CHUNK)
