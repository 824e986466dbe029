"""The hashes of a package archive, also where its channel does not tell them.

A lock needs the sha256 of every package, and the conda-lock format an md5 of every conda package. Nearly all channels
give both; for one that does not the archive is read once while solving.
"""

from __future__ import annotations

import hashlib
import urllib.request
from dataclasses import dataclass

from rattler import RepoDataRecord

from dockerflow.environments.errors import ChannelError

_CHUNK = 1 << 20
_TIMEOUT = 60  # seconds without a byte


@dataclass(frozen=True)
class Checksums:
    sha256: str
    md5: str


def of_record(record: RepoDataRecord) -> Checksums:
    """Raises ChannelError where an archive whose hashes are not known cannot be read, or is not the one announced."""
    if record.sha256 is not None and record.md5 is not None:
        return Checksums(record.sha256.hex(), record.md5.hex())
    found = _read(record.url)
    announced = (record.sha256 or bytes.fromhex(found.sha256), record.md5 or bytes.fromhex(found.md5))
    if announced != (bytes.fromhex(found.sha256), bytes.fromhex(found.md5)):
        raise ChannelError(f"`{record.url}` is not the package that its channel announces: its hash is another")
    return found


def _read(url: str) -> Checksums:
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT) as archive:
            while chunk := archive.read(_CHUNK):
                sha256.update(chunk)
                md5.update(chunk)
    except OSError as error:
        raise ChannelError(
            f"`{url}` has to be read because its channel does not tell its hashes, and cannot be: {error}"
        ) from error
    return Checksums(sha256.hexdigest(), md5.hexdigest())
