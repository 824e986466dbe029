"""Runs on remote hosts that are killed from elsewhere, and values whose only way back is the engine."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from dockerflow.config import state_dir
from dockerflow.store.base import is_hash
from tests.faults.far_runs import WIDTH, Scene, check, latest, wait_until
from tests.faults.referee import refereeing
from tests.hosts.fixtures import HostsConfig, RemoteHost
from tests.object_servers import Bucket, ObjectServer, UseBucket, running
from tests.unit.cli.commands import Answer, dockerflow

Here = Callable[[RemoteHost], Scene]


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectServer]:
    """One that a test may stop."""
    with running("minio", tmp_path_factory.mktemp("minio") / "data") as server:
        yield server


@pytest.fixture
def scene(
    server: ObjectServer,
    use_bucket: UseBucket,
    hosts_config: HostsConfig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Here]:
    """Gives a scene of one host."""
    use_bucket(Bucket(server, server.bucket()), "runs")
    monkeypatch.setenv("DOCKERFLOW_USER", "ada")
    with refereeing() as referee, ExitStack() as stack:

        def get(host: RemoteHost) -> Scene:
            reaching = host.reaching(server)
            hosts_config(reaching)
            return Scene(tmp_path, referee, [reaching], stack)

        yield get


def kill(here: Scene) -> Answer:
    return dockerflow("runs", "kill", latest().pathspec, cwd=here.folder)


@pytest.mark.parametrize(("kind", "how"), [("docker 20.10", "ssh"), ("moby v2", "tls"), ("podman", "ssh")])
def test_values_that_the_bucket_could_not_take_come_by_the_engine(kind, how, remote_host, server, scene):
    """The server is away when tasks write what they have computed, and the run waits for it. Nothing runs twice."""
    here = scene(remote_host(kind, how))
    run = here.start_and_hear_all_work()
    server.stop()
    here.referee.open()
    wait_until(lambda: brought() == WIDTH, run)
    server.start()
    run.must_succeed()
    check(latest())
    assert brought() == 0
    assert here.containers() == []


def brought() -> int:
    """How many blobs the engine has given that wait on this machine for the server."""
    outboxes = state_dir().glob("stores/*/runs/Far/*/outbox/*/*")
    return sum(is_hash(path.name) for path in outboxes)


def test_a_run_on_a_host_is_killed_from_another_process(remote_host, scene):
    here = scene(remote_host("docker 20.10"))
    run = here.start_and_hear_all_work()
    answer = kill(here)
    assert (answer.code, answer.stderr) == (0, "")
    assert answer.lines[-1] == f"run `{latest().pathspec}` is over: stopped (killed by ada)"
    assert run.ended() == 143
    assert here.containers() == []


def test_what_a_killed_scheduler_has_left_on_a_host_is_removed(remote_host, scene):
    """A host that is cut off is named, and looked at again when the command is given again."""
    host = remote_host("docker 20.10")
    here = scene(host)
    run = here.start_and_hear_all_work()
    run.process.send_signal(signal.SIGKILL)
    run.ended()
    assert len(here.containers()) == WIDTH
    host.cut()
    answer = kill(here)
    assert answer.code == 1
    assert f"host `{host.name}`: containers of run `{latest().pathspec}` may be left there: " in answer.stderr
    host.mend()
    answer = kill(here)
    assert (answer.code, answer.stderr) == (0, "")
    assert f"host `{host.name}`: {WIDTH} containers removed" in answer.lines
    assert here.containers() == []


def test_what_a_run_has_left_on_a_host_that_was_away_when_it_was_stopped_goes_with_the_next(remote_host, scene):
    """Nobody could reach its containers then, and they live through a cut on purpose."""
    host = remote_host("docker 20.10")
    here = scene(host)
    run = here.start_and_hear_all_work()
    stopped = latest().pathspec
    host.cut()
    run.process.send_signal(signal.SIGINT)
    assert run.ended() == 130
    left = set(here.containers())
    assert len(left) == WIDTH
    host.mend()
    again = here.start("resume")
    wait_until(lambda: not left & set(here.containers()), again)
    assert dockerflow("runs", "kill", stopped, cwd=here.folder).lines == [f"run `{stopped}` is over: stopped (Ctrl-C)"]
    again.process.send_signal(signal.SIGINT)
    assert again.ended() == 130
