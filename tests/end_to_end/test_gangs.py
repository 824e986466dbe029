"""Containers of a gang run at the same time and reach each other."""

from __future__ import annotations

import textwrap

import pytest

FLOW = """
import socket
from dockerflow import FlowSpec, current, conda_base, parallel, retry, step

PORT = 29500

@conda_base(python="3.11")
class Gang(FlowSpec):
    @step
    def start(self):
        self.next(self.node, num_parallel=2)

    @retry(times=1, minutes_between_retries=0)
    @parallel
    @step
    def node(self):
        gang = current.parallel
        self.main_ip, self.number = gang.main_ip, gang.node_index
        self.own_ip = socket.gethostbyname(socket.gethostname())
        self.heard = self.accept() if gang.node_index == 0 else self.connect(gang.main_ip)
        self.next(self.join)

    def accept(self):
        with socket.create_server(("", PORT)) as server:
            server.settimeout(60)
            connection, _ = server.accept()
            with connection:
                if current.retry_count == 0:
                    raise RuntimeError("once more")
                connection.sendall(b"from 0")
                return connection.recv(100)

    def connect(self, address):
        # Node 0 listens a moment earlier or later than this one asks.
        while True:
            try:
                with socket.create_connection((address, PORT), timeout=60) as connection:
                    connection.sendall(b"from 1")
                    heard = connection.recv(100)
                    if heard:
                        return heard
            except ConnectionError:
                continue

    @step
    def join(self, inputs):
        self.heard = [each.heard for each in inputs]
        self.addresses = [(each.main_ip, each.own_ip) for each in inputs]
        self.next(self.end)

    @step
    def end(self):
        pass
"""


def test_containers_of_a_gang_reach_the_first_and_are_repeated_together(dockerflow, results, tmp_path):
    (tmp_path / "flow.py").write_text(textwrap.dedent(FLOW))
    dockerflow("run", "flow.py", "--run-id-file", "run-id", "--max-workers", "1")
    run = results.Run(f"Gang/{(tmp_path / 'run-id').read_text()}")
    assert run.data.heard == [b"from 1", b"from 0"]
    (main, first), (same, second) = run["join"].task.data.addresses
    assert main == same == first
    assert first != second
    assert sorted(task.data.number for task in run["node"]) == [0, 1]
    attempts = [[each.value for each in task.metadata if each.name == "attempt"] for task in run["node"]]
    assert attempts == [["0", "1"]] * 2


@pytest.mark.parametrize("network", ["none"])
def test_gang_without_a_network_is_refused_before_the_run(dockerflow, variables, tmp_path, monkeypatch, network):
    (tmp_path / "flow.py").write_text(textwrap.dedent(FLOW))
    monkeypatch.setitem(variables, "DOCKERFLOW_NETWORK", network)
    done = dockerflow("run", "flow.py", code=1)
    line = next(n for n, text in enumerate(FLOW.splitlines(), 1) if "def node" in text)
    assert done.stderr == (
        f"error: the tasks of step `node` (flow.py:{line}) are a gang, and containers have no network: `network` is "
        "`none`\n\n"
        "hint: set `network` to `bridge` in the configuration, or `DOCKERFLOW_NETWORK=bridge` for one run\n"
    )
