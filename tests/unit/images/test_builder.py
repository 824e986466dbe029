"""Images as values: built without an engine, upon a base whose layers are in the cache already."""

from __future__ import annotations

import io
import json
import os
import random
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from dockerflow.environments.lock import Lock
from dockerflow.images import skeleton
from dockerflow.images.base import BaseImage, base_layer_key
from dockerflow.images.builder import MAX_LAYERS, Built, ImageBuilder
from dockerflow.images.errors import ImageError, LayerDamaged, PackageError
from dockerflow.images.image import StepImage
from dockerflow.images.layer_cache import LayerCache
from dockerflow.images.load_archive import load_archive
from dockerflow.images.oci import digest
from dockerflow.images.tar import LayerWriter
from dockerflow.progress import Event, LayerReady
from tests.unit.images.made import File, Made, lock_of

FORMAT = "tar.bz2"  # its compression is the same everywhere, so the digests below are
PYTHON = Made("python", {"bin/python3.11": File(b"x", 0o755)}, version="3.11.4", format=FORMAT)
BIG = Made("big", {"lib/big": File(random.Random(0).randbytes(1_100_000))}, depends=("python",), format=FORMAT)
ONE = Made("one", {"lib/one": File(b"1")}, depends=("python",), format=FORMAT)
TWO = Made("two", {"site-packages/two.py": File(b"2")}, depends=("python", "one"), noarch="python", format=FORMAT)
ASKED = Made("asked", {"lib/asked": File(b"a")}, depends=("two", "big"), format=FORMAT)
ALL = [PYTHON, BIG, ONE, TWO, ASKED]

# Change only together with a RECIPE: the same lock must give the same image, for good.
GOLDEN_CONFIG = "sha256:011eb7b1fc02f647105c383cea571a639c1a202ba9354f7de5544ce061316c1f"
GOLDEN_MANIFEST = "sha256:5b18257795d880f6336a78881ef28ddddb89f6f933d666779d2e08758a81b7f5"


def base(cache_dir: Path, architecture: str = "amd64") -> BaseImage:
    def content(out: LayerWriter) -> None:
        out.directory("etc")
        out.close()

    cache = LayerCache(cache_dir)
    layer = cache.write("base", "base", content)
    cache.remember(base_layer_key(layer.diff_id), layer)
    return BaseImage("made", "sha256:0", (layer.diff_id,), architecture, "/usr/bin", cache, cast(Any, None))


def build(folder: Path, lock: Lock, notify: Any = lambda event: None) -> Built:
    return ImageBuilder(folder, base(folder)).build_counted(lock, notify, ("start",))


@pytest.fixture
def lock(tmp_path: Path) -> Lock:
    return lock_of(tmp_path / "channel", ALL, ("asked",))


def test_the_digests_of_an_image_never_drift(tmp_path: Path, lock: Lock) -> None:
    image = build(tmp_path / "cache", lock).image
    assert (image.config_digest, image.manifest_digest) == (GOLDEN_CONFIG, GOLDEN_MANIFEST)


def test_another_folder_an_empty_cache_and_other_threads_give_the_same_image(tmp_path: Path, lock: Lock) -> None:
    one = build(tmp_path / "one", lock).image
    builder = ImageBuilder(tmp_path / "other" / "deep", base(tmp_path / "other" / "deep"), workers=7)
    other = builder.build(lock)
    assert (one.config, one.manifest, one.reference) == (other.config, other.manifest, other.reference)


def test_the_same_packages_from_a_mirror_give_the_same_image(tmp_path: Path, lock: Lock) -> None:
    mirror = lock_of(tmp_path / "mirror" / "elsewhere", ALL, ("asked",))
    assert mirror != lock
    assert build(tmp_path / "a", mirror).image.config_digest == build(tmp_path / "b", lock).image.config_digest


