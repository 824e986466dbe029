"""What cache and store tell of images is put together; what neither tells is empty."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dockerflow.client.errors import InvalidPathspec, NotFound
from dockerflow.images import build_record, naming
from dockerflow.images.errors import IncompleteImage
from dockerflow.images.inventory import Inventory, KnownImage
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.records import StepRecord
from dockerflow.store.runs import journal_key
from tests.unit.images.known import big_lock, built, small_lock, taken, write_run, write_steps

LONG_AGO = 1_600_000_000.0


def test_without_cache_and_store_there_are_no_images(tmp_path: Path) -> None:
    found = taken(tmp_path / "no-cache", tmp_path / "no-store")
    assert (found.images, found.unreadable) == ((), ())


def test_an_image_of_the_cache_tells_what_it_was_made_from(tmp_path: Path) -> None:
    image = built(tmp_path / "cache", big_lock(tmp_path))
    (known,) = taken(tmp_path / "cache", tmp_path / "store").images
    assert (known.reference, known.manifest_digest) == (image.reference, image.manifest_digest)
    assert [one.name for one in known.requested] == ["asked"]
    assert known.python == "3.11.4"
    assert known.size == sum(layer.size for layer in image.layers)
    assert known.uses == ()


def test_an_image_that_only_the_store_knows_has_its_packages_from_the_lock_of_the_run(tmp_path: Path) -> None:
    image, lock = built(tmp_path / "elsewhere", big_lock(tmp_path)), big_lock(tmp_path)
    run_id = write_run(DirectoryStore(tmp_path / "store"), "Films", {"start": (image, lock)}, LONG_AGO)
    (known,) = taken(tmp_path / "cache", tmp_path / "store").images
    assert known.config_digest == image.config_digest
    assert [one.name for one in known.packages] == [one.name for one in lock.packages]
    assert [use.pathspec for use in known.uses] == [f"Films/{run_id}/start"]
    assert (known.last_used, known.size, known.layers) == (LONG_AGO, None, ())


def test_a_layer_is_own_that_no_other_image_has(tmp_path: Path) -> None:
    big, small = built(tmp_path, big_lock(tmp_path)), built(tmp_path, small_lock(tmp_path))
    found = taken(tmp_path, tmp_path / "store")
    theirs = {layer.diff_id for layer in small.layers}
    own = [layer for layer in big.layers if layer.diff_id not in theirs]
    known = naming.find(found, big.reference)
    assert found.own_size(known) == sum(layer.size for layer in own)
    shared = {layer.title: found.sharing(known, layer) for layer in known.layers}
    assert shared["python 3.11.4"] == [small.reference]
    assert shared["asked 1.0"] == []


def test_the_image_used_last_comes_first(tmp_path: Path) -> None:
    images = [built(tmp_path, lock) for lock in (big_lock(tmp_path), small_lock(tmp_path))]
    for number, record in enumerate(build_record.all_records(tmp_path)):
        os.utime(build_record.path_of(tmp_path, record.build_key), (LONG_AGO + number, LONG_AGO + number))
        newest = record.reference
    assert taken(tmp_path, tmp_path / "store").images[0].reference == newest
    older = next(image for image in images if image.reference != newest)
    write_run(DirectoryStore(tmp_path / "store"), "Films", {"start": (older, big_lock(tmp_path))}, LONG_AGO + 50)
    assert [one.reference for one in taken(tmp_path, tmp_path / "store").images] == [older.reference, newest]


def test_records_and_journals_that_cannot_be_read_are_named_and_hide_nothing(tmp_path: Path) -> None:
    image, lock = built(tmp_path, big_lock(tmp_path)), big_lock(tmp_path)
    (tmp_path / "images" / "damaged.json").write_text("{")
    store = DirectoryStore(tmp_path / "store")
    run_id = write_run(store, "Films", {"start": (image, lock)}, LONG_AGO)
    segment = store.root / store.keys(journal_key("Films", run_id))[0]
    segment.chmod(0o644)
    segment.write_text("no record\n")
    found = taken(tmp_path, tmp_path / "store")
    assert [one.reference for one in found.images] == [image.reference]
    assert found.unreadable == (str(tmp_path / "images" / "damaged.json"), journal_key("Films", run_id))


# ---- which image is meant


def test_an_image_is_found_by_reference_by_first_digits_and_by_either_digest(tmp_path: Path) -> None:
    image = built(tmp_path, big_lock(tmp_path))
    built(tmp_path, small_lock(tmp_path))
    found = taken(tmp_path, tmp_path / "store")
    digits = image.reference.rpartition(":")[2]
    for word in (image.reference, digits, digits[:12], image.config_digest, image.manifest_digest[:30]):
        assert naming.find(found, word).reference == image.reference


def test_a_step_of_a_run_names_its_image(tmp_path: Path) -> None:
    big, small = big_lock(tmp_path), small_lock(tmp_path)
    steps = {"start": (built(tmp_path, big), big), "end": (built(tmp_path, small), small)}
    run_id = write_run(DirectoryStore(tmp_path / "store"), "Films", steps, LONG_AGO)
    found = taken(tmp_path, tmp_path / "store")
    for step, (image, _) in steps.items():
        assert naming.find(found, f"Films/{run_id}/{step}").reference == image.reference
    with pytest.raises(InvalidPathspec, match="has 2 images") as several:
        naming.find(found, f"Films/{run_id}")
    assert str(several.value.hint) == f"name a step: `Films/{run_id}/end`, `Films/{run_id}/start`"
    for wrong in (f"Films/{run_id}/stat", "Films/1/start", f"Film/{run_id}/start"):
        with pytest.raises(NotFound):
            naming.find(found, wrong)
    with pytest.raises(InvalidPathspec):
        naming.find(found, "Films/1/start/2/3")


def test_of_an_image_that_a_step_brought_along_its_name_and_digest_are_told(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    run_id = write_steps(store, "Films", (StepRecord("start", (), image="team/tools:1", config_digest="sha256:0a"),))
    for word in (f"Films/{run_id}/start", f"Films/{run_id}"):
        with pytest.raises(IncompleteImage) as own:
            naming.find(taken(tmp_path, tmp_path), word)
        assert own.value.message.startswith(
            f"step `start` of run `Films/{run_id}` brought its own image `team/tools:1` (sha256:0a),"
        )
    assert taken(tmp_path, tmp_path).images == ()


def test_what_is_no_image_of_ours_is_told_with_the_store_that_was_looked_in(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    write_steps(store, "Films", (StepRecord("start", (), image="team/tools:1", config_digest="sha256:0a"),))
    found = taken(tmp_path, tmp_path)
    with pytest.raises(NotFound, match="`team/tools:1` is no image that dockerflow made"):
        naming.find(found, "team/tools:1")
    with pytest.raises(NotFound) as unknown:
        naming.find(found, "Prices/1/start")
    assert unknown.value.message == f"there is no flow `Prices` in the runs of the store `{tmp_path}`"
    assert unknown.value.hint == "there is `Films`; `--store` names another store"
    with pytest.raises(NotFound, match=f"there is no run `1` in flow `Films` in the store `{tmp_path}`"):
        naming.find(found, "Films/1/start")


def test_a_run_whose_steps_share_an_image_names_it(tmp_path: Path) -> None:
    lock = big_lock(tmp_path)
    image = built(tmp_path, lock)
    steps = {"start": (image, lock), "end": (image, lock)}
    run_id = write_run(DirectoryStore(tmp_path / "s"), "Films", steps, LONG_AGO)
    assert naming.find(taken(tmp_path, tmp_path / "s"), f"Films/{run_id}").reference == image.reference


def test_digits_with_which_several_images_begin_are_refused_with_those_images() -> None:
    found = Inventory(tuple(KnownImage(f"dockerflow/step:{digits:0<24}") for digits in ("abc1", "abc2", "d")))
    with pytest.raises(InvalidPathspec) as several:
        naming.find(found, "abc")
    assert several.value.message == "`abc` may be any of `abc100000000000000000000`, `abc200000000000000000000`"
    assert several.value.hint == "write more of its digits; `dockerflow images list` shows all"


def test_an_image_that_nobody_knows_is_told_with_what_is_near_and_how_to_list() -> None:
    found = Inventory((KnownImage("dockerflow/step:abc100000000000000000000"),))
    with pytest.raises(NotFound) as unknown:
        naming.find(found, "abc10000000000000000000f")
    assert unknown.value.hint == "did you mean `abc100000000000000000000`? `dockerflow images list` shows all"
    with pytest.raises(NotFound) as empty:
        naming.find(Inventory(()), "abc")
    assert empty.value.hint == "run a flow first, which builds images"
