"""What all tests share: the user's folders put elsewhere, the engine, the test channel.

Tests of `unit` need no engine, no network and no channel. The others ask for what they need by fixture, and fail where
it is not there: `make test` sets it up, and a test that skips itself proves nothing.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import docker

    from dockerflow.setup.channel import LocalChannel

from dockerflow.client import namespaces, stores

# Read before any test changes where the user's folders are.
from tests import channel as channels

# Fixtures of all tests with an engine or a store.
pytest_plugins = ["tests.object_servers"]

BASE_IMAGE = "debian:bookworm-slim"


def pytest_configure() -> None:
    """Let the commands that tests start hear Ctrl-C and a closed terminal, also where the tests themselves run in the
    background or under `nohup`: a process inherits what its parent ignores."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(autouse=True)
def _users_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the configuration, data, state or cache of whoever runs it."""
    home = tmp_path_factory.mktemp("user")
    for name in ("CONFIG", "DATA", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(home / name.lower()))
    for name in [name for name in os.environ if name.startswith("DOCKERFLOW_")]:
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _whose_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test says about namespaces and stores holds for its process: no later test hears of it."""
    monkeypatch.setattr(namespaces, "_chosen", namespaces._UNSET)
    monkeypatch.setattr(stores, "_chosen", None)


@pytest.fixture(autouse=True)
def _path(monkeypatch: pytest.MonkeyPatch) -> None:
    """A flow that a test has loaded leaves its folder on the path, which processes that are spawned inherit."""
    monkeypatch.setattr(sys, "path", [*sys.path])


@pytest.fixture(scope="session")
def docker_client() -> Iterator[docker.DockerClient]:
    """A client of the engine that these tests use, with the base image in it."""
    import docker as sdk  # noqa: PLC0415 - unit tests run where it is not installed

    client = sdk.from_env()
    client.images.get(BASE_IMAGE)
    yield client
    client.close()


@pytest.fixture(scope="session")
def test_channel() -> LocalChannel:
    """The conda channel of the tests (see `channel.py`): its `url` is a `file://` one, its `folder` a path."""
    return channels.local_channel()


@pytest.fixture
def shared_cache() -> Path:
    """A folder that outlives the tests, for layers: content-addressed, so sharing it cannot change a result."""
    folder = channels.cache() / "cache"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