def test_the_layers_lie_as_the_rule_says(tmp_path: Path, lock: Lock) -> None:
    events: list[Event] = []
    built = build(tmp_path, lock, events.append)
    titles = ["base", "dockerflow", "python 3.11.4", "big 1.0", "2 small packages", "asked 1.0"]
    assert [layer.title for layer in built.image.layers] == titles
    assert built.layers_built == 5
    told = [event for event in events if isinstance(event, LayerReady)]
    assert sorted(event.title for event in told) == sorted(titles[1:])
    assert {(event.layers, event.reused) for event in told} == {(5, False)}
    assert [event.number for event in told] == [1, 2, 3, 4, 5]


def test_a_second_build_reads_a_record_and_no_layer(tmp_path: Path, lock: Lock) -> None:
    first = build(tmp_path, lock)
    for layer in (tmp_path / "layers").iterdir():
        layer.unlink()
    again = ImageBuilder(tmp_path, replace(base(tmp_path))).build_counted(lock)
    assert again == Built(first.image, 0)


def test_a_changed_package_costs_its_layer_only(tmp_path: Path, lock: Lock) -> None:
    build(tmp_path / "cache", lock)
    changed = lock_of(tmp_path / "channel", [*ALL[:-1], replace(ASKED, version="2.0")], ("asked",))
    built = build(tmp_path / "cache", changed)
    assert built.layers_built == 1
    assert built.image.layers[-1].title == "asked 2.0"


def test_an_image_of_many_packages_stays_within_the_limit(tmp_path: Path) -> None:
    many = [Made(f"p{number:03}", {f"lib/{number}": File()}, format=FORMAT) for number in range(90)]
    names = tuple(made.name for made in many)
    assert len(build(tmp_path, lock_of(tmp_path, many, names)).image.layers) == MAX_LAYERS


def test_lost_layer_files_are_built_again_when_they_are_needed(tmp_path: Path, lock: Lock) -> None:
    image = build(tmp_path, lock).image
    before = {layer.path: layer.path.read_bytes() for layer in image.layers}
    for layer in image.layers[1:]:
        layer.path.unlink()
    ImageBuilder(tmp_path, base(tmp_path)).restore(lock, image.layers)
    assert {layer.path: layer.path.read_bytes() for layer in image.layers} == before


def test_a_lock_for_another_platform_than_the_base_is_refused(tmp_path: Path, lock: Lock) -> None:
    with pytest.raises(ImageError, match=r"for `linux-64`.*for arm64"):
        ImageBuilder(tmp_path, base(tmp_path, "arm64")).build(lock)


def test_a_package_without_a_hash_in_the_lock_is_refused(tmp_path: Path, lock: Lock) -> None:
    unnamed = replace(lock, packages=(replace(lock.packages[0], sha256=""), *lock.packages[1:]))
    with pytest.raises(PackageError, match="`asked` has no sha256 in the lock"):
        build(tmp_path, unnamed)


def test_a_file_of_one_package_that_is_a_folder_of_another_is_refused(tmp_path: Path) -> None:
    packages = [Made("a", {"lib": File()}), Made("b", {"lib/x": File()})]
    with pytest.raises(PackageError, match="`a` and `b` clash: `lib`"):
        build(tmp_path, lock_of(tmp_path, packages))


def test_a_package_that_does_not_match_its_lock_stops_the_build_and_leaves_no_record(
    tmp_path: Path, lock: Lock
) -> None:
    Path(lock.packages[0].url.removeprefix("file://")).write_bytes(b"tampered")
    with pytest.raises(PackageError, match="is not the one in the lock"):
        build(tmp_path / "cache", lock)
    assert not (tmp_path / "cache" / "images").exists()


def test_an_archive_that_is_written_anew_after_it_was_verified_stops_the_build(tmp_path: Path, lock: Lock) -> None:
    """What is kept under the locked hash is never held against it again."""
    written: list[str] = []

    def write_anew(event: Event) -> None:
        if isinstance(event, LayerReady) and event.title != skeleton.TITLE and not written:
            written.append(event.title)
            for made in ALL:
                made.write(tmp_path / "channel")

    cache = tmp_path / "cache"
    with pytest.raises(PackageError, match="was changed while it was read"):
        ImageBuilder(cache, base(cache), workers=1).build(lock, write_anew)


