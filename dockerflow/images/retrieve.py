"""A known image as a value, with a way to the bytes of each of its layers, for those who give it away.

What the cache has is taken from there. What it lacks is taken back from the engine's own copy or, where that is gone
too, built again from the image's lock; either way a layer counts only with the hash that the image names.
"""

from __future__ import annotations

from collections.abc import Sequence

from docker import DockerClient

from dockerflow.environments.lock import Lock
from dockerflow.images.build_record import BuildRecord
from dockerflow.images.builder import ImageBuilder
from dockerflow.images.compiler import ContainerCompiler
from dockerflow.images.errors import IncompleteImage
from dockerflow.images.image import Layer, StepImage
from dockerflow.images.inventory import KnownImage, Places, lock_of
from dockerflow.images.layer_cache import LayerCache, is_complete
from dockerflow.images.oci import ImageName, assemble
from dockerflow.images.recorded_base import Recorded, recorded_base
from dockerflow.images.saved import from_engine, restore_from_engine
from dockerflow.lazy_dataclasses import dataclass


@dataclass(frozen=True)
class Retrieval:
    """The way to one image. Whoever goes it says that the cache is in use: see `cache_lock.used`."""

    known: KnownImage
    places: Places
    base_name: str  # upon which it is built again

    def image(self) -> StepImage:
        """Raises IncompleteImage where neither cache, engine nor lock can give it."""
        if self.known.record is not None:
            return of_record(self.known.record, self._cache)
        if self.known.on_engine is not None and self.places.client is not None:
            return from_engine(self.places.client, self.known.on_engine, self._cache)
        lock = self._lock()
        if lock is None or self.places.client is None:
            raise self._lost("it")
        return self._same(self._builder(self.places.client).build(lock))

    def restore(self, wanted: Sequence[Layer]) -> None:
        """Bring back the files of those of the `wanted` layers that the cache lacks. Raises IncompleteImage."""
        client, engine = self.places.client, self.known.on_engine
        if client is not None and engine is not None:
            restore_from_engine(client, engine.id, self._cache, wanted)
        if all(is_complete(layer) for layer in wanted):
            return
        lock = self._lock()
        if lock is not None and client is not None:
            self._builder(client).restore(lock, wanted)
        lost = next((layer for layer in wanted if not is_complete(layer)), None)
        if lost is not None:
            raise self._lost(f"its layer `{lost.title}`")

    @property
    def _cache(self) -> LayerCache:
        return LayerCache(self.places.cache_dir)

    def _lock(self) -> Lock | None:
        return self.known.lock or lock_of(self.places.store, self.known.uses)

    def _builder(self, client: DockerClient) -> ImageBuilder:
        step = next((use.step for use in self.known.uses if use.step.base_digest), None)
        mirror = self.places.store.blobs
        recorded = Recorded(step.base_digest if step is not None else "", mirror)
        base = recorded_base(client, self.base_name, self.places.cache_dir, recorded)
        compiler = ContainerCompiler(client, base.restore_missing)
        return ImageBuilder(self.places.cache_dir, base, compiler, mirror=mirror)

    def _same(self, built: StepImage) -> StepImage:
        if built.reference != self.known.reference:
            raise IncompleteImage(
                f"`{self.known.reference}` cannot be built again here: its lock gives `{built.reference}` now",
                hint="the base image or dockerflow is another than then; run the flow to have the image of today",
            )
        return built

    def _lost(self, what: str) -> IncompleteImage:
        where = "the engine does not have the image" if self.places.client else "the engine does not answer"
        return IncompleteImage(
            f"{what} is not in the cache any more, {where}, and no run in this store has the lock of"
            f" `{self.known.reference}`",
            hint="run the flow that uses it, which builds it again, or start the engine",
        )


def of_record(record: BuildRecord, cache: LayerCache) -> StepImage:
    """The image that was built then. The files of its layers may have gone since."""
    layers = [cache.layer(one.diff_id, one.size, one.title) for one in record.layers]
    parts = record.parts
    name = ImageName(record.reference, parts.lock_hash, parts.base_digest)
    image = assemble(name, parts.platform, parts.base_path, layers)
    if image.manifest_digest != record.manifest_digest:
        raise IncompleteImage(
            f"the record of `{record.reference}` is of an older dockerflow, which made other images",
            hint="run the flow that uses it to have the image of today",
        )
    return image
