"""All that we do with images, on every engine: what it is sent, what it then has, and that it can run it.

The engines differ in what they call an image and in which layers they can reuse (see `images.load`). Each test makes
images of its own, so that what other tests left on an engine makes no difference.
"""

from __future__ import annotations

import json
import socket
import threading
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import docker
import docker.errors
import pytest

from dockerflow.environments.lock import Lock
from dockerflow.environments.solver import solve
from dockerflow.environments.spec import EnvironmentSpec
from dockerflow.images import load
from dockerflow.images.base import base_image
from dockerflow.images.builder import ImageBuilder
from dockerflow.images.errors import BaseImageError, DiskFullError, LoadError
from dockerflow.images.image import Layer, StepImage
from dockerflow.images.layer_cache import LayerCache
from dockerflow.images.load import Sent, ensure, is_present
from dockerflow.images.load_archive import load_archive
from dockerflow.images.provide import ImageProvider
from dockerflow.progress import ImageReady, ignore
from dockerflow.setup.channel import LocalChannel
from tests.channel import PYTHON
from tests.conftest import BASE_IMAGE
from tests.containers import AS_A_STEP, printed
from tests.engines.daemons import KINDS, Engine, running
from tests.engines.fixtures import bring
from tests.unit.images.made import File, Made, lock_of

KIB = 1024
Build = Callable[..., StepImage]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all engines: what is built does not depend on them."""
    return tmp_path_factory.mktemp("images")


@pytest.fixture
def build(engine: Engine, cache: Path, tmp_path: Path) -> Build:
    return builder(engine.client, cache, tmp_path)


def builder(client: docker.DockerClient, cache: Path, folder: Path) -> Build:
    """Builds an image with a layer for each named package, in the order of their names, which are this test's alone."""
    own = uuid.uuid4().hex[:8]

    def build(*names: str, size: int = 300 * KIB) -> StepImage:
        packages = [Made(f"{name}-{own}", {f"lib/{name}": File(name.encode() * size)}) for name in names]
        lock = lock_of(folder / "channel", packages, tuple(one.name for one in packages))
        return ImageBuilder(cache, base_image(client, BASE_IMAGE, cache)).build(lock)

    return build


def test_the_engine_calls_an_image_by_one_of_its_two_digests(engine: Engine, build: Build) -> None:
    image = build("a")
    sent = ensure(engine.client, image)
    found = engine.client.images.get(image.reference)
    assert sent.layers > 0
    assert found.id == (image.config_digest if engine.kind.names_by == "config" else image.manifest_digest)
    assert found.attrs["RootFS"]["Layers"] == [layer.diff_id for layer in image.layers]


def test_an_image_that_is_there_is_not_sent(engine: Engine, build: Build) -> None:
    image = build("a")
    ensure(engine.client, image)
    assert ensure(engine.client, image) == Sent(0, 0)


def test_a_complete_image_needs_nothing_that_the_engine_has(engine: Engine, build: Build) -> None:
    image = build("a", "b")
    sent = load.load_layers(sending(engine, image), image.layers)
    assert sent == Sent(len(image.layers), sum(layer.size for layer in image.layers))
    assert listed(engine, image) == ["a", "b"]


def test_only_what_the_engine_cannot_reuse_is_sent(engine: Engine, build: Build) -> None:
    """The classic store reuses the layers up to the first that is another; the others whatever they have."""
    first, second = build("a", "c", "d"), build("a", "b", "c", "d")
    ensure(engine.client, first)
    changed = [layer for layer in second.layers if layer not in first.layers]
    after = list(second.layers[second.layers.index(changed[0]) :])
    assert [title(layer) for layer in changed] == ["b"]
    assert [title(layer) for layer in after] == ["b", "c", "d"]
    wanted = changed if engine.kind.keeps_layers_apart else after
    assert ensure(engine.client, second) == Sent(len(wanted), sum(layer.size for layer in wanted))
    assert listed(engine, second) == ["a", "b", "c", "d"]


def test_of_two_images_that_share_layers_one_outlives_the_other(
    engine: Engine,
    build: Build,
    tmp_path: Path,
) -> None:
    first, second = build("a", "b"), build("a", "b", "c")
    ensure(engine.client, first)
    ensure(engine.client, second)
    remove(engine, first)
    assert not is_present(engine.client, first)
    assert is_present(engine.client, second)
    assert listed(engine, second) == ["a", "b", "c"]
    assert saved_layers(engine, second, tmp_path) == {layer.diff_id for layer in second.layers}


def test_an_image_that_was_removed_is_sent_again(engine: Engine, build: Build) -> None:
    image = build("a", "b")
    ensure(engine.client, image)
    remove(engine, image)
    assert ensure(engine.client, image).layers > 0
    assert listed(engine, image) == ["a", "b"]


