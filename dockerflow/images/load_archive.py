"""The archive an engine is given to load: an OCI layout and a docker-archive at once, as a stream.

Docker's classic store goes by `manifest.json`, the containerd store by `index.json`, Podman takes either. Layers that
the engine has already may be left out. The archive is never held in memory or on disk: layers are read from the cache
as the engine takes them, and verified on the way.
"""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Collection, Iterator

from dockerflow.images.files import canonical_json
from dockerflow.images.image import Layer, StepImage
from dockerflow.images.layer_cache import read
from dockerflow.images.oci import INDEX_TYPE, MANIFEST_TYPE, descriptor

_BLOCK = 512


def load_archive(
    image: StepImage, layers: Collection[Layer], sent: Callable[[int], None] = lambda size: None
) -> Iterator[bytes]:
    """The blocks of the archive with `layers` of the image's layers; `sent` is told the size of each block of theirs.

    Raises `LayerDamaged` when a layer turns out not to be what it should be; the archive is then incomplete, and no
    engine takes it.
    """
    yield from _file("oci-layout", canonical_json({"imageLayoutVersion": "1.0.0"}))
    yield from _file("index.json", canonical_json(_index(image)))
    yield from _file(_blob(image.manifest_digest), image.manifest)
    yield from _file(_blob(image.config_digest), image.config)
    for layer in {layer.diff_id: layer for layer in layers}.values():
        yield _header(_blob(layer.diff_id), layer.size)
        for block in read(layer):
            yield block
            sent(len(block))
        yield _padding(layer.size)
    yield from _file("manifest.json", canonical_json(_docker_manifest(image)))
    yield b"\0" * (2 * _BLOCK)


def _index(image: StepImage) -> dict[str, object]:
    names = {
        "io.containerd.image.name": f"docker.io/{image.reference}",
        "org.opencontainers.image.ref.name": image.reference.rpartition(":")[2],
    }
    described = {**descriptor(MANIFEST_TYPE, image.manifest), "annotations": names}
    return {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [described]}


def _docker_manifest(image: StepImage) -> list[dict[str, object]]:
    return [
        {
            "Config": _blob(image.config_digest),
            "RepoTags": [image.reference],
            "Layers": [_blob(layer.diff_id) for layer in image.layers],
        }
    ]


def _blob(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


def _file(path: str, data: bytes) -> Iterator[bytes]:
    yield _header(path, len(data)) + data + _padding(len(data))


def _header(path: str, size: int) -> bytes:
    member = tarfile.TarInfo(path)
    member.size = size
    return member.tobuf(tarfile.PAX_FORMAT)


def _padding(size: int) -> bytes:
    return b"\0" * (-size % _BLOCK)
