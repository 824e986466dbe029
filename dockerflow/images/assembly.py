"""The layers of one lock: found in the cache or written, several at a time.

Everything that is decided here (which packages share a layer, under which key a layer is found) is a function of the
lock and the packages' contents; the number of threads and the order in which they finish change nothing.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future
from contextlib import ExitStack, contextmanager
from pathlib import Path

from dockerflow.environments.lock import Lock, LockedPackage
from dockerflow.images import layer, skeleton, wheel_layer
from dockerflow.images.clashes import check_distributions, lost_paths
from dockerflow.images.facts import Facts, FactsCache
from dockerflow.images.grouping import Group, groups
from dockerflow.images.image import PREFIX, Layer
from dockerflow.images.layer import Package, write_layer
from dockerflow.images.layer_cache import LayerCache, layer_key
from dockerflow.images.metadata import Python
from dockerflow.images.packages import PackageCache, Stamp, check_unchanged, stamp
from dockerflow.images.tar import END_OF_ARCHIVE, LayerWriter
from dockerflow.images.wheel_tags import check_tags
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.progress import Event, LayerReady, Notify


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
        self.steps = steps
        self._guard = threading.Lock()
        self._archives: dict[str, tuple[Path, Stamp | None]] = {}
        self._numbers = itertools.count(1)
        self._layers = 1  # the skeleton, and what else is known of by now
        self.built = 0
        self.bytes_built = 0

    def stop(self) -> None:
        """Let what other threads do for this lock end soon: the build has failed, or was interrupted."""
        self._stopped = True

    def notify(self, event: Event) -> None:
        """Downloads call this again and again, and end when it raises."""
        if self._stopped:
            raise StoppedError
        self._told(event)

    def skeleton(self) -> Layer:
        key = layer_key("dockerflow.skeleton", skeleton.RECIPE, PREFIX)
        found = self.find_or_write(key, skeleton.TITLE, skeleton.write_skeleton)
        self.tell(found)
        return found.layer

    def packages(self, at_most: int) -> PackageLayers:
        """A layer for each group of packages; they are being written when this returns."""
        facts = dict(zip(self._lock.packages, self._pool.map(self._facts, self._lock.packages)))
        python = next((one.python for one in facts.values() if one.python is not None), None)
        sizes = {package.sha256: one.size for package, one in facts.items()}
        grouped = groups(self._lock, sizes, at_most)
        self._layers += len(grouped)
        lost = self._lost(facts, python)

        keys = {group: self._group_key(group, facts, python, lost) for group in grouped}

        def one_layer(group: Group) -> Found:
            def content(out: LayerWriter) -> None:
                with ExitStack() as opened:
                    packages = [
                        Package(
                            one, opened.enter_context(self._archive(one)), lost[one], one.name in self._lock.requested
                        )
                        for one in group.packages
                    ]
                    write_layer(out, packages, PREFIX, python)

            found = self.find_or_write(keys[group], group.title, content)
            self.tell(found)
            return found

        new = [group for group in grouped if self._caches.layers.find(keys[group], group.title) is None]
        modules = any(facts[package].lacks_bytecode for group in new for package in group.packages)
        layers = tuple(self._pool.submit(one_layer, group) for group in grouped)
        return PackageLayers(python, grouped, layers, modules)

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

    def find_or_write(self, key: str, title: str, content: Callable[[LayerWriter], None]) -> Found:
        with self._caches.only_once.of(key):
            found = self._caches.layers.find(key, title)
            if found is not None:
                return Found(found, written=False)
            written = self._caches.layers.write(key, title, content)
        with self._guard:
            if not is_empty(written):
                self.built += 1
                self.bytes_built += written.size
        return Found(written, written=True)

    def _facts(self, package: LockedPackage) -> Facts:
        return self._caches.facts.of(package, self._archive)

    @contextmanager
    def _archive(self, package: LockedPackage) -> Iterator[Path]:
        """The archive, fetched and verified once in this build. Raises `PackageError` at the end if it has changed
        since: nothing that was made of it is to be kept.
        """
        if package.sha256 not in self._archives:
            before = stamp(package)
            self._archives[package.sha256] = (self._caches.packages.fetch(package, self.notify), before)
        path, verified = self._archives[package.sha256]
        yield path
        check_unchanged(package, verified)

    def tell(self, found: Found, more: int = 0) -> None:
        """Tell of a layer; `more` have become known of since the last one."""
        with self._guard:
            number = next(self._numbers)
            self._layers += more
        one = found.layer
        self.notify(LayerReady(self.steps, one.title, number, self._layers, one.size, reused=not found.written))


@dataclass(frozen=True)
class Found:
    """A layer, and whether it was written just now."""

    layer: Layer
    written: bool


@dataclass(frozen=True)
class PackageLayers:
    """A layer for each group, and the Python that they are written for."""

    python: Python | None
    groups: tuple[Group, ...]
    layers: tuple[Future[Found], ...]
    new_modules: bool  # whether modules without bytecode are likely to be in a layer that is new

    @property
    def in_python(self) -> int:
        """How many of them, from the bottom, are Python and what it needs."""
        return sum(group.in_python for group in self.groups)


def is_empty(one: Layer) -> bool:
    """Whether there is nothing in the layer but the end of the archive."""
    return one.size <= END_OF_ARCHIVE
