"""Every kind of store, so that each test of this folder holds for all of them."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from dockerflow.buckets.credentials import Identity
from dockerflow.buckets.sdk import SdkObjects
from dockerflow.store.base import Store
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.s3.client import SmallObjects
from dockerflow.store.s3.objects import Objects
from dockerflow.store.s3.place import Place
from dockerflow.store.s3.signing import Credentials, WithCredentials
from dockerflow.store.s3_store import S3Store

if TYPE_CHECKING:
    from tests.object_servers import Bucket

DIRECTORY = "directory"
SMALL = "minio, small client"  # as in containers
BUCKETS = {"minio": "minio", SMALL: "minio", "versitygw": "versitygw"}
KINDS = (DIRECTORY, *BUCKETS)


@dataclass(frozen=True)
class Where:
    """A store, for this process and for others. `beat` and `life` are of who holds a key; `files` is where
    the server has the bucket's objects as files, if it does."""

    folder: Path
    place: Place | None = None
    access_key: str = ""
    secret_key: str = ""
    small: bool = False
    beat: float = 0.05
    life: float = 60.0
    files: Path | None = None

    def open(self) -> Store:
        """As if by another process: nothing is shared with what was opened before."""
        if self.place is None:
            return DirectoryStore(self.folder, self.beat, self.life)
        credentials = Credentials(self.access_key, self.secret_key)
        objects: Objects = SdkObjects(self.place, Identity("the tests", lambda: credentials))
        if self.small:
            objects = SmallObjects(self.place, WithCredentials(self.place, lambda: credentials))
        return S3Store(objects, self.folder, self.beat, self.life)


def store_of(kind: str, folder: Path, bucket: Bucket | None) -> Where:
    if bucket is None:
        return Where(folder)
    server = bucket.server
    place = Place(server.endpoint, bucket.name, "a prefix/of tests", server.region)
    files = server.folder / bucket.name if server.kind.name == "versitygw" else None
    return Where(folder, place, server.access_key, server.secret_key, kind == SMALL, files=files)


def age(where: Where, sha256: str, seconds: float) -> None:
    """Make a blob one that was put so long ago."""
    store, past = where.open(), time.time() - seconds
    if isinstance(store, DirectoryStore):
        os.utime(store.blobs.path(sha256), (past, past))
        return
    place, content = where.place, bytes(store.blobs.get(sha256))
    assert place is not None
    key = f"blobs/{sha256[:2]}/{sha256}"
    if where.files is not None:
        os.utime(where.files / place.in_bucket(key), (past, past))
        return
    # MinIO takes the time of an object from another MinIO that replicates its own.
    credentials = Credentials(where.access_key, where.secret_key)
    then = datetime.fromtimestamp(past, timezone.utc).isoformat(timespec="microseconds").replace("+00:00", "Z")
    headers = {"Content-Length": str(len(content)), "X-Minio-Source-Mtime": then}
    headers["X-Minio-Source-Replication-Request"] = "true"
    link = SdkObjects(place, Identity("the tests", lambda: credentials)).link
    link.send("PUT", place.url(key, {}), headers, [content], sha256)


def overwrite(store: Store, sha256: str, content: bytes) -> None:
    """Do to a blob what a disk may do, or somebody with another program."""
    if isinstance(store, DirectoryStore):
        path = store.blobs.path(sha256)
        path.chmod(0o644)
        path.write_bytes(content)
    elif isinstance(store, S3Store):
        store.objects.put(f"blobs/{sha256[:2]}/{sha256}", content)
