"""The layers of one lock: found in the cache or written, several at a time.

Everything that is decided here (which packages share a layer, under which key a layer is found) is a function of the
lock and the packages' contents; the number of threads and the order in which they finish change nothing.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

from dockerflow.environments.lock import Lock, LockedPackage
from dockerflow.images import bytecode, layer, skeleton, wheel_layer
from dockerflow.images.bytecode import Compiler, Sources, without_bytecode, write_bytecode
from dockerflow.images.clashes import check_distributions, lost_paths
from dockerflow.images.facts import Facts, FactsCache
from dockerflow.images.grouping import Group, groups
from dockerflow.images.image import PREFIX, Layer, StepImage
from dockerflow.images.layer import Package, write_layer
from dockerflow.images.layer_cache import LayerCache, layer_key, verify
from dockerflow.images.metadata import Python
from dockerflow.images.packages import PackageCache
from dockerflow.images.tar import END_OF_ARCHIVE, LayerWriter
from dockerflow.images.wheel_tags import check_tags
from dockerflow.progress import Compiling, Event, LayerReady, Notify


@dataclass(frozen=True)
class Caches:
    """What is kept between builds. `only_once` has the locks of the layers that threads of this process write."""

    layers: LayerCache
    packages: PackageCache
    facts: FactsCache
    only_once: KeyLocks


class KeyLocks:
    """A lock for each key: two builds in one process do not write the same layer twice."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}

    def of(self, key: str) -> threading.Lock:
        with self._guard:
            return self._locks.setdefault(key, threading.Lock())


class StoppedError(Exception):
    """Raised in threads that work for a build that is over. Nobody waits for them, so nobody sees it."""