def test_a_full_disk_is_named_and_leaves_nothing_half_written(tmp_path: Path, lock: Lock) -> None:
    """On a real file system that is full: the smallest that the kernel makes."""
    small = tmp_path / "small"
    small.mkdir()
    if os.geteuid() != 0 or os.system(f"mount -t tmpfs -o size=512k tmpfs {small}") != 0:
        pytest.skip("only root can mount a small disk")
    try:
        with pytest.raises(ImageError, match=r"no space left on the disk of") as full:
            build(small, lock)
        assert full.value.hint
        assert [path.name for path in small.rglob(".new-*")] == []
        for path in (small / "layers").iterdir():
            assert digest(path.read_bytes()) == f"sha256:{path.stem}"
    finally:
        os.system(f"umount {small}")


def entries(image: StepImage, blocks: Any) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(b"".join(blocks))) as tar:
        return {member.name: cast(Any, tar.extractfile(member)).read() for member in tar}


def test_the_load_archive_is_an_oci_layout_and_a_docker_archive(tmp_path: Path, lock: Lock) -> None:
    image = build(tmp_path, lock).image
    found = entries(image, load_archive(image, image.layers))
    for name, data in found.items():
        if name.startswith("blobs/"):
            assert digest(data) == name.removeprefix("blobs/").replace("/", ":")
    index = json.loads(found["index.json"])
    manifest = json.loads(found["blobs/" + index["manifests"][0]["digest"].replace(":", "/")])
    config = json.loads(found["blobs/" + manifest["config"]["digest"].replace(":", "/")])
    assert [one["digest"] for one in manifest["layers"]] == config["rootfs"]["diff_ids"]
    assert all(len(found["blobs/" + one["digest"].replace(":", "/")]) == one["size"] for one in manifest["layers"])
    (docker,) = json.loads(found["manifest.json"])
    assert docker["RepoTags"] == [image.reference]
    assert [path in found for path in docker["Layers"]] == [True] * len(image.layers)
    assert len(config["history"]) == len(image.layers)


def test_a_partial_archive_has_only_what_was_asked_for(tmp_path: Path, lock: Lock) -> None:
    image = build(tmp_path, lock).image
    sent: list[int] = []
    found = entries(image, load_archive(image, image.layers[-2:], sent.append))
    assert sum(name.startswith("blobs/") for name in found) == 2 + 2
    assert sum(sent) == sum(layer.size for layer in image.layers[-2:])
    assert json.loads(found["manifest.json"])[0]["Layers"][0] not in found


def test_a_damaged_layer_never_becomes_a_whole_archive(tmp_path: Path, lock: Lock) -> None:
    image = build(tmp_path, lock).image
    path = image.layers[-1].path
    path.write_bytes(b"\1" * path.stat().st_size)
    with pytest.raises(LayerDamaged, match=r"asked 1\.0"):
        b"".join(load_archive(image, image.layers))


OLD_FACTS = '{"noarch_python": false, "python": null, "size": 5}'  # of the first version, without the files


@pytest.mark.parametrize("text", ["{}", "[]", "null", "", '{"layers": [[1, 2, 3]]}', '{"layers": 1}', OLD_FACTS])
@pytest.mark.parametrize("kind", ["facts", "images", "keys"])
def test_a_record_of_another_form_counts_as_absent(tmp_path: Path, lock: Lock, kind: str, text: str) -> None:
    first = build(tmp_path, lock)
    for record in (tmp_path / kind).iterdir():
        record.chmod(0o644)
        record.write_text(text)
    for record in (tmp_path / "images").iterdir() if kind == "facts" else ():
        record.unlink()
    assert build(tmp_path, lock).image == first.image


def test_what_older_versions_kept_of_packages_is_left_alone(tmp_path: Path, lock: Lock) -> None:
    """Facts without the packages' files ended every build that found them."""
    (tmp_path / "facts").mkdir()
    for package in lock.packages:
        (tmp_path / "facts" / f"{package.sha256}.1.json").write_text(OLD_FACTS)
    assert build(tmp_path, lock).layers_built == 5