def test_another_image_of_the_same_name_is_replaced(engine: Engine, build: Build) -> None:
    image = build("a")
    engine.client.images.get(BASE_IMAGE).tag(*image.reference.split(":"))
    assert not is_present(engine.client, image)
    ensure(engine.client, image)
    assert listed(engine, image) == ["a"]
    assert engine.client.images.get(BASE_IMAGE).id != engine.client.images.get(image.reference).id


def test_an_image_under_another_name_only_gets_its_name_back(engine: Engine, build: Build) -> None:
    image = build("a")
    ensure(engine.client, image)
    engine.client.images.get(image.reference).tag("dockerflow-test/other", image.reference.split(":")[1])
    remove(engine, image)
    assert ensure(engine.client, image) == Sent(0, 0)
    assert listed(engine, image) == ["a"]


def test_a_load_that_lacks_what_the_engine_lacks_leaves_no_name_and_the_complete_one_mends_it(
    engine: Engine,
    build: Build,
) -> None:
    image = build("a", "b")
    with pytest.raises(LoadError, match=image.reference):
        load.load_layers(sending(engine, image), image.layers[-1:])
    assert not has_name(engine, image)
    ensure(engine.client, image)
    assert listed(engine, image) == ["a", "b"]


def test_a_name_that_cannot_start_is_not_taken_for_the_image(engine: Engine, build: Build) -> None:
    """Left by somebody who was killed: the containerd store has then the right name for the right ID."""
    image, other = build("a", "b"), build("a", "b", "c")
    archive = b"".join(load_archive(image, image.layers[-1:]))
    with suppress(docker.errors.DockerException):
        engine.client.images.load(archive)
    assert not is_present(engine.client, image)
    ensure(engine.client, other)  # of the other's layers nothing can be reused
    assert listed(engine, other) == ["a", "b", "c"]
    ensure(engine.client, image)
    assert listed(engine, image) == ["a", "b"]


def test_what_the_engine_loses_while_it_is_sent_the_rest_is_sent_after_all(engine: Engine, build: Build) -> None:
    """The image that has the layers goes between asking for them and sending the others."""
    first, second = build("a", "b"), build("a", "b", "c")
    ensure(engine.client, first)

    def lose(layers: Sequence[Layer]) -> None:
        if has_name(engine, first):
            assert [title(layer) for layer in layers] == ["c"]
            remove(engine, first)

    sent = ensure(engine.client, second, restore=lose)
    assert sent == Sent(len(second.layers), sum(layer.size for layer in second.layers))
    assert listed(engine, second) == ["a", "b", "c"]


