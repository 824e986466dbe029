"""The base image is found, pulled or made; where none of these works the error says why."""

from __future__ import annotations

from collections.abc import Iterator

import docker
import pytest

from dockerflow.setup import base_image
from dockerflow.setup.errors import BaseNotReady
from dockerflow.setup.finding import Finding
from tests.conftest import BASE_IMAGE

MADE = "dockerflow-test/base:made"


@pytest.fixture(scope="module")
def made(docker_client: docker.DockerClient) -> Iterator[str]:
    base_image.make(docker_client, MADE)
    yield MADE
    docker_client.images.remove(MADE, force=True)


def test_an_image_that_is_there_is_taken_as_it_is(docker_client: docker.DockerClient) -> None:
    told: list[Finding] = []
    finding = base_image.ensure(docker_client, BASE_IMAGE, told.append)
    assert finding.state == "ok"
    assert told == []


def test_looking_at_what_is_not_there_changes_nothing(docker_client: docker.DockerClient) -> None:
    finding = base_image.look(docker_client, "dockerflow-test/nowhere:1")
    assert (finding.state, finding.hint) == ("missing", "run `dockerflow setup`")


def test_a_name_that_is_nobodys_is_neither_pulled_nor_made(docker_client: docker.DockerClient) -> None:
    with pytest.raises(BaseNotReady, match="The engine does not have `localhost:1/none:1`, and it cannot be pulled"):
        base_image.ensure(docker_client, "localhost:1/none:1")


@pytest.mark.parametrize("name", ["debian:bookworm-slim", "debian:12", "docker.io/library/debian:bookworm"])
def test_debian_bookworm_can_be_made(name: str) -> None:
    assert base_image.CAN_BE_MADE.match(name)


@pytest.mark.parametrize("name", ["debian:trixie", "ubuntu:24.04", "debian:12.5", "my/debian:bookworm", "debian"])
def test_nothing_else_can_be_made(name: str) -> None:
    assert not base_image.CAN_BE_MADE.match(name)


def test_a_made_image_runs_as_debian_12(docker_client: docker.DockerClient, made: str) -> None:
    script = ". /etc/os-release && echo $VERSION_CODENAME && test -f /etc/ssl/certs/ca-certificates.crt"
    command = ["bash", "-c", script]
    said = docker_client.containers.run(made, command, remove=True, network_mode="none")
    assert said.decode().strip() == "bookworm"


def test_a_made_image_says_what_debians_own_says(docker_client: docker.DockerClient, made: str) -> None:
    config = docker_client.images.get(made).attrs["Config"]
    assert config["Cmd"] == ["bash"]
    assert config["Env"] == ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]


def test_the_same_packages_give_the_same_layer(docker_client: docker.DockerClient, made: str) -> None:
    again = "dockerflow-test/base:again"
    base_image.make(docker_client, again)
    try:
        layers = [docker_client.images.get(name).attrs["RootFS"]["Layers"] for name in (made, again)]
    finally:
        docker_client.images.remove(again, force=True)
    assert layers[0] == layers[1]
