"""Have an engine hold the image that a step of a past run had.

It is there most often. One that is gone is built again from the run's lock: with another base image or another
dockerflow its digest may be another, but its libraries are the same. An image of the user's own is taken from the
store, where that keeps it, or pulled, where the run's record tells from where.
"""

from __future__ import annotations

from docker import DockerClient

from dockerflow.config import Config
from dockerflow.environments.errors import LockFileError
from dockerflow.environments.lock_file import loads
from dockerflow.images import kept
from dockerflow.images.engine import explaining_engine, inspect, is_whole, pull
from dockerflow.images.provide import ImageProvider
from dockerflow.images.recorded_base import Recorded
from dockerflow.in_image.errors import InImageError
from dockerflow.in_image.values import Place
from dockerflow.store.errors import StoreError


def image_for(place: Place, client: DockerClient, config: Config) -> str:
    """A name of the image that the engine knows. Raises InImageError or ImageError."""
    step = place.step
    names = (step.image, step.config_digest, step.manifest_digest) if step.lock else (step.config_digest, step.image)
    with explaining_engine(f"looking for the image of `{place.pathspec}`"):
        for name in filter(None, names):
            found = inspect(client, name)
            if found is not None and is_whole(found):
                return name
    if step.lock:
        return _built(place, client, config)
    mirrored = kept.of_store(place.store.blobs, step.config_digest)
    if mirrored is not None:
        return str(kept.give_kept(client, place.store.blobs, mirrored, config.cache_dir)["Id"])
    if step.repository_digest:
        with explaining_engine(f"pulling `{step.repository_digest}`"):
            return str(pull(client, step.repository_digest)["Id"])
    if not step.image:
        raise InImageError(
            f"step `{place.pathspec}` had no image: it ran in a process of its machine",
            "read the artifact with a Python that has what wrote it",
        )
    raise InImageError(
        f"the image `{step.image}` of step `{place.pathspec}` is not on the engine, and no registry is known for it",
        "build or pull it, then ask again",
    )


def _built(place: Place, client: DockerClient, config: Config) -> str:
    step = place.step
    try:
        lock = loads(bytes(place.store.blobs.get(step.lock)).decode(), f"blob {step.lock}")
    except (StoreError, LockFileError, UnicodeDecodeError) as error:
        raise InImageError(
            f"the image `{step.image}` of step `{place.pathspec}` is not on the engine, and its lock is lost: {error}",
            "run the flow again, which makes both",
        ) from error
    recorded = Recorded(step.base_digest, place.store.blobs)
    base_name = step.base_image or config.base_image
    return ImageProvider(client, base_name, config.cache_dir, recorded=recorded).provide(lock).reference
