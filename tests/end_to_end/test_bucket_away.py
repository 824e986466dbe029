"""Steps in containers whose bucket's server goes away: what was computed is kept, and delivered when it is back."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import docker
import pytest

from tests.containers import bridge_gateway
from tests.object_servers import KINDS, ObjectServer, running

# Nothing that a test waits for takes so long, in seconds.
LIMIT = 200

FLOW = """
import socket
from dockerflow import FlowSpec, Parameter, conda_base, step

def wait(gate, name):
    host, port = gate.split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(name.encode())
        connection.recv(1)

@conda_base(python="3.11")
class Away(FlowSpec):
    gate = Parameter("gate")

    @step
    def start(self):
        wait(self.gate, "start")
        self.large = bytes(range(256)) * 20_000
        self.next(self.end)

    @step
    def end(self):
        wait(self.gate, "end")
        assert self.large == bytes(range(256)) * 20_000
"""


class Gate:
    """Where each step waits until the test has done what it does meanwhile."""

    def __init__(self, host: str) -> None:
        self._server = socket.create_server((host, 0))
        self._server.settimeout(LIMIT)
        self.name = f"{host}:{self._server.getsockname()[1]}"

    def wait(self) -> tuple[str, socket.socket]:
        """Which step waits, and what to close for it to go on."""
        connection, _ = self._server.accept()
        return connection.recv(100).decode(), connection

    def close(self) -> None:
        self._server.close()


@pytest.fixture
def gate(docker_client: docker.DockerClient) -> Iterator[Gate]:
    made = Gate(bridge_gateway(docker_client))
    yield made
    made.close()


@pytest.fixture(params=list(KINDS))
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ObjectServer]:
    with running(request.param, tmp_path / "server" / "data") as server:
        yield server


@pytest.fixture
def variables(test_channel, shared_cache, docker_client, server, tmp_path) -> Mapping[str, str]:
    ours = {
        "DOCKERFLOW_CHANNELS": test_channel.url,
        "DOCKERFLOW_CACHE_DIR": str(shared_cache),
        "DOCKERFLOW_STORE": f"s3://{server.bucket()}/store",
        "DOCKERFLOW_STORE_PATIENCE": "1",
        **server.settings(),
    }
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "flow.py").write_text(textwrap.dedent(FLOW))
    return {**os.environ, "XDG_STATE_HOME": str(tmp_path / "state"), **ours}


def test_what_a_container_computed_without_the_server_is_delivered_and_read_by_the_next(
    server: ObjectServer, gate: Gate, variables: Mapping[str, str], tmp_path: Path
) -> None:
    """The first run fails since the server stays away; in the second it comes back before it is asked."""

    def command(*words: str, patience: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [Path(sys.executable).with_name("dockerflow"), *words],
            cwd=tmp_path / "project",
            env={**variables, "DOCKERFLOW_STORE_PATIENCE": patience},
            capture_output=True,
            text=True,
            timeout=LIMIT,
        )

    with ThreadPoolExecutor(1) as threads:
        failing = threads.submit(command, "run", "flow.py", "--gate", gate.name, patience="1")
        step, waiting = gate.wait()
        assert step == "start"
        server.kill()
        waiting.close()
        failed = failing.result()
        assert failed.returncode == 1, failed.stdout + failed.stderr
        assert "what was computed is kept in" in failed.stdout + failed.stderr

        server.start()
        resuming = threads.submit(command, "resume", "flow.py", patience="60")
        step, waiting = gate.wait()
        assert step == "end", "what is in the outbox is not computed again"
        server.kill()
        server.start()
        waiting.close()
        resumed = resuming.result()
        assert resumed.returncode == 0, resumed.stdout + resumed.stderr
        assert "brought to the store what waited for it" in resumed.stdout + resumed.stderr
