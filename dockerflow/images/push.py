"""Push a step image to a registry as it is: with our manifest, so that its digest there is the one that runs record.

Layers that the repository has are not sent, those that another repository of the same registry was given by this cache
are mounted from there, the others are uploaded as they lie in the cache, several at once. The manifest comes last: an
image that is named is complete.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from dockerflow.images import pushed
from dockerflow.images.errors import LayerDamaged, RegistryError
from dockerflow.images.image import Layer, StepImage
from dockerflow.images.layer_cache import read
from dockerflow.images.oci import MANIFEST_TYPE
from dockerflow.images.registry import Registry, Sized
from dockerflow.images.repository import Repository
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.progress import ImagePushing, Notify, ignore

# Layers that are sent at once: more gain nothing on one connection to the world.
AT_ONCE = 4

# Progress is told every so many bytes.
_REPORT_EVERY = 4 * 1024 * 1024

Restore = Callable[[Sequence[Layer]], None]


@dataclass(frozen=True)
class Pushed:
    """What came of a push. `name` has the digest, `tagged` the tag."""

    name: str
    tagged: str
    layers_sent: int
    layers_mounted: int
    bytes_sent: int


@dataclass(frozen=True)
class Target:
    repository: Repository
    plain_http: bool = False


def push(cache_dir: Path, image: StepImage, target: Target, restore: Restore, notify: Notify = ignore) -> Pushed:
    """Have the repository hold `image`. `restore` brings back layers whose files are missing or damaged.

    Without a tag it gets that of its reference. Raises RegistryError, and what `restore` raises.
    """
    repository = target.repository
    with closing(Registry(repository, target.plain_http, AT_ONCE)) as registry:
        pushing = _Pushing(registry, image, _neighbours(cache_dir, repository), restore, notify)
        pushing.layers()
        config = image.config
        if not registry.has(image.config_digest):
            registry.upload(image.config_digest, lambda: Sized(len(config), iter([config])))
        tag = repository.tag or image.reference.rpartition(":")[2]
        digest = registry.put_manifest(tag, MANIFEST_TYPE, image.manifest)
    if digest is not None and digest != image.manifest_digest:
        raise RegistryError(
            f"the registry `{repository.host}` calls the image {digest}, expected {image.manifest_digest}",
            hint="it changes what is pushed to it (some convert manifests); push to another",
        )
    pushed.remember(cache_dir, image, str(repository))
    name = f"{repository}@{image.manifest_digest}"
    return Pushed(name, f"{repository}:{tag}", pushing.sent, pushing.mounted, pushing.bytes_sent)


def _neighbours(cache_dir: Path, repository: Repository) -> Mapping[str, tuple[str, ...]]:
    """The other repositories of the same registry that were given a layer, by its diff_id."""
    prefix = f"{repository.host}/"
    return {
        layer: tuple(name.removeprefix(prefix) for name in names if name.startswith(prefix) and name != str(repository))
        for layer, names in pushed.holders(cache_dir).items()
    }


class _Pushing:
    """The layers of one image on their way."""

    def __init__(
        self,
        registry: Registry,
        image: StepImage,
        neighbours: Mapping[str, tuple[str, ...]],
        restore: Restore,
        notify: Notify,
    ) -> None:
        self._registry = registry
        self._image = image
        self._neighbours = neighbours
        self._restore = restore
        self._notify = notify
        self._guard = threading.Lock()
        self._restoring = threading.Lock()
        self._total = sum(layer.size for layer in self._distinct())
        self._done = self._told = 0
        self._stopped = False
        self.sent = self.mounted = self.bytes_sent = 0

    def layers(self) -> None:
        """Have the repository hold every layer. The first failure ends it."""
        pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="push")
        try:
            for _ in pool.map(self._layer, self._distinct()):
                pass
        finally:
            self._stopped = True
            pool.shutdown(wait=False, cancel_futures=True)

    def _distinct(self) -> list[Layer]:
        return list({layer.diff_id: layer for layer in self._image.layers}.values())

    def _layer(self, layer: Layer) -> None:
        if self._registry.has(layer.diff_id):
            self._add(layer.size, 0)
        elif any(self._registry.mount(layer.diff_id, other) for other in self._neighbours.get(layer.diff_id, ())[:1]):
            self._add(layer.size, 0)
            with self._guard:
                self.mounted += 1
        else:
            self._send(layer)

    def _send(self, layer: Layer) -> None:
        for again in (True, False):
            with self._restoring:
                self._restore([layer])
            try:
                self._registry.upload(layer.diff_id, lambda: Sized(layer.size, self._blocks(layer)))
            except LayerDamaged:  # its file is gone now, so that it can be restored
                if not again:
                    raise
            else:
                break
        with self._guard:
            self.sent += 1

    def _blocks(self, layer: Layer) -> Iterator[bytes]:
        for block in read(layer):
            if self._stopped:
                raise RegistryError("the push has ended")
            yield block
            self._add(len(block), len(block))

    def _add(self, done: int, sent: int) -> None:
        with self._guard:
            self._done = min(self._done + done, self._total)  # what is sent again counts once
            self.bytes_sent += sent
            tell = self._done - self._told >= _REPORT_EVERY or self._done == self._total
            if tell:
                self._told = self._done
            event = ImagePushing(
                self._image.reference, str(self._registry.repository), self.bytes_sent, self._done, self._total
            )
        if tell:
            self._notify(event)
