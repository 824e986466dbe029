"""What may be removed because nobody has used it for long: decided first, shown, and carried out only then.

An image is **kept** if

- a run or build of this cache, or a run of this store, used it since the limit;
- a run that lives may still use it, or any container on the engine does, running or not;
- it has another name on the engine: whoever gave it one wants it;
- neither cache nor store knows it (another user's, or another cache's): unless that is asked for.

With them go the images that only helped to make others and that no container holds: one that compiles, if nothing that
stays is made upon it and something that goes is (or unknown ones go, too: a build that was killed leaves it alone); and
every beginning of an image, which its build takes back itself unless it is killed. Where another cache's build is
about to use one, it sends all layers instead.

Of the cache goes what no kept image is made of and what is older than the limit besides. While images are built or sent
nothing is removed at all (`cache_lock`). Images that dockerflow did not make are never looked at.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import docker.errors
from docker import DockerClient

from dockerflow.images import cache_files, cache_lock, inventory
from dockerflow.images.builder import BEGINNING
from dockerflow.images.engine import api, explaining_engine
from dockerflow.images.inventory import PYTHON, Inventory, KnownImage, Places, diff_ids_of_others, engine_images
from dockerflow.images.saved import EngineImage
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.store import runs
from dockerflow.store.base import Store

# Why an image stays of which nobody here knows when it was used.
UNKNOWN = "neither this cache nor this store knows it"

# What the engine says of an image that is in use.
_CONFLICT = 409


@dataclass(frozen=True)
class Kept:
    """An image that stays although it might seem unused, and why."""

    reference: str
    why: str


@dataclass(frozen=True)
class Plan:
    """What would be removed. `compilers` are images that only helped to make others: Python alone, and beginnings."""

    images: tuple[KnownImage, ...] = ()
    compilers: tuple[EngineImage, ...] = ()
    files: tuple[Path, ...] = ()  # of the cache; folders stand for all that is in them
    kept: tuple[Kept, ...] = ()
    engine_bytes: int = 0  # about what the engine gets back
    cache_bytes: int = 0

    @property
    def is_empty(self) -> bool:
        return not (self.images or self.compilers or self.files)

    @property
    def on_engine(self) -> tuple[EngineImage, ...]:
        return (*(image.on_engine for image in self.images if image.on_engine is not None), *self.compilers)


@dataclass(frozen=True)
class Limit:
    """Nothing goes that was used at `before` (seconds since the epoch) or later; `unknown`: nor what nobody knows."""

    before: float
    unknown: bool = False


def plan(places: Places, client: DockerClient, limit: Limit) -> Plan:
    """What may go now. Raises ImageError where the engine fails."""
    found = inventory.take(places)
    in_use = _in_containers(client)
    alive = _alive(places.store, found)
    judged = [(image, _why_kept(image, limit, in_use, alive)) for image in found.images]
    images = tuple(image for image, why in judged if why is None and (image.on_engine or image.record))
    kept = [image for image, why in judged if why is not None]
    helpers = (*engine_images(client, PYTHON), *engine_images(client, BEGINNING))
    compilers = tuple(one for one in helpers if one.id not in in_use and _is_left(one, images, kept, limit))
    files = tuple(cache_files.unneeded(places.cache_dir, images, kept, limit.before))
    return Plan(
        images,
        compilers,
        files,
        tuple(Kept(image.reference, why) for image, why in judged if why),
        _engine_bytes(client, images, compilers),
        sum(map(cache_files.size, files)),
    )


def carry_out(shown: Plan, places: Places, client: DockerClient, limit: Limit) -> Plan:
    """Remove what was shown and may still go; returns what was removed. Raises CacheError while images are built."""
    with cache_lock.alone(places.cache_dir):
        now = _both(shown, plan(places, client, limit))
        gone = {one.reference for one in now.on_engine if _remove(client, one.reference)}
        for path in now.files:
            _delete(path)
    images = tuple(image for image in now.images if image.on_engine is None or image.reference in gone)
    return replace(now, images=images, compilers=tuple(one for one in now.compilers if one.reference in gone))


def _both(shown: Plan, now: Plan) -> Plan:
    """What is in both: nothing goes that was not shown."""
    references = {image.reference for image in shown.images} | {one.reference for one in shown.compilers}
    files = tuple(path for path in now.files if path in set(shown.files))
    return replace(
        now,
        images=tuple(image for image in now.images if image.reference in references),
        compilers=tuple(one for one in now.compilers if one.reference in references),
        files=files,
        cache_bytes=sum(map(cache_files.size, files)),
    )


def _why_kept(image: KnownImage, limit: Limit, in_use: Mapping[str, str], alive: set[str]) -> str | None:
    """Why an image stays; empty for the plain reason that it was used since, None if it may go."""
    if image.last_used is not None and image.last_used >= limit.before:
        return ""
    if image.last_used is None and not limit.unknown:
        return UNKNOWN  # whatever else could be said of it: it is nobody's concern here
    if image.reference in alive:
        return "a run that goes on uses it"
    engine = image.on_engine
    if engine is not None and engine.id in in_use:
        return f"the container `{in_use[engine.id]}` uses it"
    other = next((name for name in engine.names if not name.startswith("dockerflow/")), None) if engine else None
    if other is not None:
        return f"it is also named `{other}`"
    return None


def _in_containers(client: DockerClient) -> dict[str, str]:
    """A container's name by the ID of its image."""
    with explaining_engine("listing its containers"):
        listed = api(client).containers(all=True)
    return {one["ImageID"]: (one.get("Names") or [one["Id"]])[0].lstrip("/") for one in listed}


def _alive(store: Store, found: Inventory) -> set[str]:
    """The references of the images of runs whose scheduler lives."""
    uses = {(use.flow, use.run_id): set[str]() for image in found.images for use in image.uses}
    for image in found.images:
        for use in image.uses:
            uses[use.flow, use.run_id].add(image.reference)
    return {one for (flow, run_id), names in uses.items() if runs.is_alive(store, flow, run_id) for one in names}


def _is_left(one: EngineImage, going: Sequence[KnownImage], kept: Sequence[KnownImage], limit: Limit) -> bool:
    """Whether an image that helped to make others, and that no container holds, helps no more."""
    if one.reference.startswith(BEGINNING):
        return True
    return not _below(one, kept) and (limit.unknown or _below(one, going))


def _below(one: EngineImage, images: Sequence[KnownImage]) -> bool:
    return any(tuple(layer.diff_id for layer in image.layers)[: len(one.diff_ids)] == one.diff_ids for image in images)


def _engine_bytes(client: DockerClient, images: Sequence[KnownImage], compilers: Sequence[EngineImage]) -> int:
    ids = {image.on_engine.id for image in images if image.on_engine} | {one.id for one in compilers}
    others = diff_ids_of_others(client, ids)
    sizes = {layer.diff_id: layer.size for image in images if image.on_engine for layer in image.layers}
    return sum(size for diff_id, size in sizes.items() if diff_id not in others)


def _remove(client: DockerClient, reference: str) -> bool:
    """Whether it is gone. Without force: a container that has come to use it in the meantime keeps it."""
    with explaining_engine(f"removing image `{reference}`"):
        try:
            api(client).remove_image(reference)
        except docker.errors.NotFound:
            return True
        except docker.errors.APIError as error:
            if error.status_code != _CONFLICT:
                raise
            return False
    return True


def _delete(path: Path) -> None:
    with suppress(FileNotFoundError):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
