"""What one run's steps leave beside the blobs of a bucket, since it is too large for one request.

A step may put a blob under its hash because the server compares the two; of what comes in parts it compares each part
alone. So that goes to the run's own outbox in the bucket, and the scheduler takes it over when it has hashed it.

Standard library only, Python 3.7.
"""

from __future__ import annotations

from typing import List

from dockerflow.store.base import check_hash
from dockerflow.store.pieces import Pieces
from dockerflow.store.s3.objects import Objects
from dockerflow.store.s3_blobs import S3Blobs


class Aside(S3Blobs):
    """The outbox `folder` of a run. `sent` are the hashes that the scheduler has to take over."""

    def __init__(self, objects: Objects, folder: str, blobs: S3Blobs) -> None:
        """`objects` puts everything in parts; what `blobs` have is not sent."""
        super().__init__(objects)
        self._folder, self._blobs = folder, blobs
        self.sent: List[str] = []

    def _send(self, pieces: Pieces) -> None:
        if pieces.sha256 not in self.sent and not self._blobs.holds(pieces.sha256, pieces.size):
            self._objects.put_large(self._key(pieces.sha256), pieces, pieces.size, pieces.sha256)
            self.sent.append(pieces.sha256)

    def _key(self, sha256: str) -> str:
        return f"{self._folder}/{check_hash(sha256)}"