def test_an_interrupted_load_leaves_nothing_and_the_next_one_works(engine: Engine, build: Build) -> None:
    image = build("a", "b", size=4 * 1024 * KIB)
    archive = b"".join(load_archive(image, image.layers))
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(engine.url.removeprefix("unix://"))
        head = ("POST /images/load HTTP/1.1", "Host: x", f"Content-Length: {len(archive)}", "", "")
        connection.sendall("\r\n".join(head).encode() + archive[: len(archive) * 3 // 4])
    assert not is_present(engine.client, image)
    ensure(engine.client, image)
    assert listed(engine, image) == ["a", "b"]


def test_two_loads_at_the_same_time_do_not_disturb_each_other(engine: Engine, build: Build) -> None:
    same, one, other = build("a"), build("a", "b"), build("a", "c")
    failed: list[BaseException] = []

    def provide(image: StepImage) -> None:
        try:
            ensure(engine.client, image)
        except BaseException as error:  # noqa: BLE001 - it is looked at below
            failed.append(error)

    threads = [threading.Thread(target=provide, args=(image,)) for image in (same, same, one, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert [listed(engine, image) for image in (same, one, other)] == [["a"], ["a", "b"], ["a", "c"]]


def test_what_an_engine_refuses_is_an_error_that_names_the_image(engine: Engine, build: Build) -> None:
    image = build("a")
    broken = StepImage(
        **{
            **vars(image),
            "reference": "dockerflow/step:broken",
            "config": b"{}",
            "config_digest": "sha256:" + "0" * 64,
            "manifest_digest": "sha256:" + "1" * 64,
        }
    )
    with pytest.raises(LoadError, match="dockerflow/step:broken"):
        ensure(engine.client, broken)
    assert not is_present(engine.client, broken)


def test_a_base_is_the_same_on_every_engine(engine: Engine, cache: Path, tmp_path: Path) -> None:
    """Its layers can be had from the engine, whatever form it saves them in."""
    base = base_image(engine.client, BASE_IMAGE, tmp_path)
    layers = base.layers()
    base.restore_missing(layers)
    assert [layer.diff_id for layer in layers] == list(base.diff_ids)
    assert all(layer.path.stat().st_size == layer.size for layer in layers)
    same_on_every_engine(cache / "base", [base.digest, base.key])


def test_a_base_can_be_pinned_by_its_digest(engine: Engine, cache: Path) -> None:
    base = base_image(engine.client, BASE_IMAGE, cache)
    assert base_image(engine.client, f"{BASE_IMAGE}@{base.digest}", cache).key == base.key
    assert base_image(engine.client, f"{BASE_IMAGE}@{base.engine_id}", cache).key == base.key
    untagged = BASE_IMAGE.rpartition(":")[0]
    assert base_image(engine.client, f"{untagged}@{base.digest}", cache).key == base.key
    assert base_image(engine.client, f"{untagged}@{base.engine_id}", cache).key == base.key
    with pytest.raises(BaseImageError, match="cannot be pulled") as failed:
        base_image(engine.client, f"{BASE_IMAGE}@sha256:{'0' * 64}", cache)
    assert "check the digest" in str(failed.value.hint)


@pytest.fixture(scope="module")
def lock(test_channel: LocalChannel) -> Lock:
    return solve(EnvironmentSpec(PYTHON, (("packaging", "24.1"),), (test_channel.url,), "linux-64"))


def test_a_lock_gives_the_same_image_on_every_engine_compiled_there(
    engine: Engine,
    lock: Lock,
    cache: Path,
    tmp_path: Path,
) -> None:
    """With an empty cache, so that every engine compiles the modules itself, confined as a step is."""
    events: list[Any] = []
    image = ImageProvider(engine.client, BASE_IMAGE, tmp_path).provide(lock, events.append)
    assert isinstance(events[-1], ImageReady)
    assert any("bytecode" in layer.title for layer in image.layers)
    digests = [image.reference, image.config_digest, image.manifest_digest, image.base_digest]
    same_on_every_engine(cache / "image", digests)
    program = "import packaging, os, sys; print(packaging.__version__, sys.prefix, os.getcwd(), os.environ['LANG'])"
    assert run(engine, image, ["python", "-c", program]) == "24.1 /opt/env /work C.UTF-8\n"
    assert not engine.client.containers.list(all=True, filters={"label": "dockerflow.compile"})


# Enough for the base, which the containerd store keeps both packed and unpacked, and is sent once more.
DISKS = {"docker 20.10": "300m", "moby v2": "440m", "podman": "300m"}
LARGE = 200 * 1024 * KIB


@pytest.fixture(scope="module")
def large(docker_client: docker.DockerClient, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> StepImage:
    return builder(docker_client, cache, tmp_path_factory.mktemp("large"))("large", size=LARGE // len("large"))


@pytest.mark.parametrize("name", list(KINDS))
def test_a_full_disk_of_the_engine_is_an_error_and_leaves_room_for_what_fits(
    name: str,
    large: StepImage,
    base_archive: Path,
    cache: Path,
    tmp_path: Path,
) -> None:
    with running(name, DISKS[name]) as small:
        bring(small, base_archive)
        build = builder(small.client, cache, tmp_path)
        ensure(small.client, build("a"))
        with pytest.raises(DiskFullError, match="no space left on the engine's disk"):
            ensure(small.client, large)
        assert not has_name(small, large)
        fits = build("a", "b")
        ensure(small.client, fits)
        assert listed(small, fits) == ["a", "b"]


def same_on_every_engine(known: Path, found: list[Any]) -> None:
    """Compares with what the first engine had, which is kept in a file."""
    written = json.dumps(found, default=list)
    if not known.exists():
        known.write_text(written)
    assert known.read_text() == written


def sending(engine: Engine, image: StepImage) -> load.Sending:
    return load.Sending(engine.client, image, ignore, (), None)


def title(layer: Layer) -> str:
    """The name of a made package, without what makes it this test's own."""
    return layer.title.split("-")[0]


def run(engine: Engine, image: StepImage, command: Sequence[str]) -> str:
    return printed(engine.client, image.reference, command, **AS_A_STEP)


def listed(engine: Engine, image: StepImage) -> list[str]:
    """The packages in the image, as a container sees them."""
    return sorted(run(engine, image, ["ls", "/opt/env/lib"]).split())


def has_name(engine: Engine, image: StepImage) -> bool:
    try:
        engine.client.images.get(image.reference)
    except docker.errors.ImageNotFound:
        return False
    return True


def remove(engine: Engine, image: StepImage) -> None:
    engine.client.images.remove(image.reference, force=False)


def saved_layers(engine: Engine, image: StepImage, folder: Path) -> set[str]:
    """The layers in what the engine saves, by their content."""
    cache = LayerCache(folder)
    base = base_image(engine.client, image.reference, folder)
    base.restore()
    return {diff_id for diff_id in base.diff_ids if cache.layer(diff_id, 0, "").path.exists()}
