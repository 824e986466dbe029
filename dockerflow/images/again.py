"""The image of a step of a past run, had again where an engine has it no more.

One of ours is built from its lock, upon the base of then, of packages from wherever they can be had today: from where
the lock says, the cache, the run's store, or a channel of the configuration. One of the user's own may be in the store
or in a registry. Whether another image than that of then will do, is for whoever asks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from docker import DockerClient

from dockerflow.config import Config
from dockerflow.environments.errors import LockFileError
from dockerflow.environments.lock import Lock
from dockerflow.environments.lock_file import loads
from dockerflow.images import cache_lock, gone, kept
from dockerflow.images.engine import explaining_engine, inspect, is_surely_whole
from dockerflow.images.errors import PackageError
from dockerflow.images.image import StepImage
from dockerflow.images.obtainable import Obtainable, obtainable
from dockerflow.images.packages import PackageCache
from dockerflow.images.provide import ImageProvider
from dockerflow.images.recorded_base import Recorded
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.progress import Notify, ignore
from dockerflow.store.base import BlobStore
from dockerflow.store.errors import StoreError
from dockerflow.store.records import StepRecord


@dataclass(frozen=True)
class Again:
    """`blobs` are of the run's store, which may have packages, base images and the user's own. Threads share it."""

    blobs: BlobStore
    config: Config

    # ---- images of ours

    def base(self, image: StepRecord) -> tuple[str, Recorded]:
        """What it was built upon: its name, and by what it is known."""
        return image.base_image or self.config.base_image, Recorded(image.base_digest, self.blobs)

    def lock(self, image: StepRecord, steps: Sequence[str]) -> Lock:
        """Raises `gone.MissingError`."""
        try:
            return loads(bytes(self.blobs.get(image.lock)).decode(), f"blob {image.lock}")
        except (StoreError, LockFileError, UnicodeDecodeError) as error:
            raise gone.lost_lock(image, steps, error) from error

    def built(self, provider: ImageProvider, lock: Lock, steps: tuple[str, ...], notify: Notify = ignore) -> StepImage:
        """Raises `gone.MissingError` for packages that are nowhere, `ImageError`."""
        try:
            return provider.provide(lock, notify, steps)
        except PackageError as error:
            found = self._obtainable(lock)
            if found.missing:
                raise gone.missing_packages(found, steps) from error
            if found.lock == lock:  # it was not for want of a package
                raise
            return provider.provide(found.lock, notify, steps)

    def _obtainable(self, lock: Lock) -> Obtainable:
        cache = PackageCache(self.config.cache_dir / "packages", mirror=self.blobs)
        with cache_lock.used(self.config.cache_dir):
            return obtainable(lock, cache, self.config.channels)

    # ---- images of the user's own

    def own_names(self, client: DockerClient, image: StepRecord) -> Iterator[str]:
        """What it may be had by, the surest first."""
        name = name_on(client, image, gone.digests_of(image))
        mirrored = None if name else kept.of_store(self.blobs, image.config_digest)
        if mirrored is not None:
            name = str(kept.give_kept(client, self.blobs, mirrored, self.config.cache_dir)["Id"])
        yield from filter(None, (name, image.repository_digest))


def name_on(client: DockerClient, image: StepRecord, names: Sequence[str]) -> str | None:
    """By which of the names the engine has the very image. Raises ImageError."""
    with explaining_engine(f"looking for the image `{image.image}`"):
        for name in names:
            found = inspect(client, name)
            if found is not None and found["Id"] in gone.digests_of(image) and is_surely_whole(found):
                return name
    return None


def is_same(image: StepRecord, made: StepImage) -> bool:
    """Whether what was built is what the run had."""
    same_key = made.reference.rpartition(":")[2] == image.image.rpartition(":")[2]
    return same_key and {made.config_digest, made.manifest_digest}.issuperset(gone.digests_of(image))
