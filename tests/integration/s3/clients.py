"""Both clients of a bucket, made for a bucket of the tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dockerflow.buckets.credentials import Identity
from dockerflow.buckets.sdk import SdkObjects
from dockerflow.store.s3.client import SmallObjects
from dockerflow.store.s3.objects import Objects
from dockerflow.store.s3.place import Place
from dockerflow.store.s3.signing import Credentials, WithCredentials
from tests.object_servers import Bucket

# What is larger is sent in parts, of the least size that servers take: so that tests need few bytes for it.
ONE_PIECE = 6 << 20
PART = 5 << 20
PREFIX = "of/the tests+1"


@dataclass(frozen=True)
class Scene:
    """A bucket, and both clients' view of a prefix of it."""

    bucket: Bucket
    prefix: str = PREFIX

    @property
    def place(self) -> Place:
        return Place(self.bucket.server.endpoint, self.bucket.name, self.prefix, self.bucket.server.region)

    @property
    def credentials(self) -> Credentials:
        return Credentials(self.bucket.server.access_key, self.bucket.server.secret_key)

    def small(self, patience: float = 20.0) -> SmallObjects:
        signer = WithCredentials(self.place, lambda: self.credentials)
        return SmallObjects(self.place, signer, patience, ONE_PIECE, PART)

    def sdk(self) -> SdkObjects:
        return SdkObjects(self.place, Identity("the tests", lambda: self.credentials), 20.0, ONE_PIECE)


MAKE: dict[str, Callable[[Scene], Objects]] = {"small": Scene.small, "sdk": Scene.sdk}
