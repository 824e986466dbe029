"""Caches with images and stores with runs that used them, made by the product itself, without an engine."""

from __future__ import annotations

from pathlib import Path

from dockerflow.environments.lock import Lock
from dockerflow.environments.lock_file import dumps
from dockerflow.images import inventory
from dockerflow.images.image import StepImage
from dockerflow.images.inventory import Inventory, Places
from dockerflow.store import runs
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.journal import JournalWriter
from dockerflow.store.records import RunStarted, StepRecord
from tests.unit.images.made import lock_of
from tests.unit.images.test_builder import ALL, BIG, ONE, PYTHON, build


def big_lock(folder: Path) -> Lock:
    return lock_of(folder / "channel", ALL, ("asked",))


def small_lock(folder: Path) -> Lock:
    return lock_of(folder / "channel", [PYTHON, BIG, ONE], ("one",))


def built(cache: Path, lock: Lock) -> StepImage:
    return build(cache, lock).image


def write_run(store: DirectoryStore, flow: str, steps: dict[str, tuple[StepImage, Lock]], time: float) -> str:
    """A run that has begun: each step with its image and its lock, as `scheduler.prepare` records them."""
    records = tuple(
        StepRecord(
            name,
            (),
            image=image.reference,
            config_digest=image.config_digest,
            manifest_digest=image.manifest_digest,
            lock=store.blobs.put([dumps(lock).encode()]),
        )
        for name, (image, lock) in steps.items()
    )
    return write_steps(store, flow, records, time)


def write_steps(store: DirectoryStore, flow: str, steps: tuple[StepRecord, ...], time: float = 1e9) -> str:
    """A run that has begun, with these steps."""
    run_id = runs.new_run_id(store, flow, lambda: time)
    journal = JournalWriter(store, flow, run_id)
    journal.append(RunStarted(time, flow, run_id, "ada", "", "", steps))
    journal.close()
    return run_id


def taken(cache: Path, store: Path) -> Inventory:
    return inventory.take(Places(cache, DirectoryStore(store), None))
