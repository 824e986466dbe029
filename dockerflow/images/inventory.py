"""Which step images there are, and what is known of each.

Three places know of images, and any of them may know of one that the others do not: the **engine** has it to run, the
**cache** remembers how it was built, and the **store** which runs used it. They are put together here by the image's
reference, which is made of all that went into it. What none of them knows is empty or None, never guessed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import field, replace
from functools import cached_property
from pathlib import Path

import docker.auth
import docker.errors
from docker import DockerClient

from dockerflow.environments.errors import LockFileError
from dockerflow.environments.lock import Lock
from dockerflow.environments.lock_file import loads
from dockerflow.images import build_record
from dockerflow.images.build_record import BuildRecord, RecordedLayer, RecordedPackage
from dockerflow.images.engine import api, explaining_engine
from dockerflow.images.oci import CREATED_BY, LOCK_LABEL
from dockerflow.images.saved import EngineImage
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.store import journal, runs
from dockerflow.store.base import Store
from dockerflow.store.errors import StoreError
from dockerflow.store.records import RunStarted, StepRecord

STEP = "dockerflow/step:"
PYTHON = "dockerflow/python:"


@dataclass(frozen=True)
class Use:
    """A step of a run that ran in an image."""

    flow: str
    run_id: str
    step: StepRecord
    time: float  # when the run began

    @property
    def pathspec(self) -> str:
        return f"{self.flow}/{self.run_id}/{self.step.name}"


@dataclass(frozen=True)
class KnownImage:
    """One step image. `uses` are newest first; `built_or_used` is the time of its record in the cache."""

    reference: str
    record: BuildRecord | None = None
    on_engine: EngineImage | None = None
    uses: tuple[Use, ...] = ()
    built_or_used: float | None = None
    on_engine_layers: tuple[RecordedLayer, ...] = ()  # looked for where there is no record
    lock: Lock | None = field(default=None, repr=False)  # the same

    @property
    def hex(self) -> str:
        """What is unique in the reference: 24 hex digits."""
        return self.reference.removeprefix(STEP)

    @property
    def identity(self) -> str:
        """Equal for the same image under two references: an older dockerflow may have made another of it."""
        return self.config_digest or (self.on_engine.id if self.on_engine else self.reference)

    @property
    def last_used(self) -> float | None:
        """Seconds since the epoch; None where neither the cache nor the store tells."""
        return max((one for one in (self.built_or_used, *(use.time for use in self.uses)) if one), default=None)

    @property
    def config_digest(self) -> str:
        if self.record is not None:
            return self.record.config_digest
        return next((use.step.config_digest for use in self.uses), "")

    @property
    def manifest_digest(self) -> str:
        if self.record is not None:
            return self.record.manifest_digest
        return next((use.step.manifest_digest for use in self.uses), "")

    @property
    def lock_hash(self) -> str:
        if self.record is not None:
            return self.record.parts.lock_hash
        return self.lock.lock_hash if self.lock else self.on_engine.lock_hash if self.on_engine else ""

    @property
    def platform(self) -> str:
        """The conda subdir that it is for."""
        of = self.record.parts if self.record else self.lock
        return of.platform if of else ""

    @cached_property
    def packages(self) -> tuple[RecordedPackage, ...]:
        if self.record is not None:
            return self.record.parts.packages
        return tuple(map(RecordedPackage.of, self.lock.packages)) if self.lock else ()

    @property
    def requested(self) -> tuple[RecordedPackage, ...]:
        """The packages that were asked for by name."""
        of = self.record.parts if self.record else self.lock
        return tuple(one for one in self.packages if of and one.name in of.requested and one.name != "python")

    @property
    def python(self) -> str:
        """The version of its Python; empty if it has none, or nobody knows."""
        return next((one.version for one in self.packages if one.name == "python"), "")

    @property
    def layers(self) -> tuple[RecordedLayer, ...]:
        """Bottom first; of an image that the cache does not know, as far as the engine tells."""
        if self.record is not None:
            return self.record.layers
        return self.on_engine_layers

    @property
    def size(self) -> int | None:
        if self.record is not None:
            return sum(layer.size for layer in self.record.layers)
        return self.on_engine.size if self.on_engine else None


@dataclass(frozen=True)
class Inventory:
    """All images, those used last first. `unreadable` names records that are there and cannot be read; `brought` are
    the steps whose image was their own (`@image`); `store` is where runs were looked for.
    """

    images: tuple[KnownImage, ...]
    unreadable: tuple[str, ...] = ()
    brought: tuple[Use, ...] = ()
    store: str = ""

    @cached_property
    def holders(self) -> Mapping[str, frozenset[str]]:
        """The images (by `identity`) that have a layer, by its diff_id."""
        found: dict[str, set[str]] = {}
        for image in self.images:
            for layer in image.layers:
                found.setdefault(layer.diff_id, set()).add(image.identity)
        return {diff_id: frozenset(identities) for diff_id, identities in found.items()}

    def sharing(self, image: KnownImage, layer: RecordedLayer) -> list[str]:
        """The references of the other images that have a layer of this one."""
        others = self.holders[layer.diff_id] - {image.identity}
        return sorted({one.identity: one.reference for one in self.images if one.identity in others}.values())

    def own_size(self, image: KnownImage) -> int | None:
        """The bytes that no other image has; None where its layers are not known."""
        if not image.layers:
            return None
        return sum(layer.size for layer in image.layers if len(self.holders[layer.diff_id]) == 1)


@dataclass(frozen=True)
class Places:
    """Where to look. `client` None: without the engine, which does not answer."""

    cache_dir: Path
    store: Store
    client: DockerClient | None


def take(places: Places) -> Inventory:
    """Look everywhere. Raises ImageError where the engine fails, StoreError for a store that cannot be read."""
    records = {record.reference: record for record in build_record.all_records(places.cache_dir)}
    engine = {one.reference: one for one in engine_images(places.client, STEP)} if places.client else {}
    uses, broken = uses_in(places.store)
    found = (
        KnownImage(
            reference,
            records.get(reference),
            engine.get(reference),
            uses.get(reference, ()),
            _record_time(places.cache_dir, records.get(reference)),
        )
        for reference in {*records, *engine, *_step_images(uses)}
    )
    newest = sorted((_completed(image, places) for image in found), key=lambda image: image.reference)
    newest.sort(key=lambda image: image.last_used or 0, reverse=True)
    brought = tuple(one for reference in set(uses) - _step_images(uses) for one in uses[reference])
    return Inventory(
        tuple(newest), (*_unreadable(places.cache_dir, records.values()), *broken), brought, places.store.name
    )


def _step_images(references: Iterable[str]) -> set[str]:
    return {one for one in references if one.startswith(STEP)}


def engine_images(client: DockerClient, prefix: str) -> list[EngineImage]:
    """The images of ours on an engine whose reference begins so."""
    with explaining_engine("listing its step images"):
        return [
            found
            for one in api(client).images(filters={"label": LOCK_LABEL})
            for name in one.get("RepoTags") or ()
            if _plain(name).startswith(prefix) and (found := _engine_image(client, one["Id"], name)) is not None
        ]


def _layers_told(client: DockerClient, image: EngineImage) -> tuple[RecordedLayer, ...]:
    """The layers as the engine's history of the image has them, with the sizes that it counts."""
    with explaining_engine(f"reading the history of `{image.reference}`"):
        try:
            history = api(client).history(image.id)
        except docker.errors.NotFound:  # removed in the meantime
            history = []
    told = [(str(one["CreatedBy"]), int(one["Size"])) for one in reversed(history)]
    ours = [(words.removeprefix(CREATED_BY), size) for words, size in told if words.startswith(CREATED_BY)]
    if len(ours) != len(image.diff_ids):
        return tuple(RecordedLayer(diff_id, 0, "") for diff_id in image.diff_ids)
    return tuple(RecordedLayer(diff_id, size, title) for diff_id, (title, size) in zip(image.diff_ids, ours))


