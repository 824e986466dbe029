"""Whole runs on remote hosts that are cut off, die, or are left by their scheduler: nothing is lost or done twice."""

from __future__ import annotations

import random
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.far_runs import BLOCK, PATIENCE, WIDTH, Scene, attempts, check, latest, once, said, wait_until, works
from tests.faults.referee import refereeing
from tests.hosts.fixtures import HostsConfig, RemoteHost, RemoteHosts
from tests.object_servers import Bucket, UseBucket

# How long a cut lasts that a run must outlive, in seconds, and for how long a host may be away before it is given up.
CUT, SOON = 60.0, 25.0

# As `/proc/net/tcp` says it.
ESTABLISHED = "01"

Here = Callable[..., Scene]


@pytest.fixture
def scene(minio_bucket: Bucket, use_bucket: UseBucket, hosts_config: HostsConfig, tmp_path: Path) -> Iterator[Here]:
    """Gives a scene of these hosts."""
    use_bucket(minio_bucket, "far")
    with refereeing() as referee, ExitStack() as running:

        def get(*hosts: RemoteHost, width: int = WIDTH) -> Scene:
            reaching = [host.reaching(minio_bucket.server) for host in hosts]
            hosts_config(*reaching)
            return Scene(tmp_path, referee, reaching, running, width)

        yield get


def two_hosts(remote_host: RemoteHosts) -> list[RemoteHost]:
    """A pool: one by SSH, one by TLS, each with room for half of the tasks."""
    hosts = [remote_host("docker 20.10"), remote_host("moby v2", "tls")]
    return [replace(host, settings=replace(host.settings, max_workers=WIDTH // 2)) for host in hosts]


def test_a_hundred_tasks_at_once_take_one_connection(remote_host, scene):
    """Of an sshd that has ten sessions on a connection, and refuses some of more than ten that are just beginning."""
    here = scene(remote_host("docker 20.10"), width=100)
    (host,) = here.hosts
    run = here.start_and_hear_all_work()
    assert len(here.containers()) == 100
    assert connections(host.address, 22) == 1
    here.referee.open()
    run.must_succeed()
    assert here.begun() == once(100)
    check(latest())
    here.check_nothing_is_left(run)


def connections(address: str, port: int) -> int:
    """How many of this machine are established to an address."""
    there = f"{int.from_bytes(socket.inet_aton(address), sys.byteorder):08X}:{port:04X}"
    listed = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(remote == there and state == ESTABLISHED for _, _, remote, state, *_ in listed)


@pytest.mark.parametrize(
    ("kind", "how", "seconds"),
    [("docker 20.10", "ssh", CUT), ("moby v2", "ssh", 25), ("podman", "ssh", 25), ("moby v2", "tls", CUT)],
)
def test_tasks_go_on_while_their_host_is_cut_off(kind, how, seconds, remote_host, scene):
    """For a minute, or for longer than a silent connection lives. Half of them end meanwhile, the others print before,
    during and after it.
    """
    here = scene(remote_host(kind, how))
    (host,) = here.hosts
    run = here.start_and_hear_all_work()
    host.cut()
    threading.Event().wait(seconds)
    assert run.process.poll() is None, run.said()
    host.mend()
    here.referee.open()
    run.must_succeed()
    assert here.begun() == once()
    assert attempts(latest()) == [1] * WIDTH
    check(latest())
    here.check_nothing_is_left(run)


@pytest.mark.parametrize("seed", range(3))
def test_a_run_outlives_cuts_at_any_moment(seed, remote_host, scene):
    """Also of a host that steps are about to start on, and of one that images are being sent to."""
    rng = random.Random(seed)
    here = scene(*two_hosts(remote_host))
    run = here.start("run")
    here.hear(run, "start")  # a command that finds no host says so at once
    here.referee.open()
    while run.process.poll() is None:
        host = rng.choice(here.hosts)
        host.cut()
        with suppress(subprocess.TimeoutExpired):
            run.process.wait(rng.uniform(0.1, 25))
        host.mend()
        with suppress(subprocess.TimeoutExpired):
            run.process.wait(rng.uniform(0.1, 5))
    run.must_succeed()
    assert here.begun() == once()
    check(latest())
    here.check_nothing_is_left(run)


def test_tasks_of_a_host_that_died_run_again_on_another_of_the_pool(remote_host, scene):
    here = scene(*two_hosts(remote_host))
    dead, other = here.hosts
    run = here.start_and_hear_all_work(DOCKERFLOW_HOST_PATIENCE=str(SOON))
    lost = {told.words for told in here.referee.told() if told.address == dead.address} & works()
    assert len(lost) == WIDTH // 2
    dead.kill()
    here.referee.open()
    run.must_succeed()
    assert dead.name in run.said()
    assert here.begun() == once() + Counter(lost)
    again = [told for told in here.referee.told() if told.words in lost][len(lost) :]
    assert {told.address for told in again} == {other.address}
    assert attempts(latest()) == [2 if f"work {number}" in lost else 1 for number in range(WIDTH)]
    check(latest())
    assert [each.name for each in other.client.containers.list(all=True)] == []


def test_a_run_whose_only_host_died_says_which(remote_host, scene):
    here = scene(remote_host("docker 20.10"))
    (host,) = here.hosts
    run = here.start_and_hear_all_work(DOCKERFLOW_HOST_PATIENCE=str(SOON))
    host.kill()
    assert run.ended() == 1, run.said()
    assert f"host `{host.name}`" in run.said()
    assert "Traceback" not in run.said()
    assert here.begun() == once() - Counter(["join", "end"])
    assert latest().status == "failed"


@pytest.mark.parametrize("ended", [False, True], ids=["they run", "they have ended"])
@pytest.mark.parametrize("kind", ["docker 20.10", "podman"])
def test_tasks_whose_scheduler_was_killed_are_adopted(kind, ended, remote_host, scene):
    here = scene(remote_host(kind))
    killed = here.start_and_hear_all_work()
    killed.process.kill()
    killed.process.wait()
    origin = latest()
    if ended:
        here.referee.open()
        assert here.referee.wait({f"worked {number}" for number in range(WIDTH)}.issubset, PATIENCE)
    resumed = here.start("resume", "--attach")
    if not ended:
        wait_until(lambda: latest().id != origin.id, resumed)
        here.referee.open()
    resumed.must_succeed()
    assert here.begun() == once()
    run = latest()
    assert run.origin_run_id == origin.id
    assert run["join"].task.data.blocks == [BLOCK] * WIDTH
    lines = run["join"].task.data.lines
    # From the first line on, also those that the first scheduler has read.
    assert {task.index: task.stdout for task in run["work"]} == {n: said(n, lines[n]) for n in range(WIDTH)}
    here.check_nothing_is_left(resumed)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "ended by the system"])
def test_a_run_that_is_stopped_leaves_no_container_on_any_host(sent, remote_host, scene):
    here = scene(*two_hosts(remote_host))
    run = here.start_and_hear_all_work()
    run.process.send_signal(sent)
    assert run.ended() == 128 + sent, run.said()
    here.check_nothing_is_left(run)
    assert latest().status == "stopped"
    assert here.begun() == once() - Counter(["join", "end"])
