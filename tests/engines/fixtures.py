"""Engines as fixtures: `engine` is each of them in turn, with the base image in it. They live as long as the tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import docker
import pytest

from tests.conftest import BASE_IMAGE
from tests.engines import daemons
from tests.engines.daemons import Engine


class Start(Protocol):
    def __call__(self, name: str, disk: str = "") -> Engine: ...


@pytest.fixture(scope="session")
def base_archive(docker_client: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The base image as this machine's engine saves it: the other engines reach no registry."""
    return saved(docker_client, BASE_IMAGE, tmp_path_factory.mktemp("base") / "base.tar")


@pytest.fixture(scope="session")
def engines(base_archive: Path) -> Iterator[Start]:
    """Gives an engine by its name, started with the base image when it is first asked for."""
    started: dict[str, Engine] = {}
    with ExitStack() as stack:

        def get(name: str, disk: str = "") -> Engine:
            if name not in started:
                started[name] = stack.enter_context(daemons.running(name, disk))
                bring(started[name], base_archive)
            return started[name]

        yield get


@pytest.fixture(scope="session", params=list(daemons.KINDS))
def engine(request: pytest.FixtureRequest, engines: Start) -> Engine:
    return engines(request.param)


def saved(client: docker.DockerClient, name: str, path: Path) -> Path:
    with path.open("wb") as file:
        for block in client.images.get(name).save(named=name):
            file.write(block)
    return path


def bring(engine: Engine, archive: Path) -> None:
    with archive.open("rb") as file:
        engine.client.images.load(file)  # type: ignore[arg-type]
