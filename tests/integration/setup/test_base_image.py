"""The base image is found, pulled or made; where none of these works the error says why."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

import docker
import pytest

from dockerflow.setup import base_image, debian_image
from dockerflow.setup.errors import BaseNotReady
from dockerflow.setup.finding import Finding
from tests.conftest import BASE_IMAGE
from tests.containers import printed

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
    assert printed(docker_client, made, command, network_mode="none").strip() == "bookworm"


def test_a_made_image_says_what_debians_own_says(docker_client: docker.DockerClient, made: str) -> None:
    config = docker_client.images.get(made).attrs["Config"]
    assert config["Cmd"] == ["bash"]
    assert config["Env"] == ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]


ELSEWHERE = """
import os, sys, time
import docker
from dockerflow.setup import base_image
time.tzset()
os.umask(0o077)
client = docker.from_env()
base_image.make(client, sys.argv[1])
client.close()
"""


def test_the_same_packages_give_the_same_image_as_on_another_machine(
    docker_client: docker.DockerClient, made: str, tmp_path: Path
) -> None:
    """The other machine has another name, time zone, language, umask and folder for temporary files."""
    again = "dockerflow-test/base:again"
    command = ["unshare", "--map-root-user", "--uts", "sh", "-c", 'hostname elsewhere && exec "$@"', "sh"]
    if os.geteuid() == 0:
        command.remove("--map-root-user")
    differently = {"TZ": "Pacific/Auckland", "LANG": "de_DE.UTF-8", "LC_ALL": "C", "TMPDIR": str(tmp_path)}
    subprocess.run([*command, sys.executable, "-c", ELSEWHERE, again], env={**os.environ, **differently}, check=True)
    try:
        found = [docker_client.images.get(name).attrs for name in (made, again)]
    finally:
        docker_client.images.remove(again)
    assert found[0]["RootFS"]["Layers"] == found[1]["RootFS"]["Layers"]
    assert found[0]["Id"] == found[1]["Id"]
    assert found[0]["Created"] == "2023-06-10T00:00:00Z"


def test_a_made_image_has_nothing_of_the_machine_that_made_it(docker_client: docker.DockerClient, made: str) -> None:
    with tarfile.open(fileobj=io.BytesIO(b"".join(docker_client.images.get(made).save()))) as saved:
        (layer,) = json.load(cast(IO[bytes], saved.extractfile("manifest.json")))[0]["Layers"]
        with tarfile.open(fileobj=saved.extractfile(layer)) as tree:
            found = {member.name.removeprefix("./"): member for member in tree}
            said = {
                name: cast(IO[bytes], tree.extractfile(found[f"etc/{name}"])).read()
                for name in ("hostname", "resolv.conf", "apt/sources.list", "machine-id")
                if f"etc/{name}" in found
            }
    assert said.pop("hostname") == b"debian\n"
    assert said.pop("resolv.conf") == b""
    assert b"signed-by" not in said.pop("apt/sources.list")
    assert set(said.values()) <= {b""}, "a machine-id is made by the machine"
    for left in ("var/log/dpkg.log", "var/log/apt/term.log", "var/log/bootstrap.log", "var/cache/ldconfig/aux-cache"):
        assert left not in found
    assert not [name for name in found if name.startswith("var/lib/apt/lists/") and name.endswith("Packages")]
    assert max(member.mtime for member in found.values()) == debian_image.EPOCH


def test_a_made_image_has_one_name(docker_client: docker.DockerClient, made: str) -> None:
    assert made in docker_client.images.get(made).tags
    assert not [tag for tag in docker_client.images.get(made).tags if tag.startswith("dockerflow/base")]
