"""A base image that is in a registry: pulled by its name and by its digest, on an engine that can reach it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import docker
import docker.errors
import pytest

from dockerflow.config import Config
from dockerflow.images.base import base_image
from dockerflow.images.builder import ImageBuilder
from dockerflow.images.errors import BaseImageError
from dockerflow.images.load import ensure
from tests.conftest import BASE_IMAGE
from tests.containers import printed
from tests.own_images import registry
from tests.unit.images.made import File, Made, lock_of


@pytest.fixture
def host(tmp_path: Path) -> Iterator[str]:
    with registry(tmp_path / "registry") as host:
        yield host


@pytest.fixture
def pushed(docker_client: docker.DockerClient, host: str) -> Iterator[str]:
    """The name of a copy of the base image that only the registry has."""
    name = f"{host}/team/base:{uuid.uuid4().hex[:8]}"
    docker_client.images.get(BASE_IMAGE).tag(name)
    said = docker_client.images.push(name, stream=True, decode=True)
    assert not [line["error"] for line in said if "error" in line]
    docker_client.images.remove(name)
    yield name
    for left in docker_client.images.list(name.rpartition(":")[0]):
        for each in (*left.attrs["RepoTags"], *left.attrs["RepoDigests"]):
            if each.startswith(host):
                with suppress(docker.errors.ImageNotFound):  # a digest goes with the last name
                    docker_client.images.remove(each)


def test_a_base_is_pulled_by_its_name(docker_client: docker.DockerClient, pushed: str, tmp_path: Path) -> None:
    base = base_image(docker_client, Config(base_image=pushed).base_image, tmp_path)
    made_here = base_image(docker_client, BASE_IMAGE, tmp_path)
    assert (base.digest, base.key) == (made_here.digest, made_here.key)


def test_a_base_is_pulled_by_its_digest_and_steps_run_on_it(
    docker_client: docker.DockerClient, pushed: str, tmp_path: Path
) -> None:
    digest = docker_client.images.get_registry_data(pushed).id
    repository = pushed.rpartition(":")[0]
    for name in (f"{repository}@{digest}", f"{pushed}@{digest}"):
        base = base_image(docker_client, name, tmp_path)
        assert base.digest == docker_client.images.get(BASE_IMAGE).id
    made = Made(f"only-{uuid.uuid4().hex[:8]}", {"lib/only": File(b"here")})
    image = ImageBuilder(tmp_path, base).build(lock_of(tmp_path / "channel", [made], (made.name,)))
    try:
        ensure(docker_client, image)
        assert printed(docker_client, image.reference, ["cat", "/opt/env/lib/only"]) == "here"
    finally:
        docker_client.images.remove(image.reference, force=True)


@pytest.mark.parametrize("name", ["team/none:1", "team/none@sha256:" + "0" * 64])
def test_a_base_that_the_registry_lacks_is_an_error_that_says_what_to_do(
    docker_client: docker.DockerClient, host: str, tmp_path: Path, name: str
) -> None:
    with pytest.raises(BaseImageError, match=f"`{host}/{name}` is not on the engine and cannot be pulled: ") as failed:
        base_image(docker_client, f"{host}/{name}", tmp_path)
    assert "not found" in failed.value.message or "unknown" in failed.value.message
    assert "dockerflow setup" in str(failed.value.hint)
    assert ("check the digest" in str(failed.value.hint)) == ("@" in name)


def test_a_registry_that_does_not_answer_is_an_error_with_its_reason(
    docker_client: docker.DockerClient, tmp_path: Path
) -> None:
    with pytest.raises(BaseImageError, match="refused"):
        base_image(docker_client, "127.0.0.1:1/none:1", tmp_path)