def uses_in(store: Store) -> tuple[dict[str, tuple[Use, ...]], tuple[str, ...]]:
    """The uses of each image by its reference, newest first, images of users among them; and the journals that cannot
    be read.
    """
    found: dict[str, list[Use]] = {}
    broken: list[str] = []
    for flow in runs.flow_names(store):
        for run_id in runs.run_ids(store, flow):
            try:
                started = journal.first(store, flow, run_id)
            except StoreError:
                broken.append(runs.journal_key(flow, run_id))
                continue
            for use in _uses(started, flow, run_id):
                found.setdefault(use.step.image, []).append(use)
    ordered = {ref: tuple(sorted(uses, key=lambda use: use.time, reverse=True)) for ref, uses in found.items()}
    return ordered, tuple(broken)


def lock_of(store: Store, uses: Sequence[Use]) -> Lock | None:
    """The lock that runs kept of their image, if its blob is there and whole."""
    for sha256 in dict.fromkeys(use.step.lock for use in uses if use.step.lock):
        try:
            return loads(bytes(store.blobs.get(sha256)).decode(), f"blob {sha256}")
        except (StoreError, LockFileError, UnicodeDecodeError):
            continue
    return None


def _uses(started: object, flow: str, run_id: str) -> list[Use]:
    if not isinstance(started, RunStarted):
        return []
    return [Use(flow, run_id, step, started.time) for step in started.steps if step.image]


