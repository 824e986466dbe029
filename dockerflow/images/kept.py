"""Whole images in a store: the base of step images, or one that a step brought along.

    blobs/…/<config digest>    the image's config, as the engine had it
    blobs/…/<diff_id>          each of its layers, uncompressed

A config names its layers, and what an image is called by in a run's record is the config's digest; so nothing but the
blobs is needed to find an image, and none of them can be another than was asked for. An engine that is given the image
calls it by the same digest, or, where it calls images by their manifests, by that of a manifest of ours: the digests of
the base's manifest in a registry are of compressed layers, which nobody keeps.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from docker import DockerClient

from dockerflow.images.engine import inspect
from dockerflow.images.errors import ImageError, IncompleteImage, explaining_full_disk
from dockerflow.images.files import new_file
from dockerflow.images.image import Layer
from dockerflow.images.layer_cache import LayerCache, is_complete
from dockerflow.images.load import Sending, give
from dockerflow.images.oci import ImageName, digest, with_config
from dockerflow.images.saved import read_image
from dockerflow.images.tar import Hashed
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.store.base import BlobStore
from dockerflow.store.errors import StoreError

# The name of such an image on an engine that had none for it. The name that a user gave it may be another image's by
# now, and is left to that.
REPOSITORY = "dockerflow/kept"

# No config is larger.
_LARGEST_CONFIG = 4 << 20


@dataclass(frozen=True)
class KeptImage:
    """An image's config, and its layers, bottom first; their files may have gone."""

    config: bytes
    diff_ids: tuple[str, ...]

    @property
    def digest(self) -> str:
        return digest(self.config)

    @property
    def reference(self) -> str:
        return reference(self.digest)

    @property
    def blobs(self) -> tuple[str, ...]:
        """By their names in a store, the config first."""
        return tuple(hex_of(each) for each in (self.digest, *self.diff_ids))


def reference(config_digest: str) -> str:
    """Under which name an engine is given the image with this config."""
    return f"{REPOSITORY}:{hex_of(config_digest)[:24]}"


def hex_of(digest: str) -> str:
    return digest.removeprefix("sha256:")


def of_config(config: bytes) -> KeptImage | None:
    """None for bytes that are no image's config."""
    try:
        diff_ids = tuple(str(each) for each in json.loads(config)["rootfs"]["diff_ids"])
    except (ValueError, KeyError, TypeError):
        return None
    return KeptImage(config, diff_ids)


def of_store(blobs: BlobStore, config_digest: str) -> KeptImage | None:
    """The image as a store has it; None where the store lacks any of it, or cannot be read."""
    try:
        name = hex_of(config_digest)
        if not name or not blobs.has(name) or blobs.size(name) > _LARGEST_CONFIG:
            return None
        found = of_config(bytes(blobs.get(name)))
        there = found is not None and all(blobs.has(hex_of(each)) for each in found.diff_ids)
        return found if there else None
    except StoreError:
        return None


def of_engine(client: DockerClient, found: Mapping[str, Any], cache: LayerCache) -> KeptImage:
    """The image of which the engine said this, with all of its layers in the cache. Raises ImageError."""
    diff_ids = tuple(found["RootFS"]["Layers"])
    sizes, metadata = read_image(client, str(found["Id"]), cache, dict.fromkeys(diff_ids, "layer"))
    configs = (of_config(each) for each in metadata)
    image = next((each for each in configs if each is not None and each.diff_ids == diff_ids), None)
    if image is None or not sizes.keys() >= set(diff_ids):
        raise IncompleteImage(
            f"the engine's copy of the image `{found['Id']}` lacks its config or a layer",
            hint="remove it with `docker image rm`, and pull or make it again",
        )
    return image


def restored(blobs: BlobStore, cache: LayerCache, image: KeptImage) -> list[Layer]:
    """The image's layers, with those in the cache that were not. Raises StoreError, `DiskFullError`."""
    return [_restored(blobs, cache, diff_id) for diff_id in image.diff_ids]


def give_kept(client: DockerClient, blobs: BlobStore, image: KeptImage, cache_dir: Path) -> Mapping[str, Any]:
    """Have the engine hold an image of the store; what it says of it then. Raises ImageError."""
    cache = LayerCache(cache_dir)

    def restore(wanted: Sequence[Layer]) -> None:
        if not all(map(is_complete, wanted)):
            restored(blobs, cache, image)

    try:
        layers = restored(blobs, cache, image)
        whole = with_config(ImageName(image.reference, "", image.digest), image.config, layers)
        give(Sending(client, whole, restore=restore))
    except StoreError as error:
        raise ImageError(
            f"the image {image.digest} cannot be had from the store: {error.message}", error.hint
        ) from error
    return inspect(client, image.reference) or {}


def _restored(blobs: BlobStore, cache: LayerCache, diff_id: str) -> Layer:
    layer = cache.layer(diff_id, blobs.size(hex_of(diff_id)), "layer")
    if is_complete(layer):
        return layer
    folder = cache.folder / "layers"
    with explaining_full_disk(folder, "a layer of an image in the store"), new_file(folder) as new:
        out = Hashed(new.file)
        for block in blobs.stream(hex_of(diff_id)):  # raises at the end if they were other bytes
            out.write(block)
        new.keep_as(layer.path.name)
    return layer
