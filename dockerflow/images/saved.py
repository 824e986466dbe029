"""Take an image back from an engine: its config as it is, and those of its layers that the cache lacks.

An engine saves an image as an archive whose form differs (`docker save` of 20.10, OCI layouts since). In all of them
every layer and the config are files of their own, and we know them by their hash: what has the right hash is kept,
wherever it lies. The manifest is ours again, as `oci` makes it of the two.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, cast

from docker import DockerClient

from dockerflow.images.base import decompressed
from dockerflow.images.engine import explaining_engine, stream
from dockerflow.images.errors import IncompleteImage, explaining_full_disk
from dockerflow.images.files import CHUNK, chunks, new_file
from dockerflow.images.image import Layer, StepImage
from dockerflow.images.layer_cache import LayerCache, is_complete
from dockerflow.images.oci import CREATED_BY, LOCK_LABEL, ImageName, with_config
from dockerflow.images.streams import IteratorStream
from dockerflow.images.tar import Hashed
from dockerflow.lazy_dataclasses import dataclass

# No config and no manifest of ours is larger.
_SMALL = 1 << 20


@dataclass(frozen=True)
class EngineImage:
    """A step image as an engine has it. `names` are all of its names there, with a tag or with a digest; `diff_ids` its
    layers, bottom first.
    """

    id: str
    reference: str
    names: tuple[str, ...]
    size: int  # as the engine counts it
    lock_hash: str
    architecture: str
    diff_ids: tuple[str, ...]


def restore_from_engine(client: DockerClient, name: str, cache: LayerCache, wanted: Sequence[Layer]) -> None:
    """Bring back the files of the `wanted` layers, as far as they are in the engine's image `name`."""
    missing = {layer.diff_id: layer.title for layer in wanted if not is_complete(layer)}
    if missing:
        read_image(client, name, cache, missing)


def from_engine(client: DockerClient, found: EngineImage, cache: LayerCache) -> StepImage:
    """The engine's image as ours, with all of its layers in the cache. Raises IncompleteImage, or ImageError."""
    sizes, metadata = read_image(client, found.id, cache, dict.fromkeys(found.diff_ids, "layer"))
    for config in metadata:
        image = _image(found, config, sizes, cache)
        if image is not None and found.id in (image.config_digest, image.manifest_digest):
            return image
    raise IncompleteImage(
        f"the engine's copy of `{found.reference}` is not complete, or not as dockerflow made it",
        hint=f"remove it with `docker image rm {found.reference}` and run the flow again",
    )


def _image(found: EngineImage, config: bytes, sizes: Mapping[str, int], cache: LayerCache) -> StepImage | None:
    """The image with this config; None for other metadata."""
    try:
        value = json.loads(config)
        diff_ids = value["rootfs"]["diff_ids"]
        titles = [str(one["created_by"]).removeprefix(CREATED_BY) for one in value["history"]]
        lock_hash = value["config"]["Labels"][LOCK_LABEL]
    except (ValueError, KeyError, TypeError):
        return None
    if len(titles) != len(diff_ids) or not sizes.keys() >= set(diff_ids):
        return None
    layers = [cache.layer(diff_id, sizes[diff_id], title) for diff_id, title in zip(diff_ids, titles)]
    return with_config(ImageName(found.reference, lock_hash, ""), config, layers)


def read_image(
    client: DockerClient, name: str, cache: LayerCache, wanted: Mapping[str, str]
) -> tuple[dict[str, int], list[bytes]]:
    """Keep the `wanted` layers (diff_id: title); the sizes of those that were there, and the metadata beside them."""
    sizes: dict[str, int] = {}
    metadata: list[bytes] = []
    with explaining_engine(f"reading image `{name}`"):
        blocks = stream(client, "GET", f"/images/{name}/get").iter_content(CHUNK)
        with tarfile.open(fileobj=cast(IO[bytes], IteratorStream(blocks)), mode="r|", bufsize=CHUNK) as saved:
            for file in _files(saved, metadata):
                content = decompressed(file)
                if content is not None:
                    sizes.update(_keep(content, cache, wanted))
    return sizes, metadata


def _files(saved: tarfile.TarFile, metadata: list[bytes]) -> Iterator[IO[bytes]]:
    """Every file that may be a layer; metadata is put aside."""
    for member in saved:
        if not member.isreg():
            continue
        file = cast(IO[bytes], saved.extractfile(member))
        if member.size > _SMALL:
            yield file
            continue
        data = file.read()
        if data.startswith((b"{", b"[")):
            metadata.append(data)
        else:
            yield io.BytesIO(data)


def _keep(content: IO[bytes], cache: LayerCache, wanted: Mapping[str, str]) -> dict[str, int]:
    """Keep the content if it is a wanted layer; its size by its hash, or nothing."""
    folder = cache.folder / "layers"
    with explaining_full_disk(folder, "a layer"), new_file(folder) as new:
        out = Hashed(new.file)
        for block in chunks(content):
            out.write(block)
        if out.digest not in wanted:
            return {}
        layer = cache.layer(out.digest, out.size, wanted[out.digest])
        if not is_complete(layer):
            new.keep_as(layer.path.name)
    return {layer.diff_id: layer.size}
