"""Whether steps can reach the bucket's server is known before anything is made for them."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from dockerflow.buckets.credentials import Identity
from dockerflow.buckets.sdk import SdkObjects
from dockerflow.config import Config
from dockerflow.engines.process import ProcessHost
from dockerflow.scheduler.bucket import place_for_steps
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.errors import StoreError
from dockerflow.store.s3.place import Place
from dockerflow.store.s3.signing import Credentials
from dockerflow.store.s3_store import S3Store


class Containers(ProcessHost):
    """A host whose workers know this machine by another address, which is this machine's, too."""

    name = "an-engine"

    def gateway(self, network: str) -> str | None:
        return "127.0.0.2"


@pytest.fixture
def port() -> Iterator[int]:
    """Where something listens, at one address alone."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


def store(endpoint: str, folder: Path) -> S3Store:
    identity = Identity("a test", lambda: Credentials("key", "secret"))
    return S3Store(SdkObjects(Place(endpoint, "bucket"), identity), folder)


def test_a_server_that_listens_on_the_loopback_alone_is_said_to_be_out_of_reach(port: int, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=rf"cannot reach .*127\.0\.0\.1:{port}.*127\.0\.0\.2:{port}") as raised:
        place_for_steps(store(f"http://127.0.0.1:{port}", tmp_path), Config(), Containers())
    assert "s3_containers_endpoint" in (raised.value.hint or "")


def test_containers_see_a_server_of_this_machine_by_the_address_of_their_network(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.2", 0)) as server:
        port = server.getsockname()[1]
        found = place_for_steps(store(f"http://localhost:{port}", tmp_path), Config(), Containers())
    assert found.endpoint == f"http://127.0.0.2:{port}"


def test_what_the_configuration_says_of_the_server_is_believed(port: int, tmp_path: Path) -> None:
    config = Config(s3_containers_endpoint="http://host.of.containers:1234")
    found = place_for_steps(store(f"http://127.0.0.1:{port}", tmp_path), config, Containers())
    assert found.endpoint == "http://host.of.containers:1234"


def test_processes_of_this_machine_see_what_it_sees(port: int, tmp_path: Path) -> None:
    endpoint = f"http://127.0.0.1:{port}"
    assert place_for_steps(store(endpoint, tmp_path), Config(network="none"), ProcessHost()).endpoint == endpoint


def test_steps_without_a_network_cannot_use_a_bucket(port: int, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no network"):
        place_for_steps(store(f"http://127.0.0.1:{port}", tmp_path), Config(network="none"), Containers())


def test_a_store_that_is_no_bucket_has_no_server(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot use the store"):
        place_for_steps(DirectoryStore(tmp_path), Config(), ProcessHost())
