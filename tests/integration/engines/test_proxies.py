"""Proxies of docker's own configuration, which may have passwords, get into no container of ours."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import docker
import pytest

from dockerflow.engines.docker import DockerHost, DockerWorker
from dockerflow.images import own_python
from dockerflow.images.compiler import ContainerCompiler
from dockerflow.images.oci import ImageName, assemble
from tests.integration.engines.conftest import PYTHON
from tests.integration.engines.conversation import Scene

SECRET = "http://me:secret@proxy.test:3128"


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DockerHost]:
    """With a docker configuration that has proxies, which `docker run` would pass on."""
    folder = tmp_path / "docker"
    folder.mkdir()
    proxies = {"default": {"httpProxy": SECRET, "httpsProxy": SECRET, "noProxy": "local.test"}}
    (folder / "config.json").write_text(json.dumps({"proxies": proxies}))
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))
    host = DockerHost.connect(python=PYTHON)
    yield host
    host.close()


def variables(client: docker.DockerClient, container: str) -> str:
    return "\n".join(client.api.inspect_container(container)["Config"]["Env"])


def test_without_us_they_would(host: DockerHost, image: str) -> None:
    made = str(host.client.api.create_container(image, ["true"])["Id"])
    try:
        assert SECRET in variables(host.client, made)
    finally:
        host.client.api.remove_container(made)


def test_workers_have_none(host: DockerHost, image: str, tmp_path: Path) -> None:
    scene = Scene(host, tmp_path, image)
    try:
        worker = scene.start().worker
        assert isinstance(worker, DockerWorker)
        found = variables(host.client, worker.container_id)
    finally:
        scene.close()
    assert "PYTHONHASHSEED=0" in found
    assert "proxy" not in found.lower()


def test_containers_that_compile_have_none(host: DockerHost, image: str) -> None:
    made = ContainerCompiler(host.client).created(assemble(ImageName(image, "", ""), "linux-64", "/bin", []))
    try:
        found = variables(host.client, made)
    finally:
        host.client.api.remove_container(made)
    assert "PYTHONHASHSEED=0" in found
    assert "proxy" not in found.lower()


def test_containers_that_look_for_a_python_have_none(host: DockerHost, image: str) -> None:
    with own_python._container(host.client, image, "65534", "python3") as made:
        assert "proxy" not in variables(host.client, made).lower()


class Changing(dict[str, str]):
    """Variables of which another thread changes one at each moment: who goes through them fails."""

    def items(self) -> NoReturn:
        raise RuntimeError("changed size during iteration")


def test_a_request_to_an_engine_on_this_machine_looks_for_no_proxy(
    docker_host: DockerHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would go through all variables, which fails beside a thread that changes one."""
    monkeypatch.setattr(os, "environ", Changing(os.environ))
    assert docker_host.client.ping()
