"""The base image that a past run had, by the digest that its record has.

A name such as `debian:bookworm-slim` means another image next month, and then a step's image that is built again would
be another, too. So what the record names is looked for first: on the engine, under its name or any other, and in the
store, where `dockerflow images mirror` or `dockerflow import` has put it. What neither has is not to be had by its
digest: a registry knows images by the digests of their manifests. Then the name must do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from docker import DockerClient

from dockerflow.images import kept
from dockerflow.images.base import BaseImage, base_image, base_layer_key, base_of
from dockerflow.images.engine import explaining_engine, inspect
from dockerflow.images.errors import BaseImageError
from dockerflow.images.layer_cache import LayerCache
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.store.base import BlobStore


@dataclass(frozen=True)
class Recorded:
    """`base_digest` is the digest of the config of a base image, as runs record it; empty: whatever the name means.
    `mirror` are the blobs of a store that may have packages and base images.
    """

    base_digest: str = ""
    mirror: BlobStore | None = None


NOTHING = Recorded()


def recorded_base(client: DockerClient, name: str, cache_dir: Path, recorded: Recorded = NOTHING) -> BaseImage:
    """The base with the recorded digest; where it is gone, or none is recorded, the one that is called `name` now.
    Raises `BaseImageError`.
    """
    if recorded.base_digest:
        with explaining_engine(f"looking for the base image `{name}`", BaseImageError):
            there = (base_of(client, name, found, cache_dir) for found in _candidates(client, name, recorded))
            base = next((each for each in there if each.digest == recorded.base_digest), None)
        base = base or _of_mirror(client, name, cache_dir, recorded)
        if base is not None:
            return base
    return base_image(client, name, cache_dir)


def _candidates(client: DockerClient, name: str, recorded: Recorded) -> Iterator[Mapping[str, Any]]:
    """What the engine has under the names that the base may have there."""
    digest = recorded.base_digest
    seen = set()
    for each in (digest, name, kept.reference(digest)):
        found = inspect(client, each)
        if found is not None and found["Id"] not in seen:
            seen.add(found["Id"])
            yield found


def _of_mirror(client: DockerClient, name: str, cache_dir: Path, recorded: Recorded) -> BaseImage | None:
    image = None if recorded.mirror is None else kept.of_store(recorded.mirror, recorded.base_digest)
    if image is None or recorded.mirror is None:
        return None
    found = kept.give_kept(client, recorded.mirror, image, cache_dir)
    cache = LayerCache(cache_dir)
    for layer in kept.restored(recorded.mirror, cache, image):
        cache.remember(base_layer_key(layer.diff_id), layer)
    return base_of(client, name, found, cache_dir)
