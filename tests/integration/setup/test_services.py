"""`dockerflow up` and `down` with a real engine: what runs, what is written, what stays."""

from __future__ import annotations

import io
import json
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import docker
import minio as sdk
import pytest

from dockerflow.config import Config, load_config, set_in_file
from dockerflow.engines.docker import DockerHost
from dockerflow.setup import minio_image, minio_server, services
from dockerflow.setup.channel import LocalChannel
from dockerflow.setup.errors import ServiceNotReady
from dockerflow.setup.services import Wanted, credentials_file
from tests.channel import cache
from tests.engines.daemons import Engine
from tests.object_servers import program

NAME = f"dockerflow-tests-{os.getpid()}"


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("", 0))
        return int(found.getsockname()[1])


@pytest.fixture
def config(docker_client: docker.DockerClient) -> Config:
    """MinIO's program is the one that all tests share."""
    program("minio")
    return Config(data_dir=cache())


@pytest.fixture
def wanted(config: Config, docker_client: docker.DockerClient, tmp_path: Path) -> Iterator[Wanted]:
    yield Wanted(tmp_path / ".dockerflow/config.yaml", free_port(), NAME)
    services.down(config, tmp_path, remove_data=True, name=NAME)


def client(wanted: Wanted) -> sdk.Minio:
    keys = services.keys(NAME)
    return sdk.Minio(f"127.0.0.1:{wanted.port}", keys.access_key, keys.secret_key, region=services.REGION, secure=False)


def read(wanted: Wanted, key: str) -> bytes:
    with client(wanted).get_object(services.BUCKET, key) as answer:
        return answer.data


def test_up_starts_a_server_and_says_in_the_settings_where(
    config: Config, wanted: Wanted, docker_client: docker.DockerClient, tmp_path: Path
) -> None:
    assert [finding.state for finding in services.up(config, wanted)][-3:] == ["made"] * 3
    assert client(wanted).bucket_exists(services.BUCKET)
    found = load_config(tmp_path)
    assert (found.store, found.s3_endpoint) == ("s3://dockerflow", f"http://127.0.0.1:{wanted.port}")
    assert found.s3_credentials == credentials_file(NAME)
    assert docker_client.containers.get(NAME).attrs["State"]["Health"]["Status"] in ("starting", "healthy")


def test_a_second_up_changes_nothing(config: Config, wanted: Wanted, docker_client: docker.DockerClient) -> None:
    services.up(config, wanted)
    container, settings = docker_client.containers.get(NAME).id, wanted.settings.read_text()
    assert {finding.state for finding in services.up(config, wanted)} == {"ok"}
    assert docker_client.containers.get(NAME).id == container
    assert wanted.settings.read_text() == settings


def test_nobody_else_hears_of_the_password(
    config: Config, wanted: Wanted, docker_client: docker.DockerClient, tmp_path: Path
) -> None:
    services.up(config, wanted)
    secret = services.keys(NAME).secret_key
    container = docker_client.containers.get(NAME)
    of_process = Path("/proc", str(container.attrs["State"]["Pid"]))
    assert secret not in json.dumps(container.attrs)
    assert secret not in json.dumps(docker_client.api.inspect_image(minio_image.IMAGE))
    assert secret.encode() not in (of_process / "environ").read_bytes() + (of_process / "cmdline").read_bytes()
    assert secret.encode() not in container.logs()
    assert secret not in wanted.settings.read_text()
    assert stat.S_IMODE(credentials_file(NAME).stat().st_mode) == 0o600


def test_every_server_gets_a_password_of_its_own(config: Config, wanted: Wanted, tmp_path: Path) -> None:
    services.up(config, wanted)
    first = services.keys(NAME)
    services.down(config, tmp_path, remove_data=True, name=NAME)
    services.up(config, wanted)
    assert services.keys(NAME).secret_key != first.secret_key


def test_data_stays_over_down_and_up_with_whatever_keys(config: Config, wanted: Wanted, tmp_path: Path) -> None:
    services.up(config, wanted)
    client(wanted).put_object(services.BUCKET, "kept", io.BytesIO(b"a value"), 7)
    assert "volume" in services.down(config, tmp_path, name=NAME)[0].text
    services.up(config, wanted)
    assert read(wanted, "kept") == b"a value"
    services.down(config, tmp_path, name=NAME)
    credentials_file(NAME).unlink()
    services.up(config, wanted)
    assert read(wanted, "kept") == b"a value"


