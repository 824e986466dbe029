"""An image that only an engine has is had back whole, on every engine, and what was used goes by the rules there."""

from __future__ import annotations

import uuid
from dataclasses import replace
from pathlib import Path

from dockerflow.images import inventory, naming, prune
from dockerflow.images.base import base_image
from dockerflow.images.builder import BEGINNING, ImageBuilder
from dockerflow.images.image import StepImage
from dockerflow.images.inventory import Places
from dockerflow.images.layer_cache import is_complete
from dockerflow.images.load import Sending, ensure, give
from dockerflow.images.prune import Limit
from dockerflow.images.retrieve import Retrieval
from dockerflow.store.directory import DirectoryStore
from tests.conftest import BASE_IMAGE
from tests.engines.daemons import Engine
from tests.unit.images.made import File, Made, lock_of


def on_engine(engine: Engine, folder: Path) -> StepImage:
    made = Made("ours", {"lib/ours": File(uuid.uuid4().bytes)})
    base = base_image(engine.client, BASE_IMAGE, folder / "cache")
    image = ImageBuilder(folder / "cache", base).build(lock_of(folder / "channel", [made], ("ours",)))
    ensure(engine.client, image)
    return image


def test_an_image_is_had_back_from_any_engine_with_the_same_two_digests(engine: Engine, tmp_path: Path) -> None:
    image = on_engine(engine, tmp_path)
    places = Places(tmp_path / "empty", DirectoryStore(tmp_path / "store"), engine.client)
    known = naming.find(inventory.take(places), image.reference)
    assert [layer.title for layer in known.layers] == [layer.title for layer in image.layers]
    retrieval = Retrieval(known, places, BASE_IMAGE)
    back = retrieval.image()
    assert (back.config, back.manifest) == (image.config, image.manifest)
    assert all(map(is_complete, back.layers))
    lost = back.layers[-1]
    lost.path.unlink()
    retrieval.restore(back.layers)
    assert is_complete(lost)


def test_an_unused_image_is_removed_from_any_engine(engine: Engine, tmp_path: Path) -> None:
    image = on_engine(engine, tmp_path)
    places = Places(tmp_path / "cache", DirectoryStore(tmp_path / "store"), engine.client)
    limit = Limit(before=4_000_000_000.0)
    container = engine.client.api.create_container(image.reference, ["true"])
    shown = prune.plan(places, engine.client, limit)
    assert (shown.images, shown.files) == ((), ())
    engine.client.api.remove_container(container)
    shown = prune.plan(places, engine.client, limit)
    assert [one.reference for one in shown.images] == [image.reference]
    assert shown.engine_bytes > 0
    removed = prune.carry_out(shown, places, engine.client, limit)
    assert [one.reference for one in removed.images] == [image.reference]
    assert image.reference not in [one.reference for one in inventory.take(places).images]
    assert not any(layer.path.exists() for layer in image.layers)


def test_what_a_killed_build_left_on_any_engine_is_removed(engine: Engine, tmp_path: Path) -> None:
    made = Made("ours", {"lib/ours": File(uuid.uuid4().bytes)})
    lock = lock_of(tmp_path / "channel", [made], ("ours",))
    builder = ImageBuilder(tmp_path / "cache", base_image(engine.client, BASE_IMAGE, tmp_path / "cache"))
    beginning = builder.beginning(lock, builder.build(lock).layers)
    give(Sending(engine.client, beginning))
    places = Places(tmp_path / "cache", DirectoryStore(tmp_path / "store"), engine.client)
    limit = Limit(before=0)
    container = engine.client.api.create_container(beginning.reference, ["true"])
    shown = prune.plan(places, engine.client, limit)
    assert beginning.reference not in [one.reference for one in shown.compilers]
    engine.client.api.remove_container(container)
    shown = prune.plan(places, engine.client, limit)
    assert (shown.images, shown.files) == ((), ())
    ours = tuple(one for one in shown.compilers if one.reference == beginning.reference)
    assert len(ours) == 1
    removed = prune.carry_out(replace(shown, compilers=ours), places, engine.client, limit)
    assert removed.compilers == ours
    assert beginning.reference not in [one.reference for one in inventory.engine_images(engine.client, BEGINNING)]
