"""An engine, a small image with a Python in it, and a scene to start workers in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from dockerflow.engines.docker import DockerHost
from dockerflow.engines.process import ProcessHost
from dockerflow.engines.worker import Host
from tests.conftest import BASE_IMAGE
from tests.engines.fixtures import saved
from tests.integration.engines.conversation import Scene

IMAGE = "dockerflow-test/python:1"
PYTHON = "/usr/bin/python3"


@pytest.fixture(scope="session")
def image(docker_client: docker.DockerClient) -> str:
    """Debian with its own Python and a folder for the work: what a step image has, without a step's libraries."""
    if not docker_client.images.list(IMAGE):
        install = "apt-get update -q && apt-get install -qy --no-install-recommends python3 && install -d -m 1777 /work"
        made = docker_client.containers.create(BASE_IMAGE, ["sh", "-ec", install])
        try:
            made.start()
            assert made.wait()["StatusCode"] == 0, made.logs().decode()
            made.commit(*IMAGE.split(":"))
        finally:
            made.remove(force=True, v=True)
    return IMAGE


@pytest.fixture(scope="session")
def image_archive(image: str, docker_client: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For the other engines, which reach no registry."""
    return saved(docker_client, image, tmp_path_factory.mktemp("image") / "image.tar")


@pytest.fixture(scope="session")
def docker_host() -> Iterator[DockerHost]:
    host = DockerHost.connect(python=PYTHON)
    yield host
    host.close()


@pytest.fixture
def scene(docker_host: DockerHost, image: str, tmp_path: Path) -> Iterator[Scene]:
    """On Docker."""
    yield from _scene(docker_host, tmp_path, image)


@pytest.fixture(params=["docker", "process"])
def any_scene(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scene]:
    """On every engine: for what all must promise."""
    if request.param == "process":
        yield from _scene(ProcessHost(), tmp_path, "")
    else:
        yield from _scene(request.getfixturevalue("docker_host"), tmp_path, request.getfixturevalue("image"))


def _scene(host: Host, root: Path, image: str) -> Iterator[Scene]:
    scene = Scene(host, root, image)
    yield scene
    scene.close()
