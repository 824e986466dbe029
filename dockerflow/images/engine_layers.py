"""Which layers an engine has, and so which of an image's it need not be sent.

What an engine can reuse differs. The classic store reuses a common beginning of the chain of layers; the containerd
store and Podman any layer that they know. Only layers of step images and of their base are looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import takewhile
from typing import Any

from docker import DockerClient

from dockerflow.images.engine import api, explaining_engine, inspect, is_surely_whole
from dockerflow.images.image import Layer, StepImage
from dockerflow.images.oci import LOCK_LABEL
from dockerflow.images.wire import has_containerd_store, is_podman
from dockerflow.lazy_dataclasses import dataclass

# Images asked for at once: an engine may have hundreds, and takes some milliseconds for each. The SDK keeps ten
# connections.
_AT_ONCE = 8


@dataclass(frozen=True)
class EngineLayers:
    """The chains of layers of the images that an engine had when it was asked, each bottom first."""

    chains: tuple[tuple[str, ...], ...]
    apart: bool  # whether it can reuse a layer wherever it lies

    def lacking(self, image: StepImage) -> tuple[Layer, ...]:
        """The layers that the engine cannot take from images it has."""
        if self.apart:
            known = {diff_id for chain in self.chains for diff_id in chain}
            return tuple(layer for layer in image.layers if layer.diff_id not in known)
        ours = [layer.diff_id for layer in image.layers]
        return image.layers[max((_common(ours, chain) for chain in self.chains), default=0) :]

    def and_those_of(self, image: StepImage) -> EngineLayers:
        """When it has been given `image`."""
        return EngineLayers((*self.chains, tuple(layer.diff_id for layer in image.layers)), self.apart)


def engine_layers(client: DockerClient, base_digest: str, apart: bool | None = None) -> EngineLayers:
    """Ask the engine; `apart` is known of it where it was asked before. Raises `LoadError`."""
    with explaining_engine("asking which layers it has"):
        step_images = {str(one["Id"]) for one in api(client).images(filters={"label": LOCK_LABEL})}
        # The base is not found by this digest in the containerd store, and had better not be: one from a registry is
        # kept there by its compressed layers, so that without ours the step's image could run, but not be saved.
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            chains = pool.map(lambda image_id: _chain(client, image_id), sorted(step_images | {base_digest}))
            found = tuple(filter(None, chains))
            return EngineLayers(found, _keeps_layers_apart(client) if apart is None else apart)


def _chain(client: DockerClient, image_id: str) -> tuple[str, ...]:
    found = inspect(client, image_id)
    # None: removed in the meantime, or a base of another engine. An engine that cannot tell is sent all layers, so that
    # no load of ours leaves a name there that cannot start.
    if found is None or not is_surely_whole(found):
        return ()
    return tuple(found["RootFS"].get("Layers") or ())


def keeps_layers_apart(info: Mapping[str, Any], version: Mapping[str, Any]) -> bool:
    """Whether the engine that says this can reuse a layer wherever it lies (the containerd store, Podman)."""
    return has_containerd_store(info) or is_podman(version)


def _keeps_layers_apart(client: DockerClient) -> bool:
    return keeps_layers_apart(client.info(), client.version())


def _common(ours: Sequence[str], theirs: Sequence[str]) -> int:
    """How many layers at the bottom the two chains share."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(ours, theirs, strict=False)))
