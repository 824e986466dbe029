"""A base that a run has recorded is found whatever its name means now: on the engine, or in a store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from docker import DockerClient

from dockerflow.images import kept
from dockerflow.images.base import base_image
from dockerflow.images.engine import inspect
from dockerflow.images.layer_cache import LayerCache
from dockerflow.images.recorded_base import Recorded, recorded_base
from dockerflow.store.directory import DirectoryStore
from tests import own_images
from tests.conftest import BASE_IMAGE

NAME = "dockerflow-test/moved:1"


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    return DirectoryStore(tmp_path / "store")


@pytest.fixture
def then(docker_client: DockerClient) -> Iterator[str]:
    """The digest of a base whose name means another image by now, and which this engine does not have any more."""
    own_images.of_another_processor(docker_client, NAME, "amd64")
    digest = str(docker_client.images.get(NAME).id)
    yield digest
    for name in (NAME, kept.reference(digest)):
        if inspect(docker_client, name) is not None:
            docker_client.images.remove(name, force=True)


def move(client: DockerClient, digest: str) -> None:
    client.images.remove(NAME, force=True)
    client.images.get(BASE_IMAGE).tag(NAME)
    assert inspect(client, digest) is None


def keep(client: DockerClient, digest: str, store: DirectoryStore, cache: Path) -> kept.KeptImage:
    found = inspect(client, digest)
    assert found is not None
    image = kept.of_engine(client, found, LayerCache(cache))
    blobs = [store.blobs.put([image.config])]
    for layer in image.diff_ids:
        blobs.append(store.blobs.put([LayerCache(cache).layer(layer, 0, "").path.read_bytes()]))
    assert tuple(blobs) == image.blobs
    return image


def test_a_recorded_base_on_the_engine_is_taken_whatever_the_name_means(
    docker_client: DockerClient, tmp_path: Path
) -> None:
    own_images.of_another_processor(docker_client, NAME, "amd64")
    digest = base_image(docker_client, BASE_IMAGE, tmp_path).digest
    found = recorded_base(docker_client, NAME, tmp_path, Recorded(digest))
    docker_client.images.remove(NAME, force=True)
    assert (found.digest, found.name) == (digest, NAME)


def test_a_recorded_base_is_had_from_the_store_with_its_id(
    docker_client: DockerClient, then: str, store: DirectoryStore, tmp_path: Path
) -> None:
    image = keep(docker_client, then, store, tmp_path / "here")
    move(docker_client, then)
    found = recorded_base(docker_client, NAME, tmp_path / "there", Recorded(then, store.blobs))
    assert (found.digest, found.diff_ids) == (then, image.diff_ids)
    assert docker_client.images.get(kept.reference(then)).id == then
    assert docker_client.images.get(NAME).id != then  # what the name means is the user's
    for layer in found.layers():
        assert layer.path.is_file()


def test_where_the_store_lacks_a_layer_the_name_must_do(
    docker_client: DockerClient, then: str, store: DirectoryStore, tmp_path: Path
) -> None:
    image = keep(docker_client, then, store, tmp_path / "here")
    store.blobs.delete(image.blobs[1:])
    move(docker_client, then)
    found = recorded_base(docker_client, NAME, tmp_path / "there", Recorded(then, store.blobs))
    assert found.digest == docker_client.images.get(BASE_IMAGE).id


def test_bytes_that_are_no_config_are_no_image(store: DirectoryStore) -> None:
    for text in (b"no json", b"[]", b'{"rootfs": {}}'):
        assert kept.of_store(store.blobs, f"sha256:{store.blobs.put([text])}") is None
    assert kept.of_store(store.blobs, "") is None