class Assembly:
    """One lock's way to layers. `built` counts those that had to be written, `bytes_built` what is in them."""

    def __init__(self, lock: Lock, caches: Caches, pool: Executor, notify: Notify, steps: tuple[str, ...]) -> None:
        self._lock = lock
        self._caches = caches
        self._pool = pool
        self._told = notify
        self._stopped = False
        self._steps = steps
        self._guard = threading.Lock()
        self._archives: dict[str, Path] = {}
        self._numbers = itertools.count(1)
        self._layers = 1  # the skeleton, and what else is known of by now
        self.built = 0
        self.bytes_built = 0

    def stop(self) -> None:
        """Let what other threads do for this lock end soon: the build has failed, or was interrupted."""
        self._stopped = True

    def _notify(self, event: Event) -> None:
        """Downloads call this again and again, and end when it raises."""
        if self._stopped:
            raise StoppedError
        self._told(event)

    def skeleton(self) -> Layer:
        key = layer_key("dockerflow.skeleton", skeleton.RECIPE, PREFIX)
        found, written = self._find_or_write(key, skeleton.TITLE, skeleton.write_skeleton)
        self._tell(found, written)
        return found

    def packages(self, at_most: int) -> PackageLayers:
        """A layer for each group of packages."""
        facts = dict(zip(self._lock.packages, self._pool.map(self._facts, self._lock.packages)))
        python = next((one.python for one in facts.values() if one.python is not None), None)
        sizes = {package.sha256: one.size for package, one in facts.items()}
        grouped = groups(self._lock, sizes, at_most)
        self._layers += len(grouped)
        lost = self._lost(facts, python)

        def one_layer(group: Group) -> Layer:
            key = self._group_key(group, facts, python, lost)

            def content(out: LayerWriter) -> None:
                packages = [
                    Package(one, self._archive(one), lost[one], one.name in self._lock.requested)
                    for one in group.packages
                ]
                write_layer(out, packages, PREFIX, python)

            found, written = self._find_or_write(key, group.title, content)
            self._tell(found, written)
            return found

        return PackageLayers(python, grouped, tuple(self._pool.map(one_layer, grouped)))

    def _lost(
        self, facts: Mapping[LockedPackage, Facts], python: Python | None
    ) -> Mapping[LockedPackage, frozenset[str]]:
        """What each package leaves to another. Raises `PackageError` for packages that cannot be together."""
        paths = {package: tuple(one.paths(python)) for package, one in facts.items()}
        if python is not None:
            wheels = [package for package in facts if package.manager == "pip"]
            for package in wheels:
                check_tags(package, python, self._lock.platform)
            if wheels:
                check_distributions(paths, python.site_packages)
        return lost_paths(self._lock, paths)

    def _group_key(
        self,
        group: Group,
        facts: Mapping[LockedPackage, Facts],
        python: Python | None,
        lost: Mapping[LockedPackage, frozenset[str]],
    ) -> str:
        """What goes into the group's layer; Python only if there are packages whose files go where it wants them, and
        what concerns wheels only if there are some.
        """
        depends = python is not None and any(facts[package].noarch_python for package in group.packages)
        where = [python.version, python.site_packages] if python is not None and depends else None
        contents = [[package.sha256, sorted(lost[package])] for package in group.packages]
        parts = ["dockerflow.layer", layer.RECIPE, PREFIX, contents, where]
        if any(package.manager == "pip" for package in group.packages):
            kinds = [(package.manager, package.name in self._lock.requested) for package in group.packages]
            parts.append([wheel_layer.RECIPE, kinds])
        return layer_key(*parts)

    def bytecode(self, found: PackageLayers, compiler: Compiler, python_image: StepImage) -> list[Layer]:
        """The bytecode layer of each package layer; an empty one (see `is_empty`) where nothing is missing."""
        python, package = found.python, self._lock.package("python")
        if python is None or package is None:
            return []
        keys = [layer_key("dockerflow.bytecode", bytecode.RECIPE, one.diff_id, package.sha256) for one in found.layers]
        titles = [f"bytecode of {one.title}" for one in found.layers]
        with self._caches.only_once.of("compile"):
            known = {key: self._caches.layers.find(key, title) for key, title in zip(keys, titles)}
            unknown = [(key, one) for key, one in zip(keys, found.layers) if known[key] is None]
            scanned = self._pool.map(lambda pair: _scan(pair[1], python), unknown)
            sources = {key: one for (key, _), one in zip(unknown, scanned)}
            wanted = [key for key, one in sources.items() if one.paths]
            results: dict[str, Mapping[str, bytes]] = {key: {} for key in sources}
            if wanted:
                self._notify(Compiling(self._steps, sum(len(sources[key].paths) for key in wanted)))
                results.update(zip(wanted, compiler.compile(python_image, [sources[key] for key in wanted])))
            self._layers += sum(not is_empty(one) for one in known.values() if one) + sum(map(bool, results.values()))
        return [self._bytecode_layer(key, title, results.get(key), python) for key, title in zip(keys, titles)]

    def _bytecode_layer(self, key: str, title: str, compiled: Mapping[str, bytes] | None, python: Python) -> Layer:
        def content(out: LayerWriter) -> None:
            write_bytecode(out, compiled or {}, python)

        found, written = self._find_or_write(key, title, content)
        if not is_empty(found):
            self._tell(found, written)
        return found

    def _find_or_write(self, key: str, title: str, content: Callable[[LayerWriter], None]) -> tuple[Layer, bool]:
        with self._caches.only_once.of(key):
            found = self._caches.layers.find(key, title)
            if found is not None:
                return found, False
            written = self._caches.layers.write(key, title, content)
        with self._guard:
            if not is_empty(written):
                self.built += 1
                self.bytes_built += written.size
        return written, True

    def _facts(self, package: LockedPackage) -> Facts:
        return self._caches.facts.of(package, self._archive)

    def _archive(self, package: LockedPackage) -> Path:
        """The archive, fetched and verified once in this build."""
        if package.sha256 not in self._archives:
            self._archives[package.sha256] = self._caches.packages.fetch(package, self._notify)
        return self._archives[package.sha256]

    def _tell(self, found: Layer, written: bool) -> None:
        with self._guard:
            number = next(self._numbers)
        self._notify(LayerReady(self._steps, found.title, number, self._layers, found.size, reused=not written))


@dataclass(frozen=True)
class PackageLayers:
    """A layer for each group, and the Python that they were written for."""

    python: Python | None
    groups: tuple[Group, ...]
    layers: tuple[Layer, ...]


def _scan(one: Layer, python: Python) -> Sources:
    verify(one)  # what is made from it is kept under its name
    return without_bytecode(one, python)


def is_empty(one: Layer) -> bool:
    """Whether there is nothing in the layer but the end of the archive."""
    return one.size <= END_OF_ARCHIVE
