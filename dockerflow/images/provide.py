"""The whole way from a lock to an image on an engine: build what is missing, send what it lacks, mend damage."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from docker import DockerClient

from dockerflow.environments.lock import Lock
from dockerflow.images import build_record, cache_lock
from dockerflow.images.ahead import Beginning, SendingAhead
from dockerflow.images.base import BaseImage
from dockerflow.images.build_record import KeyParts
from dockerflow.images.builder import ImageBuilder
from dockerflow.images.by_registry import RegistryWay
from dockerflow.images.compiler import ContainerCompiler
from dockerflow.images.errors import explaining_cache
from dockerflow.images.far import FarEngine, FarWay
from dockerflow.images.image import Layer, StepImage
from dockerflow.images.oci import architecture
from dockerflow.images.recorded_base import NOTHING, Recorded, recorded_base
from dockerflow.images.remote import Remote
from dockerflow.images.ways import DirectWay, Order, Way
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.progress import ImageReady, Notify, ignore
from dockerflow.store.files import make_folder


class ImageProvider:
    """Step images for one engine. Threads may share one."""

    def __init__(
        self,
        client: DockerClient,
        base_name: str,
        cache_dir: Path,
        remote: Remote | None = None,
        recorded: Recorded = NOTHING,
    ) -> None:
        """Of the engine of this machine, or of a remote host's. With `recorded`, upon the base that a past run had, and
        of packages that its store keeps. Raises `BaseImageError`, `CacheError`.
        """
        with explaining_cache(cache_dir):
            make_folder(cache_dir)  # at once, not after everything has been solved
        self._cache_dir = cache_dir
        wanted = _Wanted(base_name, cache_dir, recorded)
        made = _here(client, wanted) if remote is None else _for(remote, wanted)
        self.base = made.base
        self._builder = made.builder
        self._way = made.way
        self._compiling = made.compiling
        self._host = remote.name if remote is not None else ""

    def key_parts(self, lock: Lock) -> KeyParts:
        """What the image of `lock` is a function of."""
        return self._builder.key_parts(lock)

    def provide(self, lock: Lock, notify: Notify = ignore, steps: tuple[str, ...] = ()) -> StepImage:
        """Have the engine hold the image of `lock`. Raises `ImageError`."""
        with explaining_cache(self._cache_dir), cache_lock.used(self._cache_dir):
            return self._compiling(lambda: self._provide(lock, notify, steps))

    @property
    def builder(self) -> ImageBuilder:
        """What makes the images, for providers of other engines."""
        return self._builder

    def _provide(self, lock: Lock, notify: Notify, steps: tuple[str, ...]) -> StepImage:
        began = time.monotonic()
        beginning = partial(self._builder.beginning, lock)
        way = self._way(beginning)
        with SendingAhead(way, beginning, self.base.restore_missing) as ahead:
            built = [self._builder.build_counted(lock, notify, steps, ahead)]
            image = built[0].image
            ahead.wait()

            def restore(wanted: Sequence[Layer]) -> None:
                restored = self._builder.restore(lock, wanted, notify, steps)
                built.extend([restored] if restored else [])

            sent = ahead.sent + way.whole(Order(image, restore, notify, steps))
        seconds = time.monotonic() - began
        layers = (len(image.layers), sum(one.layers_built for one in built), sent.layers)
        bytes_built = sum(one.bytes_built for one in built)
        there = (self._host, sent.on_wire if self._host else 0)
        notify(ImageReady(steps, image.reference, *layers, sent.size, seconds, bytes_built, *there))
        build_record.touch(self._cache_dir, self._builder.build_key(lock))
        return image


def _at_once(action: Callable[[], StepImage]) -> StepImage:
    return action()


@dataclass(frozen=True)
class _Wanted:
    base_name: str
    cache_dir: Path
    recorded: Recorded

    def base(self, client: DockerClient) -> BaseImage:
        return recorded_base(client, self.base_name, self.cache_dir, self.recorded)

    def builder(self, base: BaseImage, compiler: ContainerCompiler) -> ImageBuilder:
        return ImageBuilder(self.cache_dir, base, compiler, mirror=self.recorded.mirror)


@dataclass(frozen=True)
class _Made:
    """What provides images for one engine. `way` makes that of one image, from what makes beginnings of it; `compiling`
    does what may compile modules on a remote host.
    """

    base: BaseImage
    builder: ImageBuilder
    way: Callable[[Beginning], Way]
    compiling: Callable[[Callable[[], StepImage]], StepImage] = _at_once


def _here(client: DockerClient, wanted: _Wanted) -> _Made:
    base = wanted.base(client)
    builder = wanted.builder(base, ContainerCompiler(client, base.restore_missing))
    return _Made(base, builder, lambda _: DirectWay(client))


def _for(remote: Remote, wanted: _Wanted) -> _Made:
    engine = FarEngine(remote, wanted.cache_dir)

    def way(beginning: Beginning) -> Way:
        if remote.registry is not None:
            return RegistryWay(engine, remote.registry, wanted.cache_dir)
        return FarWay(engine, beginning)

    here = remote.here
    if here is not None and here.base.architecture == architecture(remote.platform):
        return _Made(here.base, here.builder, way)
    base = engine.surely(lambda: wanted.base(remote.client))

    def give(python: StepImage) -> None:
        FarWay(engine).whole(Order(python, base.restore_missing))

    compiler = ContainerCompiler(remote.client, base.restore_missing, give)
    return _Made(base, wanted.builder(base, compiler), way, engine.compiling)
