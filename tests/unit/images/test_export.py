"""A file with an image is complete or not there, and the same image is the same bytes."""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from dockerflow.images.errors import ExportError, IncompleteImage, LayerDamaged
from dockerflow.images.export import export
from dockerflow.images.image import Layer, StepImage
from dockerflow.images.inventory import Places
from dockerflow.images.layer_cache import LayerCache, is_complete
from dockerflow.images.retrieve import Retrieval, of_record
from dockerflow.store.directory import DirectoryStore
from tests.unit.images.known import big_lock, built, taken
from tests.unit.images.test_builder import build


@pytest.fixture
def image(tmp_path: Path) -> StepImage:
    return built(tmp_path / "cache", big_lock(tmp_path))


def nothing_to_restore(wanted: Sequence[Layer]) -> None:
    assert all(map(is_complete, wanted))


def test_the_archive_is_an_oci_layout_with_every_blob_under_its_own_hash(tmp_path: Path, image: StepImage) -> None:
    size = export(image, tmp_path / "image.tar", nothing_to_restore)
    assert size == (tmp_path / "image.tar").stat().st_size
    with tarfile.open(tmp_path / "image.tar") as tar:
        files = {one.name: tar.extractfile(one).read() for one in tar}  # type: ignore[union-attr]
    blobs = {name.rpartition("/")[2]: data for name, data in files.items() if name.startswith("blobs/")}
    assert all(hashlib.sha256(data).hexdigest() == name for name, data in blobs.items())
    (described,) = json.loads(files["index.json"])["manifests"]
    assert described["digest"] == image.manifest_digest
    manifest = json.loads(blobs[image.manifest_digest.removeprefix("sha256:")])
    named = [one["digest"].removeprefix("sha256:") for one in (manifest["config"], *manifest["layers"])]
    assert set(named) | {image.manifest_digest.removeprefix("sha256:")} == blobs.keys()


def test_two_exports_are_the_same_bytes(tmp_path: Path, image: StepImage) -> None:
    other = built(tmp_path / "elsewhere", big_lock(tmp_path))
    for number, one in enumerate((image, other)):
        export(one, tmp_path / f"{number}.tar", nothing_to_restore)
    assert (tmp_path / "0.tar").read_bytes() == (tmp_path / "1.tar").read_bytes()


def test_a_file_that_is_there_stays_unless_it_may_be_replaced(tmp_path: Path, image: StepImage) -> None:
    file = tmp_path / "image.tar"
    file.write_text("mine")
    with pytest.raises(ExportError, match="is there already"):
        export(image, file, nothing_to_restore)
    assert file.read_text() == "mine"
    export(image, file, nothing_to_restore, force=True)
    assert tarfile.is_tarfile(file)


def test_an_export_that_is_interrupted_leaves_nothing(tmp_path: Path, image: StepImage) -> None:
    def interrupt(size: int) -> None:
        raise KeyboardInterrupt

    folder = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        export(image, folder / "image.tar", nothing_to_restore, told=interrupt)
    assert list(folder.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, image: StepImage) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ExportError, match="cannot be written"):
        export(image, tmp_path / "file" / "image.tar", nothing_to_restore)


def test_a_layer_that_is_damaged_is_restored_and_the_archive_is_as_it_would_have_been(
    tmp_path: Path, image: StepImage
) -> None:
    export(image, tmp_path / "whole.tar", nothing_to_restore)
    damaged = image.layers[-1].path
    damaged.chmod(0o644)
    damaged.write_bytes(bytes(damaged.stat().st_size))

    def restore(wanted: Sequence[Layer]) -> None:
        if not all(map(is_complete, wanted)):
            (tmp_path / "cache" / "images").rename(tmp_path / "forgotten")
            build(tmp_path / "cache", big_lock(tmp_path))

    export(image, tmp_path / "again.tar", restore)
    assert (tmp_path / "again.tar").read_bytes() == (tmp_path / "whole.tar").read_bytes()


def test_a_layer_that_stays_damaged_ends_the_export(tmp_path: Path, image: StepImage) -> None:
    image.layers[-1].path.unlink()
    with pytest.raises(LayerDamaged):
        export(image, tmp_path / "image.tar", lambda wanted: None)
    assert not (tmp_path / "image.tar").exists()


def test_an_image_is_had_back_from_its_record_and_says_what_is_lost(tmp_path: Path, image: StepImage) -> None:
    (known,) = taken(tmp_path / "cache", tmp_path / "store").images
    places = Places(tmp_path / "cache", DirectoryStore(tmp_path / "store"), None)
    retrieval = Retrieval(known, places, "made")
    assert retrieval.image().manifest == image.manifest
    retrieval.restore(image.layers)
    image.layers[2].path.unlink()
    with pytest.raises(IncompleteImage, match=r"its layer `python 3\.11\.4` is not in the cache any more"):
        retrieval.restore(image.layers)


def test_a_record_of_another_recipe_is_not_taken_for_todays_image(tmp_path: Path, image: StepImage) -> None:
    (known,) = taken(tmp_path / "cache", tmp_path / "store").images
    assert known.record is not None
    with pytest.raises(IncompleteImage, match="of an older dockerflow"):
        of_record(replace(known.record, manifest_digest="sha256:0"), LayerCache(tmp_path / "cache"))
