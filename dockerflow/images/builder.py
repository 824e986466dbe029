"""From a lock to a step image: base, our own layer, the packages' layers, a config and a manifest.

An image is a pure function of the lock, the base's layers and the recipes. Its **build key** is a hash over those,
known before anything is done: the reference is made of it, and a small record under it (`images/<key>.json`)
remembers what was built (`build_record`), so that a second build reads one file and touches no layer. Layers whose
files have gone since are built again when an engine must be sent them (`restore`).

Packages are fetched and layers written by several threads; most of the time goes into decompression and hashing, which
run outside Python's lock. Sending is in `load`, compiling `.pyc` files in `bytecode`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from dockerflow.environments.lock import Lock
from dockerflow.images import build_record, bytecode, layer, skeleton, wheel_layer
from dockerflow.images.assembly import Assembly, Caches, Found, KeyLocks, PackageLayers, is_empty
from dockerflow.images.base import BaseImage
from dockerflow.images.build_record import BuildRecord, KeyParts, RecordedLayer, RecordedPackage
from dockerflow.images.bytecode import Compiler
from dockerflow.images.compilation import Compilation, Interpreter
from dockerflow.images.errors import ImageError, LayerDamaged, PackageError
from dockerflow.images.facts import FactsCache
from dockerflow.images.files import sweep
from dockerflow.images.image import PREFIX, Layer, StepImage
from dockerflow.images.layer_cache import LayerCache, is_complete, layer_key
from dockerflow.images.oci import ImageName, architecture, assemble
from dockerflow.images.packages import PackageCache
from dockerflow.images.wheel_tags import check_is_wheel
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.progress import Event, LayerMended, Notify, ignore
from dockerflow.store.base import BlobStore

# Part of every build key. Raise it when the same layers would now make another image: another order, grouping or
# config.
RECIPE = 1

# Seconds after which a file under a temporary name is taken for a killed process's: no layer takes so long to write.
_LEFT_BEHIND = 24 * 3600

# More layers than this cost time at every container's start.
MAX_LAYERS = 64


# The name of images that are there for a moment, while the rest of their layers is being made.
BEGINNING = "dockerflow/beginning:"

# The packages of a layer, by its diff_id.
Contents = dict[str, tuple[RecordedPackage, ...]]

# Is told of an image's layers as they become ready. It may look at them for as long as it runs.
Ahead = Callable[[Sequence[Layer]], None]


def _nobody(layers: Sequence[Layer]) -> None:
    """An `ahead` for builds that no engine waits for."""


@dataclass(frozen=True)
class Built:
    """An image, and how many of its layers, with how many bytes, had to be written for it."""

    image: StepImage
    layers_built: int = 0
    bytes_built: int = 0


@dataclass(frozen=True)
class _Work:
    base: Future[tuple[Layer, ...]]
    ahead: Ahead


class ImageBuilder:
    """Builds step images upon `base`, with everything kept below `cache_dir`.

    With a `compiler`, modules that come without bytecode are compiled (a further layer beside the package's); without
    one they are left as they are, which makes another image. `mirror`: see `packages`.
    """

    def __init__(
        self,
        cache_dir: Path,
        base: BaseImage,
        compiler: Compiler | None = None,
        workers: int | None = None,
        mirror: BlobStore | None = None,
    ) -> None:
        self._folder = cache_dir
        self._base = base
        self._compiler = compiler
        self._workers = workers or min(4, os.cpu_count() or 1)
        self._layers = LayerCache(cache_dir)
        packages = PackageCache(cache_dir / "packages", mirror=mirror)
        self._caches = Caches(self._layers, packages, FactsCache(cache_dir / "facts"), KeyLocks())

    def build(self, lock: Lock, notify: Notify = ignore, steps: tuple[str, ...] = ()) -> StepImage:
        """The image of `lock`. Raises `ImageError`."""
        return self.build_counted(lock, notify, steps).image

    def build_counted(
        self, lock: Lock, notify: Notify = ignore, steps: tuple[str, ...] = (), ahead: Ahead = _nobody
    ) -> Built:
        """As `build`, with what was not in the cache. `ahead` is told of the image's layers, bottom first, as they
        become ready: more of them each time.
        """
        known = self.known(lock)
        return Built(known) if known is not None else self._build(lock, notify, steps, ahead)

    def beginning(self, lock: Lock, layers: Sequence[Layer]) -> StepImage:
        """An image of the lowest of `lock`'s layers, for an engine that is to have them before the rest is there."""
        key = layer_key("dockerflow.beginning", RECIPE, self._base.key, [one.diff_id for one in layers])
        name = ImageName(f"{BEGINNING}{key[:24]}", key, self._base.digest)
        return assemble(name, lock.platform, self._base.path, layers)

    def _build(self, lock: Lock, notify: Notify, steps: tuple[str, ...], ahead: Ahead = _nobody) -> Built:
        try:
            return self._build_once(lock, notify, steps, ahead)
        except LayerDamaged as damaged:  # one that something was to be made from; it is gone now, so it is built anew
            notify(LayerMended(steps, damaged.title))
            return self._build_once(lock, notify, steps, ahead)

    def known(self, lock: Lock) -> StepImage | None:
        """The image of `lock` if it was built before, here; reads one small file."""
        record = build_record.read(self._folder, self.build_key(lock))
        if record is None:
            return None
        layers = [self._layers.layer(one.diff_id, one.size, one.title) for one in record.layers]
        image = assemble(self._name(lock), lock.platform, self._base.path, layers)
        # Damage that leaves a record readable: other layers than were built would make another image of the lock.
        same = (image.config_digest, image.manifest_digest) == (record.config_digest, record.manifest_digest)
        return image if same else None

    def build_key(self, lock: Lock) -> str:
        """64 hex digits over everything that the image is a function of."""
        return self.key_parts(lock).build_key

    def key_parts(self, lock: Lock) -> KeyParts:
        """What the image of `lock` is a function of, in words."""
        has_wheels = any(package.manager == "pip" for package in lock.packages)
        wheels = [("wheels", wheel_layer.RECIPE)] if has_wheels else []
        return KeyParts(
            platform=lock.platform,
            packages=KeyParts.packages_of(lock),
            requested=lock.requested,
            lock_hash=lock.lock_hash,
            base_name=self._base.name,
            base_digest=self._base.digest,
            base_diff_ids=self._base.diff_ids,
            base_path=self._base.path,
            prefix=PREFIX,
            recipes=(
                ("image", RECIPE),
                ("layers", layer.RECIPE),
                ("skeleton", skeleton.RECIPE),
                ("bytecode", bytecode.RECIPE if self._compiler is not None else None),
                *wheels,
            ),
        )

    def restore(
        self, lock: Lock, wanted: Sequence[Layer], notify: Notify = ignore, steps: tuple[str, ...] = ()
    ) -> Built | None:
        """Bring back the files of those of the `wanted` layers of `lock`'s image that the cache lacks; what had to be
        built for it. What else is found damaged meanwhile is told; each layer is not, as the image is ready.
        """

        def of_damage(event: Event) -> None:
            if isinstance(event, LayerMended):
                notify(event)

        self._base.restore_missing(wanted)
        return None if all(is_complete(one) for one in wanted) else self._build(lock, of_damage, steps)

    def _build_once(self, lock: Lock, notify: Notify, steps: tuple[str, ...], ahead: Ahead) -> Built:
        self._check(lock)
        sweep(self._folder, _LEFT_BEHIND)
        with ThreadPoolExecutor(self._workers, thread_name_prefix="layers") as pool:
            work = _Work(pool.submit(self._base.layers), ahead)
            assembly = Assembly(lock, self._caches, pool, notify, steps)
            try:
                layers, contents = self._assembled(lock, assembly, work)
            except BaseException:
                assembly.stop()
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        image = assemble(self._name(lock), lock.platform, self._base.path, layers)
        build_record.write(self._folder, self._record(lock, image, contents))
        return Built(image, assembly.built, assembly.bytes_built)

    def _record(self, lock: Lock, image: StepImage, contents: Contents) -> BuildRecord:
        layers = tuple(
            RecordedLayer(one.diff_id, one.size, one.title, contents.get(one.diff_id, ())) for one in image.layers
        )
        digests = (image.config_digest, image.manifest_digest)
        return BuildRecord(self.key_parts(lock), image.reference, *digests, layers)

    def _assembled(self, lock: Lock, assembly: Assembly, work: _Work) -> tuple[list[Layer], Contents]:
        """All layers, bottom first, and the packages in those that have some."""
        room = MAX_LAYERS - len(self._base.diff_ids) - 1
        found = assembly.packages(room if self._compiler is None else room // 2)
        layers: list[Layer] = []
        with ExitStack() as opened:
            chain = self._chain(lock, assembly, found, work.base, opened)
            for number, one in enumerate(chain, 1):
                layer = one()
                if not is_empty(layer):
                    layers.append(layer)
                    if number < len(chain):
                        work.ahead(layers)
        contents = {
            one.result().layer.diff_id: tuple(map(RecordedPackage.of, group.packages))
            for group, one in zip(found.groups, found.layers)
        }
        return layers, contents

    def _chain(
        self,
        lock: Lock,
        assembly: Assembly,
        found: PackageLayers,
        base: Future[tuple[Layer, ...]],
        opened: ExitStack,
    ) -> list[Callable[[], Layer]]:
        """What gives each layer, bottom first, when it is there; some are empty. They work while `opened` is."""
        below = [*base.result(), assembly.skeleton()]
        packages = [_layer(one) for one in found.layers]
        sha256 = next((one.sha256 for one in lock.packages if (one.manager, one.name) == ("conda", "python")), None)
        if self._compiler is None or found.python is None or sha256 is None:
            return [*map(_there, below), *packages]
        count = found.in_python

        def image() -> StepImage:
            return self._python_image(lock, [*below, *(one() for one in packages[:count])])

        interpreter = Interpreter(found.python, sha256, image)
        compilation = opened.enter_context(Compilation(assembly, self._compiler, interpreter))
        if found.new_modules:
            compilation.start()
        compiled = [one.result for one in compilation.layers(found)]
        # Python's own layers stay together: they are the image that compiles, and engines reuse common beginnings.
        above = [one for pair in zip(packages[count:], compiled[count:]) for one in pair]
        return [*map(_there, below), *packages[:count], *compiled[:count], *above]

    def _python_image(self, lock: Lock, layers: Sequence[Layer]) -> StepImage:
        """The image that has nothing but Python and what it needs."""
        key = layer_key("dockerflow.python_image", RECIPE, self._base.key, [one.diff_id for one in layers])
        name = ImageName(f"dockerflow/python:{key[:24]}", key, self._base.digest)
        return assemble(name, lock.platform, self._base.path, layers)

    def _check(self, lock: Lock) -> None:
        if architecture(lock.platform) != self._base.architecture:
            raise ImageError(
                f"the lock is for `{lock.platform}`, the base image `{self._base.name}` for {self._base.architecture}",
                hint="lock for the engine's platform, or name another base image with the setting `base_image`",
            )
        unnamed = next((package for package in lock.packages if not package.sha256), None)
        if unnamed is not None:
            raise PackageError(
                f"package `{unnamed.name}` has no sha256 in the lock, so it cannot be verified",
                hint="lock again, from a channel that has sha256 sums for its packages",
            )
        wheels = [package for package in lock.packages if package.manager == "pip"]
        for package in wheels:
            check_is_wheel(package)
        if wheels and not any((one.manager, one.name) == ("conda", "python") for one in lock.packages):
            raise PackageError(
                f"package `{wheels[0].name}` is a wheel, and the lock has no `python` from conda to install it for",
                hint="lock again with a Python: `@pypi(packages=…, python=…)`, or `python` among the conda packages",
            )

    def _name(self, lock: Lock) -> ImageName:
        return ImageName(f"dockerflow/step:{self.build_key(lock)[:24]}", lock.lock_hash, self._base.digest)


def _there(one: Layer) -> Callable[[], Layer]:
    return lambda: one


def _layer(future: Future[Found]) -> Callable[[], Layer]:
    return lambda: future.result().layer
