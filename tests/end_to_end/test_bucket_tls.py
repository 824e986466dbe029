"""Steps in containers whose store is a bucket behind TLS. No image knows who signed for it."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import sys
import textwrap
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

import docker
import pytest
from docker.models.networks import Network
from docker.types import Mount

from tests.conftest import BASE_IMAGE
from tests.containers import bridge_gateway
from tests.object_servers import (
    ACCESS_KEY,
    LOOK_EVERY,
    REGION,
    SECRET_KEY,
    START_SECONDS,
    ObjectServer,
    program,
    running,
)

FLOW = """
from dockerflow import FlowSpec, Task, conda_base, current, step

@conda_base(python="3.11")
class Secure(FlowSpec):
    @step
    def start(self):
        self.large = bytes(range(256)) * 20_000
        self.next(self.end)

    @step
    def end(self):
        assert self.large == bytes(range(256)) * 20_000
        assert len(Task(f"Secure/{current.run_id}/start/1").data.large) == len(self.large)
"""


@pytest.fixture
def gateway(docker_client: docker.DockerClient) -> str:
    return bridge_gateway(docker_client)


def certificates(folder: Path, *names: str) -> Path:
    """Of a server with these names, which signs its certificate itself."""
    folder.mkdir()
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    files = ["-keyout", str(folder / "private.key"), "-out", str(folder / "public.crt")]
    alternatives = ["-addext", f"subjectAltName={','.join(names)}"]
    subprocess.run([*made, *alternatives, *files], check=True, capture_output=True)
    return folder


@pytest.fixture
def server(gateway: str, tmp_path: Path) -> Iterator[ObjectServer]:
    """For this machine as it sees itself and as containers see it."""
    names = ("DNS:localhost", "IP:127.0.0.1", f"IP:{gateway}")
    with running("minio", tmp_path / "data", certificates(tmp_path / "certificates", *names)) as server:
        yield server


@pytest.fixture(params=["DOCKERFLOW_S3_CA", "SSL_CERT_FILE"])
def variables(request, test_channel, shared_cache, server) -> Mapping[str, str]:
    """Who signed the certificate is named for dockerflow, or among those that this machine trusts."""
    ours = {
        "DOCKERFLOW_CHANNELS": test_channel.url,
        "DOCKERFLOW_CACHE_DIR": str(shared_cache),
        "DOCKERFLOW_STORE": "s3://secure/store",
        **server.settings(),
    }
    trusted = {request.param: str(server.certificates / "public.crt")}
    return {**os.environ, **ours, **trusted}


def test_steps_trust_whom_this_machine_trusts(dockerflow, server, tmp_path) -> None:
    (tmp_path / "flow.py").write_text(textwrap.dedent(FLOW))
    assert server.endpoint.startswith("https://")
    assert "made the bucket `secure`" in dockerflow("run", "flow.py").stderr
    assert dockerflow("runs", "list").stdout.count("succeeded") == 1


# Names below `localhost` are this machine's wherever they are looked up as the standard says, which is not everywhere.
LOOKED_UP = """
import socket

look_up = socket.getaddrinfo

def looked_up(host, *details, **more):
    return look_up("127.0.0.1" if str(host).endswith(".localhost") else host, *details, **more)

socket.getaddrinfo = looked_up
"""


@pytest.fixture
def network(docker_client: docker.DockerClient) -> Iterator[Network]:
    made = docker_client.networks.create(f"tests-{uuid.uuid4().hex}", labels={"dockerflow.tests": "yes"})
    yield made
    made.remove()


@pytest.fixture
def port_of_container(docker_client: docker.DockerClient, network: Network, tmp_path: Path) -> Iterator[int]:
    """A MinIO in a container, as a compose file has it: with names of its own for it and its buckets in the containers'
    network, and a port of this machine."""
    names = ("minio.test", "secure.minio.test")
    of_host = ("DNS:localhost", "DNS:secure.localhost")
    signed = certificates(tmp_path / "certificates", *of_host, *(f"DNS:{name}" for name in names))
    command = ["/minio", "server", "/data", "--address", ":9000", "--quiet", "--certs-dir", "/certificates"]
    mounts = [Mount("/minio", str(program("minio")), "bind", True), Mount("/certificates", str(signed), "bind", True)]
    keys = {"MINIO_ROOT_USER": ACCESS_KEY, "MINIO_ROOT_PASSWORD": SECRET_KEY}
    container = docker_client.containers.run(
        BASE_IMAGE,
        command,
        environment={**keys, "MINIO_DOMAIN": "minio.test,localhost"},
        mounts=mounts,
        tmpfs={"/data": ""},
        ports={"9000/tcp": ("127.0.0.1", None)},
        network=network.name,
        networking_config={network.name: docker_client.api.create_endpoint_config(aliases=list(names))},
        detach=True,
        init=True,
    )
    try:
        container.reload()
        port = int(container.ports["9000/tcp"][0]["HostPort"])
        wait_for(port, signed / "public.crt")
        yield port
    finally:
        container.remove(force=True)


def wait_for(port: int, authority: Path) -> None:
    trust = ssl.create_default_context(cafile=str(authority))
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port)) as plain:
                trust.wrap_socket(plain, server_hostname="localhost").close()
                return
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(LOOK_EVERY)


def test_steps_find_a_bucket_in_the_name_of_its_host(
    port_of_container: int, network: Network, test_channel, shared_cache, tmp_path
) -> None:
    ours = {
        "CHANNELS": test_channel.url,
        "CACHE_DIR": str(shared_cache),
        "STORE": "s3://secure/store",
        "S3_ENDPOINT": f"https://localhost:{port_of_container}",
        "S3_CONTAINERS_ENDPOINT": "https://minio.test:9000",
        "S3_ADDRESSING": "virtual",
        "S3_CA": str(tmp_path / "certificates" / "public.crt"),
        "S3_ACCESS_KEY": ACCESS_KEY,
        "S3_SECRET_KEY": SECRET_KEY,
        "S3_REGION": REGION,
        "NETWORK": str(network.name),
    }
    project = tmp_path / "project"
    project.mkdir()
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "sitecustomize.py").write_text(LOOKED_UP)
    (project / "flow.py").write_text(textwrap.dedent(FLOW))
    done = subprocess.run(
        [Path(sys.executable).with_name("dockerflow"), "run", "flow.py"],
        cwd=project,
        env={**os.environ, **{f"DOCKERFLOW_{n}": v for n, v in ours.items()}, "PYTHONPATH": str(tmp_path / "here")},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