def _completed(image: KnownImage, places: Places) -> KnownImage:
    """What the engine and a run's lock say of an image that the cache does not know."""
    if image.record is not None:
        return image
    layers = _layers_told(places.client, image.on_engine) if places.client and image.on_engine else ()
    return replace(image, on_engine_layers=layers, lock=lock_of(places.store, image.uses))


def _engine_image(client: DockerClient, image_id: str, name: str) -> EngineImage | None:
    try:
        found = api(client).inspect_image(image_id)
    except docker.errors.NotFound:  # removed in the meantime
        return None
    return EngineImage(
        id=str(found["Id"]),
        reference=_plain(name),
        names=tuple(map(_plain, (*(found.get("RepoTags") or ()), *(found.get("RepoDigests") or ())))),
        size=int(found.get("Size") or 0),
        lock_hash=str((found.get("Config") or {}).get("Labels", {}).get(LOCK_LABEL, "")),
        architecture=str(found.get("Architecture", "")),
        diff_ids=tuple(found["RootFS"].get("Layers") or ()),
    )


def diff_ids_of_others(client: DockerClient, removed: Collection[str]) -> set[str]:
    """The layers of all images on the engine but those that are `removed` (by ID), ours or not."""
    with explaining_engine("asking which layers its images have"):
        ids = {one["Id"] for one in api(client).images()} - set(removed)
        return {layer for one in ids for layer in _diff_ids(client, one)}


def _diff_ids(client: DockerClient, image_id: str) -> list[str]:
    try:
        return api(client).inspect_image(image_id)["RootFS"].get("Layers") or []
    except docker.errors.NotFound:
        return []


def _plain(name: str) -> str:
    """Podman puts the host before the name of an image that it was given without one."""
    return name.removeprefix("localhost/").removeprefix(f"{docker.auth.INDEX_NAME}/")


def _record_time(cache_dir: Path, record: BuildRecord | None) -> float | None:
    return build_record.last_used(cache_dir, record.build_key) if record is not None else None


def _unreadable(cache_dir: Path, records: Iterable[BuildRecord]) -> list[str]:
    """Files that stand where records are and are none."""
    known = {record.build_key for record in records}
    there = sorted((cache_dir / build_record.FOLDER).glob("*.json"))
    return [str(path) for path in there if path.stem not in known]
