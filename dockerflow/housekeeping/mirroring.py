"""Find what a past run's images are made of: the files of its packages, the layers of its base, images of its user.

With these an image comes out again with the digest that the run recorded, on a machine that reaches no channel and no
registry. What is found is given as parts, each with the name of the blob that it is or will be: `mirror` puts them into
the run's store, `bundle` into a file. What cannot be found is told, and does not keep the rest back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import field
from functools import partial
from pathlib import Path

from docker import DockerClient

from dockerflow.environments.errors import LockFileError
from dockerflow.environments.lock import Lock, LockedPackage
from dockerflow.environments.lock_file import loads
from dockerflow.errors import DockerflowError
from dockerflow.housekeeping import several
from dockerflow.housekeeping.references import RunName
from dockerflow.images import kept, layer_cache
from dockerflow.images.engine import explaining_engine, inspect, pull
from dockerflow.images.errors import ImageError, IncompleteImage, PackageError
from dockerflow.images.files import chunks
from dockerflow.images.kept import KeptImage, hex_of
from dockerflow.images.layer_cache import LayerCache
from dockerflow.images.obtainable import obtainable
from dockerflow.images.packages import PackageCache
from dockerflow.images.recorded_base import Recorded, recorded_base
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.progress import Notify, ignore
from dockerflow.store import history, mirror, runs
from dockerflow.store.base import Store
from dockerflow.store.errors import AccessDenied, StoreError, Unreachable
from dockerflow.store.mirror import Kept
from dockerflow.store.records import StepRecord

__all__ = ["Found", "Lost", "Mirrored", "Part", "Places", "find", "mirror_run"]

# Packages that are fetched at once.
AT_ONCE = 4


@dataclass(frozen=True)
class Part:
    """Bytes that are a blob. `read` gives them; `is_there`: the store has them."""

    kept: Kept
    read: Callable[[], Iterator[bytes]] = field(compare=False)
    is_there: bool = False


@dataclass(frozen=True)
class Lost:
    """What could not be found, and why."""

    what: str
    error: DockerflowError


@dataclass(frozen=True)
class Found:
    """`parts` are in order of their hashes, each once."""

    parts: tuple[Part, ...]
    lost: tuple[Lost, ...]


@dataclass(frozen=True)
class Places:
    """Where to look. Without an engine (`client` None) images are in the store or lost; `silent` says why."""

    store: Store
    cache_dir: Path
    client: DockerClient | None
    silent: DockerflowError | None = None
    notify: Notify = ignore
    channels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Mirrored:
    """What was put into the store for a run, and what it has by now."""

    sent: int
    size: int
    all: int
    all_size: int
    lost: tuple[Lost, ...]


@dataclass
class _Needed:
    """By sha256, by digest of the config, and by the engine's ID."""

    packages: dict[str, LockedPackage] = field(default_factory=dict)
    bases: dict[str, str] = field(default_factory=dict)
    own: dict[str, StepRecord] = field(default_factory=dict)
    lost: list[Lost] = field(default_factory=list)


def mirror_run(places: Places, run: RunName, tell: Callable[[int], None] = lambda size: None) -> Mirrored:
    """Have the run's store keep what its images are made of; `tell` is told the bytes of each piece that is sent.

    Raises StoreError.
    """
    store = places.store
    with runs.hold(store, *run):  # so that `gc` with a short grace does not take what is not written down yet
        found = find(places, run)
        new = [part for part in found.parts if not (part.is_there and store.blobs.keep(part.kept.blob))]
        for _ in several.done(partial(_put, store, tell), new, several.threads_for(store)):
            pass
        mirror.add(store, *run, (part.kept for part in found.parts))
    sent, there = sum(part.kept.size for part in new), sum(part.kept.size for part in found.parts)
    return Mirrored(len(new), sent, len(found.parts), there, found.lost)


def find(places: Places, run: RunName) -> Found:
    """Raises Unreachable or AccessDenied, and DamagedRecord for a run whose journal cannot be read."""
    needed = _needed(places.store, run)
    parts = [*_packages(places, needed)]
    for base_digest, name in needed.bases.items():
        parts += _image(places, needed, name, base_digest, partial(_base, places, name, base_digest))
    for identity, step in needed.own.items():
        parts += _image(places, needed, step.image, step.config_digest, partial(_own, places, step, identity))
    by_blob = {part.kept.blob: part for part in sorted(parts, key=lambda each: each.kept, reverse=True)}
    return Found(tuple(by_blob[blob] for blob in sorted(by_blob)), tuple(needed.lost))


def _put(store: Store, tell: Callable[[int], None], part: Part, stop: several.Stop) -> None:
    def told() -> Iterator[bytes]:
        for block in part.read():
            stop()
            tell(len(block))
            yield block

    put = store.blobs.put(told())
    if put != part.kept.blob:
        raise StoreError(f"{part.kept.what} was changed while it was read", "run the command again")


# ---- what is needed


def _needed(store: Store, run: RunName) -> _Needed:
    needed = _Needed()
    for step in history.read(store, *run).steps.values():
        for each in (step, *step.elsewhere):
            if each.lock:
                needed.packages |= _of_lock(store, each, needed)
            elif each.config_digest or each.manifest_digest:
                needed.own.setdefault(each.config_digest or each.manifest_digest, each)
            if each.base_digest:
                needed.bases.setdefault(each.base_digest, each.base_image)
    return needed


