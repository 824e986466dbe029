"""A store in a bucket of a server that a test may kill and start again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dockerflow.buckets.opening import open_bucket
from dockerflow.config import Config
from dockerflow.store.s3_store import S3Store
from tests.object_servers import ObjectServer, running

# How long a client waits for a server that is away, in seconds: long enough for one that is started again at once, or
# as long as it takes a test to be bored.
LONG, SHORT = 60.0, 0.5


@dataclass(frozen=True)
class BucketOnMinio:
    server: ObjectServer
    name: str  # of the store

    def variables(self, state: Path, patience: float = LONG) -> dict[str, str]:
        """What makes a command find the store. What it keeps on this machine is below `state`."""
        return {
            "DOCKERFLOW_STORE": self.name,
            **self.server.settings(),
            "DOCKERFLOW_STORE_PATIENCE": str(patience),
            "XDG_STATE_HOME": str(state),
        }

    def store(self, patience: float = LONG) -> S3Store:
        """Opened in this process, whose environment has the `variables`. The server must be there."""
        config = Config(s3_endpoint=self.server.endpoint, s3_region=self.server.region, store_patience=patience)
        return open_bucket(self.name, config)


@contextmanager
def bucket_on_minio(folder: Path, kind: str = "minio") -> Iterator[BucketOnMinio]:
    """A server of the test's own, and a new bucket. `kind`: see `object_servers`."""
    with running(kind, folder / kind) as server:
        yield BucketOnMinio(server, f"s3://{server.bucket()}/a/store")
