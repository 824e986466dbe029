"""Which images were pushed where, as far as this cache knows.

    pushed/<manifest digest>/<name>.json    one for each repository; its time is that of the last push

An image in a registry is called by the repository and its manifest digest, so that is all that must be remembered.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from dockerflow.images.files import read_json, write_json
from dockerflow.images.image import StepImage

FOLDER = "pushed"


def remember(cache_dir: Path, image: StepImage, repository: str) -> None:
    name = hashlib.sha256(repository.encode()).hexdigest()[:32]
    layers = [layer.diff_id for layer in image.layers]
    write_json(_folder(cache_dir, image.manifest_digest) / f"{name}.json", {"repository": repository, "layers": layers})


def repositories(cache_dir: Path, manifest_digest: str) -> tuple[str, ...]:
    """The repositories that the image was pushed to, sorted: `host:5000/team/name`. None for an unknown digest."""
    if not manifest_digest:
        return ()
    return tuple(sorted(repository for repository, _ in _all(_folder(cache_dir, manifest_digest).glob("*.json"))))


def repository_digests(cache_dir: Path, manifest_digest: str) -> tuple[str, ...]:
    """The names under which a registry has the image: `host:5000/team/name@sha256:…`."""
    return tuple(f"{repository}@{manifest_digest}" for repository in repositories(cache_dir, manifest_digest))


def holders(cache_dir: Path) -> dict[str, tuple[str, ...]]:
    """The repositories that were given a layer, by its diff_id."""
    found: dict[str, set[str]] = {}
    for repository, layers in _all((cache_dir / FOLDER).glob("*/*.json")):
        for layer in layers:
            found.setdefault(layer, set()).add(repository)
    return {layer: tuple(sorted(names)) for layer, names in found.items()}


def _all(paths: Iterable[Path]) -> list[tuple[str, list[str]]]:
    read = [read_json(path, lambda one: (str(one["repository"]), list(map(str, one["layers"])))) for path in paths]
    return [one for one in read if one is not None]


def _folder(cache_dir: Path, manifest_digest: str) -> Path:
    return cache_dir / FOLDER / manifest_digest.removeprefix("sha256:")
