"""The whole way from a lock to an image on an engine: build what is missing, send what it lacks, mend damage."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from docker import DockerClient

from dockerflow.environments.lock import Lock
from dockerflow.images import build_record, cache_lock
from dockerflow.images.ahead import SendingAhead
from dockerflow.images.base import base_image
from dockerflow.images.build_record import KeyParts
from dockerflow.images.builder import ImageBuilder
from dockerflow.images.compiler import ContainerCompiler
from dockerflow.images.errors import explaining_cache
from dockerflow.images.image import Layer, StepImage
from dockerflow.images.load import Sending, give
from dockerflow.progress import ImageReady, Notify, ignore
from dockerflow.store.files import make_folder


class ImageProvider:
    """Step images for one engine. Threads may share one."""

    def __init__(self, client: DockerClient, base_name: str, cache_dir: Path) -> None:
        with explaining_cache(cache_dir):
            make_folder(cache_dir)  # at once, not after everything has been solved
        self.base = base_image(client, base_name, cache_dir)
        self._client = client
        self._cache_dir = cache_dir
        self._builder = ImageBuilder(cache_dir, self.base, ContainerCompiler(client, self.base.restore_missing))

    def key_parts(self, lock: Lock) -> KeyParts:
        """What the image of `lock` is a function of."""
        return self._builder.key_parts(lock)

    def provide(self, lock: Lock, notify: Notify = ignore, steps: tuple[str, ...] = ()) -> StepImage:
        """Have the engine hold the image of `lock`. Raises `ImageError`."""
        with explaining_cache(self._cache_dir), cache_lock.used(self._cache_dir):
            return self._provide(lock, notify, steps)

    def _provide(self, lock: Lock, notify: Notify, steps: tuple[str, ...]) -> StepImage:
        began = time.monotonic()
        beginning = partial(self._builder.beginning, lock)
        with SendingAhead(self._client, beginning, self.base.restore_missing) as ahead:
            built = [self._builder.build_counted(lock, notify, steps, ahead)]
            image = built[0].image
            ahead.wait()

            def restore(wanted: Sequence[Layer]) -> None:
                restored = self._builder.restore(lock, wanted, notify, steps)
                built.extend([restored] if restored else [])

            sent = ahead.sent + give(Sending(self._client, image, notify, steps, restore, ahead.engine))
        seconds = time.monotonic() - began
        layers = (len(image.layers), sum(one.layers_built for one in built), sent.layers)
        bytes_built = sum(one.bytes_built for one in built)
        notify(ImageReady(steps, image.reference, *layers, sent.size, seconds, bytes_built))
        build_record.touch(self._cache_dir, self._builder.build_key(lock))
        return image