def test_down_takes_the_data_only_when_that_is_said(
    config: Config, wanted: Wanted, docker_client: docker.DockerClient, tmp_path: Path
) -> None:
    set_in_file(wanted.settings, "network", "bridge")
    services.up(config, wanted)
    services.down(config, tmp_path, remove_data=True, name=NAME)
    assert NAME not in [volume.name for volume in docker_client.volumes.list()]
    assert wanted.settings.read_text() == "network: bridge\n"
    assert not credentials_file(NAME).exists()
    assert [finding.text for finding in services.down(config, tmp_path, True, NAME)] == ["MinIO does not run"]


def test_a_port_that_is_taken_is_named_and_the_server_goes_on(
    config: Config, wanted: Wanted, docker_client: docker.DockerClient
) -> None:
    services.up(config, wanted)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServiceNotReady, match=f"port {port} of this machine is taken"):
            services.up(config, replace(wanted, port=port))
    assert client(wanted).bucket_exists(services.BUCKET)


def test_it_moves_to_another_port_with_its_data(config: Config, wanted: Wanted, tmp_path: Path) -> None:
    services.up(config, wanted)
    client(wanted).put_object(services.BUCKET, "kept", io.BytesIO(b"a value"), 7)
    moved = replace(wanted, port=free_port())
    services.up(config, moved)
    assert read(moved, "kept") == b"a value"
    assert load_config(tmp_path).s3_endpoint == f"http://127.0.0.1:{moved.port}"


def test_another_store_that_somebody_has_configured_stays(config: Config, wanted: Wanted, tmp_path: Path) -> None:
    set_in_file(wanted.settings, "store", "s3://theirs/runs")
    configured = replace(load_config(tmp_path), data_dir=config.data_dir)
    last = services.up(configured, wanted)[-1]
    assert "`store` stays `s3://theirs/runs`" in last.text
    assert wanted.settings.read_text() == "store: s3://theirs/runs\n"


def test_containers_in_a_network_of_the_users_reach_it(
    config: Config, wanted: Wanted, docker_client: docker.DockerClient
) -> None:
    network = docker_client.networks.create(NAME)
    try:
        found = services.up(replace(config, network=NAME), wanted)[-3]
        assert minio_server.gateway(DockerHost.connect(), NAME) in found.text
    finally:
        minio_server.remove(DockerHost.connect(), NAME)
        network.remove()


FLOW = """
from dockerflow import FlowSpec, step

class Small(FlowSpec):
    @step
    def start(self):
        self.text = "in the bucket" * 100_000
        self.next(self.end)

    @step
    def end(self):
        print(len(self.text))
"""


def test_what_runs_in_containers_after_up_is_in_the_bucket(
    config: Config, wanted: Wanted, test_channel: LocalChannel, shared_cache: Path, tmp_path: Path
) -> None:
    """Nothing more is said than `dockerflow run`."""
    services.up(config, wanted)
    (tmp_path / "flow.py").write_text(FLOW)
    variables = {**os.environ, "DOCKERFLOW_CHANNELS": test_channel.url, "DOCKERFLOW_CACHE_DIR": str(shared_cache)}
    command = [Path(sys.executable).with_name("dockerflow"), "run", "flow.py"]
    done = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 1300000\n" in done.stdout
    assert [each.name for each in tmp_path.joinpath(".dockerflow").iterdir()] == ["config.yaml"]
    names = [str(each.object_name) for each in client(wanted).list_objects(services.BUCKET, recursive=True)]
    assert {name.partition("/")[0] for name in names} >= {"blobs", "runs"}


def test_every_engine_makes_and_runs_it(engine: Engine) -> None:
    host = DockerHost.connect(engine.url)
    minio_image.make(host, program("minio"))
    service = minio_server.Service("bridge", free_port(), NAME)
    container = minio_server.create(host, service, minio_server.Keys("somebody", "hushed-9d1"))
    try:
        container.start()
        assert container.exec_run(["bash", "-c", "until healthy; do sleep 0.1; done"]).exit_code == 0, container.logs()
    finally:
        container.remove(force=True, v=True)
        minio_server.remove_data(host, NAME)
        host.close()