def _of_lock(store: Store, step: StepRecord, needed: _Needed) -> dict[str, LockedPackage]:
    try:
        lock = loads(bytes(store.blobs.get(step.lock)).decode(), f"blob {step.lock}")
    except (Unreachable, AccessDenied):
        raise
    except (StoreError, LockFileError) as error:
        needed.lost.append(Lost(f"the packages of step `{step.name}`", error))
        return {}
    return {package.sha256: package for package in lock.packages if package.sha256}


# ---- packages


def _packages(places: Places, needed: _Needed) -> Iterator[Part]:
    cache = PackageCache(places.cache_dir / "packages")

    def get(package: LockedPackage, stop: several.Stop) -> Part | Lost:
        stop()
        what, blobs = f"package {package.file_name}", places.store.blobs
        if blobs.has(package.sha256):
            kept = Kept(package.sha256, what, blobs.size(package.sha256))
            return Part(kept, partial(blobs.stream, package.sha256), True)
        try:
            path = _fetched(places, cache, package)
            return Part(Kept(package.sha256, what, path.stat().st_size), partial(_of_file, path))
        except ImageError as error:
            return Lost(what, error)

    for one in several.done(get, needed.packages.values(), AT_ONCE):
        if isinstance(one, Part):
            yield one
        else:
            needed.lost.append(one)


def _fetched(places: Places, cache: PackageCache, package: LockedPackage) -> Path:
    """From where the lock says, or from a channel of today that has the same. Raises PackageError."""
    try:
        return cache.fetch(package, places.notify)
    except PackageError as error:
        found = obtainable(Lock("", (package,), (), (), ""), cache, places.channels)
        if found.missing:
            raise error
        return cache.fetch(found.lock.packages[0])


def _of_file(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            yield from chunks(file)
    except OSError as error:
        raise StoreError(f"cannot read `{path}`: {error.strerror}") from error


# ---- images


def _image(
    places: Places, needed: _Needed, name: str, config_digest: str, get: Callable[[], KeptImage]
) -> Iterable[Part]:
    """The config and the layers of an image that the store has, or that `get` gets."""
    blobs = places.store.blobs
    there = kept.of_store(blobs, config_digest)
    if there is not None:
        named = _named(there, name)
        return [Part(Kept(blob, what, blobs.size(blob)), partial(blobs.stream, blob), True) for blob, what in named]
    try:
        return list(_parts(get(), name, LayerCache(places.cache_dir)))
    except ImageError as error:
        needed.lost.append(Lost(f"image `{name}`", error))
        return []


def _named(image: KeptImage, name: str) -> Iterator[tuple[str, str]]:
    config, *layers = image.blobs
    yield config, f"config of {name}"
    yield from ((each, f"layer of {name}") for each in layers)


def _parts(image: KeptImage, name: str, cache: LayerCache) -> Iterator[Part]:
    yield Part(Kept(hex_of(image.digest), f"config of {name}", len(image.config)), lambda: iter([image.config]))
    for diff_id in image.diff_ids:
        path = cache.layer(diff_id, 0, "").path
        layer = cache.layer(diff_id, path.stat().st_size, f"layer of {name}")
        yield Part(Kept(hex_of(diff_id), layer.title, layer.size), partial(layer_cache.read, layer))


def _base(places: Places, name: str, base_digest: str) -> KeptImage:
    client = _engine(places)
    base = recorded_base(client, name, places.cache_dir, Recorded(base_digest))
    if base.digest != base_digest:
        raise IncompleteImage(
            f"the base image `{name}` was {base_digest} then, and is {base.digest} now",
            hint="load the one of then into the engine, if another machine has it, and run the command again",
        )
    return _whole(places, base.engine_id, name, base_digest)


def _own(places: Places, step: StepRecord, identity: str) -> KeptImage:
    client = _engine(places)
    if not step.config_digest:
        raise IncompleteImage(
            f"the run knows the image `{step.image}` by its manifest {identity}, which no engine gives out as it was",
            hint="push it to a registry, and name it in the flow as `NAME@sha256:…`",
        )
    with explaining_engine(f"looking for the image `{step.image}`"):
        found = inspect(client, identity)
        if found is None and step.repository_digest:
            pull(client, step.repository_digest)
            found = inspect(client, identity)
    if found is None:
        raise IncompleteImage(
            f"the image `{step.image}` that the run had, {identity}, is not on the engine",
            hint="pull or load it, and run the command again",
        )
    return _whole(places, str(found["Id"]), step.image, step.config_digest)


def _whole(places: Places, identity: str, name: str, config_digest: str) -> KeptImage:
    client = _engine(places)
    with explaining_engine(f"reading the image `{name}`"):
        found = inspect(client, identity)
    image = None if found is None else kept.of_engine(client, found, LayerCache(places.cache_dir))
    if image is None or image.digest != config_digest:
        raise IncompleteImage(
            f"the engine does not give out the image `{name}` with the config {config_digest}",
            hint=f"remove it with `docker image rm {name}`, pull or make it again, and run the command again",
        )
    return image


def _engine(places: Places) -> DockerClient:
    if places.client is None:
        why = places.silent
        raise IncompleteImage(
            f"the store does not have it, and the engine does not answer{f': {why.message}' if why else ''}",
            hint=why.hint if why else None,
        )
    return places.client
