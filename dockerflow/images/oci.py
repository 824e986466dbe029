"""The config and the manifest of an image, as bytes.

Both are canonical JSON with nothing of the moment in them, so an image has the same two digests on every machine.
Format: https://github.com/opencontainers/image-spec (v1.1), `config.md` and `manifest.md`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from dockerflow.images.files import canonical_json
from dockerflow.images.image import PREFIX, Layer, StepImage
from dockerflow.lazy_dataclasses import dataclass

CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"

# Every image of ours carries this label, so that an engine can be asked for them.
LOCK_LABEL = "dockerflow.lock"

ENTER = "/dockerflow/enter"

# How a layer's title stands in an image's history.
CREATED_BY = "dockerflow: "

_EPOCH = "1970-01-01T00:00:00Z"
_ARCHITECTURES = {"linux-64": "amd64", "linux-aarch64": "arm64", "linux-ppc64le": "ppc64le", "linux-s390x": "s390x"}


@dataclass(frozen=True)
class ImageName:
    """What an image is called and whose it is; known before it is built."""

    reference: str
    lock_hash: str
    base_digest: str


def architecture(platform: str) -> str | None:
    """Docker's name of a conda platform's architecture; None for one that containers do not run on."""
    return _ARCHITECTURES.get(platform)


def assemble(name: ImageName, platform: str, path: str, layers: Sequence[Layer]) -> StepImage:
    """The image of `layers`, bottom first. `path` is the base's PATH."""
    return with_config(name, canonical_json(_config(name, platform, path, layers)), layers)


def with_config(name: ImageName, config: bytes, layers: Sequence[Layer]) -> StepImage:
    """The image of `layers` and a config that is there already."""
    manifest = canonical_json(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": descriptor(CONFIG_TYPE, config),
            "layers": [{"mediaType": LAYER_TYPE, "digest": one.diff_id, "size": one.size} for one in layers],
        }
    )
    return StepImage(
        reference=name.reference,
        config_digest=digest(config),
        manifest_digest=digest(manifest),
        config=config,
        manifest=manifest,
        layers=tuple(layers),
        base_digest=name.base_digest,
        lock_hash=name.lock_hash,
    )


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def descriptor(media_type: str, data: bytes) -> dict[str, object]:
    return {"mediaType": media_type, "digest": digest(data), "size": len(data)}


def _config(name: ImageName, platform: str, path: str, layers: Sequence[Layer]) -> Mapping[str, object]:
    return {
        "architecture": architecture(platform),
        "os": "linux",
        "created": _EPOCH,
        "config": {
            # `docker exec` does not go through the entry point, so what it needs is here as well. Nothing in a step's
            # image can be written by the step, so Python need not try.
            "Env": [
                f"PATH={PREFIX}/bin:{path}",
                f"CONDA_PREFIX={PREFIX}",
                "LANG=C.UTF-8",
                "PYTHONDONTWRITEBYTECODE=1",
            ],
            "Entrypoint": [ENTER],
            "WorkingDir": "/work",
            "Labels": {LOCK_LABEL: name.lock_hash},
        },
        "rootfs": {"type": "layers", "diff_ids": [one.diff_id for one in layers]},
        "history": [{"created": _EPOCH, "created_by": f"{CREATED_BY}{one.title}"} for one in layers],
    }
