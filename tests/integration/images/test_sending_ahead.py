"""Layers that go to the engine before the others are made: nothing of it is left, and nothing goes twice."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from docker import DockerClient

from dockerflow.environments.lock import Lock, LockedPackage
from dockerflow.environments.solver import solve
from dockerflow.environments.spec import EnvironmentSpec
from dockerflow.images.builder import BEGINNING
from dockerflow.images.errors import PackageError
from dockerflow.images.load import is_present
from dockerflow.images.provide import ImageProvider
from dockerflow.progress import Event, ImageReady
from dockerflow.setup.channel import LocalChannel
from tests.channel import PYTHON
from tests.conftest import BASE_IMAGE
from tests.unit.images.made import File, Made, locked


def lock_with(channel: LocalChannel, *packages: LockedPackage) -> Lock:
    """Python, and packages of this test's own above it, each of which has a layer of its own."""
    lock = solve(EnvironmentSpec(PYTHON, (), (channel.url,), "linux-64"))
    names = tuple(sorted(package.name for package in packages))
    return Lock(lock.platform, (*lock.packages, *packages), names, lock.channels, lock.spec_hash)


def large(folder: Path, name: str) -> LockedPackage:
    """A package that no other test has, large enough to be worth sending on its own."""
    made = Made(name, {f"share/{name}": File(random.randbytes(3_000_000))})
    return locked(made, made.write(folder))


def beginnings(client: DockerClient, cache: Path) -> list[str]:
    """Names of beginnings that have one of the large layers; other tests may have theirs."""
    ours = {f"sha256:{path.stem}" for path in (cache / "layers").glob("*.tar") if 3e6 < path.stat().st_size < 4e6}
    images = (image for image in client.images.list() if ours & set(image.attrs["RootFS"].get("Layers") or ()))
    return [tag for image in images for tag in image.tags if tag.startswith(BEGINNING)]


def test_each_layer_goes_once_and_no_name_is_left(
    docker_client: DockerClient, test_channel: LocalChannel, tmp_path: Path
) -> None:
    lock = lock_with(test_channel, *(large(tmp_path, f"large{number}") for number in range(4)))
    events: list[Event] = []
    image = ImageProvider(docker_client, BASE_IMAGE, tmp_path / "cache").provide(lock, events.append)
    try:
        ready = events[-1]
        assert isinstance(ready, ImageReady)
        ours = [layer for layer in image.layers if layer.title.startswith("large")]
        assert len(ours) == 4
        assert sum(layer.size for layer in ours) <= ready.bytes_sent <= sum(layer.size for layer in image.layers)
        assert 4 <= ready.layers_sent <= len(image.layers)
        assert is_present(docker_client, image)
        assert beginnings(docker_client, tmp_path / "cache") == []
    finally:
        docker_client.images.remove(image.reference, force=True)


def test_a_build_that_fails_leaves_no_name(
    docker_client: DockerClient, test_channel: LocalChannel, tmp_path: Path
) -> None:
    made = Made("refused", {"bin/.refused-post-link.sh": File(b"x")})  # it is found out when its layer is written
    broken = locked(made, made.write(tmp_path))
    lock = lock_with(test_channel, *(large(tmp_path, f"large{number}") for number in range(3)), broken)
    with pytest.raises(PackageError):
        ImageProvider(docker_client, BASE_IMAGE, tmp_path / "cache").provide(lock)
    assert len(list((tmp_path / "cache" / "layers").glob("*.tar"))) >= 3
    assert beginnings(docker_client, tmp_path / "cache") == []
