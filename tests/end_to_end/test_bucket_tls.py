"""Steps in containers whose store is a bucket behind TLS. No image knows who signed for it."""

from __future__ import annotations

import os
import subprocess
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path

import docker
import pytest

from tests.object_servers import ObjectServer, running

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
    found: str = docker_client.api.inspect_network("bridge")["IPAM"]["Config"][0]["Gateway"]
    return found


@pytest.fixture
def server(gateway: str, tmp_path: Path) -> Iterator[ObjectServer]:
    """One whose certificate signs itself, for this machine as it sees itself and as containers see it."""
    folder = tmp_path / "certificates"
    folder.mkdir()
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    names = ["-addext", f"subjectAltName=DNS:localhost,IP:127.0.0.1,IP:{gateway}"]
    files = ["-keyout", str(folder / "private.key"), "-out", str(folder / "public.crt")]
    subprocess.run([*made, *names, *files], check=True, capture_output=True)
    with running("minio", tmp_path / "data", folder) as server:
        yield server


@pytest.fixture(params=["DOCKERFLOW_S3_CA", "SSL_CERT_FILE"])
def variables(request, test_channel, shared_cache, server) -> Mapping[str, str]:
    """Who signed the certificate is named for dockerflow, or among those that this machine trusts."""
    ours = {
        "CHANNELS": test_channel.url,
        "CACHE_DIR": str(shared_cache),
        "STORE": "s3://secure/store",
        "S3_ENDPOINT": server.endpoint,
        "S3_ACCESS_KEY": server.access_key,
        "S3_SECRET_KEY": server.secret_key,
        "S3_REGION": server.region,
    }
    trusted = {request.param: str(server.certificates / "public.crt")}
    return {**os.environ, **{f"DOCKERFLOW_{name}": value for name, value in ours.items()}, **trusted}


def test_steps_trust_whom_this_machine_trusts(dockerflow, server, tmp_path) -> None:
    (tmp_path / "flow.py").write_text(textwrap.dedent(FLOW))
    assert server.endpoint.startswith("https://")
    assert "made the bucket `secure`" in dockerflow("run", "flow.py").stderr
    assert dockerflow("runs", "list").stdout.count("succeeded") == 1
