"""A task that fills its memory limit while others run, in its own step and in another: it alone pays for that."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import docker
import pytest

from dockerflow.store import history
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.history import Attempt
from tests.channel import LocalChannel
from tests.faults.test_lost_containers import read_until

# The greedy one begins when all three run, and the others go on when it is over: the test tells them by files.
FLOW = """
import os
import socket
import time
from dockerflow import FlowSpec, conda_base, current, resources, retry, step

def wait_for(sign):
    while not os.path.exists("/tmp/" + sign):
        time.sleep(0.01)

@conda_base(python="3.11")
class Memory(FlowSpec):
    @step
    def start(self):
        self.next(self.split, self.other)

    @step
    def split(self):
        self.who = ["modest", "greedy"]
        self.next(self.work, foreach="who")

    @retry(times=TIMES, minutes_between_retries=0)
    @resources(memory=128)
    @step
    def work(self):
        self.tried = current.retry_count
        if self.input == "modest":
            self.held = b"m" * (32 << 20)
            print("modest waits in", socket.gethostname())
            wait_for("over")
        elif not self.tried:
            print("greedy waits in", socket.gethostname())
            wait_for("begin")
            held = [b"g" * (1 << 20) for _ in range(1024)]
        self.next(self.join)

    @resources(memory=128)
    @step
    def other(self):
        self.held = b"o" * (32 << 20)
        print("other waits in", socket.gethostname())
        wait_for("over")
        self.next(self.both)

    @step
    def join(self, inputs):
        self.sizes = [len(inputs[0].held)]
        self.next(self.both)

    @step
    def both(self, inputs):
        self.sizes = [*inputs.join.sizes, len(inputs.other.held)]
        print("sizes", self.sizes)
        self.next(self.end)

    @step
    def end(self):
        pass
"""

Place = tuple[str, int | None]

MODEST, GREEDY, OTHER = ("work", 0), ("work", 1), ("other", None)


@pytest.mark.parametrize("times", [1, 0], ids=["retried", "not retried"])
def test_who_fills_its_memory_fails_alone_and_what_ran_beside_it_ends_well(
    docker_client: docker.DockerClient, test_channel: LocalChannel, shared_cache: Path, tmp_path: Path, times: int
) -> None:
    (tmp_path / "flow.py").write_text(textwrap.dedent(FLOW).replace("TIMES", str(times)))
    words = ["run", "flow.py", "--max-workers", "3", "--run-id-file", "run-id", "--store", "store"]
    with subprocess.Popen(
        [Path(sys.executable).with_name("dockerflow"), *words],
        cwd=tmp_path,
        env={**os.environ, "DOCKERFLOW_CHANNELS": test_channel.url, "DOCKERFLOW_CACHE_DIR": str(shared_cache)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            said = read_until(process, "modest waits in", "greedy waits in", "other waits in")
            containers = dict(re.findall(r"(\w+) waits in (\w+)", said))
            show(docker_client, containers["greedy"], "begin")
            read_until(process, "failed after")
            show(docker_client, containers["modest"], "over")
            show(docker_client, containers["other"], "over")
            told, _ = process.communicate(timeout=120)
        finally:
            process.kill()
    assert process.returncode == (0 if times else 1), told
    assert ("sizes [33554432, 33554432]" in told) == bool(times)

    ended = {place: [one.finished for one in each if one.finished] for place, each in attempts(tmp_path).items()}
    for beside in (MODEST, OTHER):
        assert [one.ok for one in ended[beside]] == [True]
    greedy = ended[GREEDY]
    assert [one.ok for one in greedy] == ([False, True] if times else [False])
    failure = greedy[0].failure
    assert failure is not None
    assert failure.kind == "out_of_memory"
    assert "128 MiB" in failure.message
    assert "@resources(memory=" in failure.hint


def show(client: docker.DockerClient, container: str, sign: str) -> None:
    """Make the file that a task waits for, in its container."""
    assert client.containers.get(container).exec_run(["touch", f"/tmp/{sign}"]).exit_code == 0


def attempts(folder: Path) -> dict[Place, tuple[Attempt, ...]]:
    """Of every task, by its step and its place in the foreach."""
    found = history.read(DirectoryStore(folder / "store"), "Memory", (folder / "run-id").read_text())
    return {
        (task.created.step, task.created.foreach[-1][2] if task.created.foreach else None): tuple(task.attempts)
        for task in found.tasks.values()
    }
