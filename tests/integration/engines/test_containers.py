"""What a worker's container may do and how it ends, on Docker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docker
import pytest

from dockerflow.engines.docker import DockerHost, DockerWorker
from dockerflow.engines.errors import EngineError, ImageNotOnEngine
from dockerflow.engines.worker import WorkerEnded
from dockerflow.runtime.messages import Ready
from tests.integration.engines.conversation import LIMIT, Conversation, Scene


@pytest.fixture
def inspected(scene: Scene, docker_client: docker.DockerClient) -> dict[str, Any]:
    """What the engine says about the container of a worker with limits."""
    worker = scene.start(cpu=0.5, memory=256, labels={"dockerflow.test": "engines", "dockerflow.step": "start"})
    return docker_client.api.inspect_container(_id(worker))


def test_a_container_may_do_as_little_as_possible(inspected: dict[str, Any]) -> None:
    host = inspected["HostConfig"]
    assert host["ReadonlyRootfs"] is True
    assert host["CapDrop"] == ["ALL"]
    assert not host["CapAdd"]
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert host["Privileged"] is False
    assert not host["Init"]
    assert host["PidsLimit"] == 4096
    assert inspected["Config"]["User"] not in ("", "0", "root", "0:0")


def test_a_container_has_the_limits_asked_for_and_no_swap(inspected: dict[str, Any]) -> None:
    host = inspected["HostConfig"]
    assert host["NanoCpus"] == 500_000_000
    assert host["Memory"] == host["MemorySwap"] == 256 << 20


def test_a_container_sees_of_this_machine_only_blobs_and_outbox(inspected: dict[str, Any]) -> None:
    mounts = {mount["Destination"]: (mount["Type"], mount["RW"]) for mount in inspected["Mounts"]}
    assert mounts == {
        "/dockerflow/blobs": ("bind", False),
        "/dockerflow/outbox": ("bind", True),
        "/tmp": ("volume", True),
        "/work": ("volume", True),
    }


def test_a_container_is_removed_by_the_engine_and_its_input_ends_with_us(inspected: dict[str, Any]) -> None:
    assert inspected["HostConfig"]["AutoRemove"] is True
    assert inspected["Config"]["StdinOnce"] is True
    assert inspected["HostConfig"]["LogConfig"]["Type"] == "none"


def test_a_container_has_its_name_and_labels(scene: Scene, inspected: dict[str, Any]) -> None:
    assert inspected["Name"] == "/" + scene.conversations[0].request.name
    assert inspected["Config"]["Labels"].items() >= {"dockerflow.step": "start"}.items()


@pytest.mark.parametrize("network", ["bridge", "none", "host"])
def test_the_network_is_the_one_asked_for(scene: Scene, docker_client: docker.DockerClient, network: str) -> None:
    worker = scene.start(network=network)
    assert docker_client.api.inspect_container(_id(worker))["HostConfig"]["NetworkMode"] == network


def test_a_task_sees_a_hardened_world(scene: Scene) -> None:
    worker = scene.start(environment={"COLOUR": "green"})
    seen = worker.artifacts(worker.run("looks_around")[1])
    assert seen["uid"] == (os.getuid() or 65534)
    assert seen["unwritable"] == ["/", "/opt", "/usr/bin", "/dockerflow/blobs", "/etc"]
    assert seen["writable"] == ["/tmp", "/work", "/dockerflow/outbox", "."]
    assert seen["sockets"] == []
    assert seen["core"] == (0, 0)
    assert int(seen["status"]["CapEff"], 16) == int(seen["status"]["CapBnd"], 16) == 0
    assert seen["status"]["NoNewPrivs"] == "1"
    assert seen["environment"]["HOME"] == "/work"
    assert seen["environment"]["USER"] == seen["environment"]["LOGNAME"] != ""
    assert seen["environment"]["COLOUR"] == "green"


def test_more_cores_than_there_are_means_all_of_them(scene: Scene) -> None:
    assert isinstance(scene.start(cpu=4096).next(), Ready)


def test_a_task_that_takes_too_much_memory_is_named_with_the_limit_and_the_worker_goes_on(scene: Scene) -> None:
    worker = scene.start(memory=128)
    lines, result = worker.run("eats_memory")
    assert ("stdout", "hungry") in lines
    assert result.failure is not None
    assert result.failure.kind == "out_of_memory"
    assert "128 MiB" in result.failure.message
    assert "@resources" in result.failure.hint
    assert worker.run("start")[1].ok


def test_a_kill_without_want_of_memory_is_no_out_of_memory_also_after_one(scene: Scene) -> None:
    worker = scene.start(memory=128)
    worker.run("eats_memory")
    failure = worker.run("kills_itself")[1].failure
    assert failure is not None
    assert failure.kind == "signal"


def test_a_failure_for_a_child_that_was_killed_for_its_memory_says_so(scene: Scene) -> None:
    failure = scene.start(memory=128).run("its_child_eats_memory")[1].failure
    assert failure is not None
    assert failure.type_name == "subprocess.CalledProcessError"
    assert "@resources" in failure.hint


def test_a_worker_that_runs_out_of_memory_itself_says_so_with_the_limit(scene: Scene) -> None:
    worker = scene.start("Greedy", memory=64, environment={"HOLD_MIB": "512"})
    ended = worker.next()
    assert isinstance(ended, WorkerEnded)
    assert ended.out_of_memory
    assert ended.failure().kind == "out_of_memory"
    assert "64 MiB" in ended.failure().message


def test_a_worker_killed_from_outside_did_not_run_out_of_memory(
    scene: Scene, docker_client: docker.DockerClient
) -> None:
    worker = scene.start(memory=128)
    worker.run("eats_memory")
    docker_client.api.kill(_id(worker))
    ended = worker.until(WorkerEnded)
    assert ended.exit_code == 137
    assert not ended.out_of_memory


def test_a_fork_bomb_is_limited_and_leaves_nothing_and_is_told_how_many_there_may_be(
    scene: Scene, docker_client: docker.DockerClient
) -> None:
    """The limit is the engine's to hold: a low one shows that as well, and costs who else uses the machine nothing."""
    worker = scene.start()
    worker.until(Ready)
    url = docker_client.api._url("/containers/{0}/update", _id(worker))
    docker_client.api._post_json(url, data={"PidsLimit": 50}).raise_for_status()
    lines, result = worker.run("forks_without_end")
    assert 40 < int(lines[0][1]) < 50
    assert result.failure is not None
    assert result.failure.type_name == "builtins.BlockingIOError"
    assert "may have 50 processes and threads, and this task wanted more" in result.failure.hint
    assert len(worker.artifacts(worker.run("counts_processes")[1])["processes"]) == 1


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_an_ended_container_is_gone_with_its_volumes(
    scene: Scene, docker_client: docker.DockerClient, how: str
) -> None:
    worker = scene.start()
    container_id = _id(worker)
    volumes = [
        mount["Name"] for mount in docker_client.api.inspect_container(container_id)["Mounts"] if "Name" in mount
    ]
    assert len(volumes) == 2
    getattr(worker.worker, how)()
    worker.until(WorkerEnded)
    _wait_until(lambda: not _exists(docker_client, container_id))
    _wait_until(lambda: not set(volumes) & {volume.name for volume in docker_client.volumes.list()})


def test_a_killed_scheduler_leaves_no_container(scene: Scene, docker_client: docker.DockerClient) -> None:
    request = scene.request(labels={"dockerflow.test": "killed"})
    holder = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("holder.py")), scene.parameters],
        input=repr(request).replace("PosixPath(", "Path("),
        stdout=subprocess.PIPE,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert holder.returncode == -signal.SIGKILL
    _wait_until(lambda: not _exists(docker_client, holder.stdout.strip()), seconds=10)


def test_an_image_that_the_engine_lacks_is_an_error(scene: Scene) -> None:
    with pytest.raises(ImageNotOnEngine, match="dockerflow-test/no-such-image"):
        scene.start(image="dockerflow-test/no-such-image:1")


def test_an_image_without_the_python_is_an_error_with_the_reason_and_leaves_no_container(
    image: str, tmp_path: Path, docker_client: docker.DockerClient
) -> None:
    host = DockerHost.connect(python="/no/such/python")
    try:
        scene = Scene(host, tmp_path, image)
        request = scene.request()
        with pytest.raises(EngineError, match="/no/such/python"):
            host.start_worker(request, lambda worker_id, said: None)
        assert not docker_client.containers.list(all=True, filters={"name": request.name})
    finally:
        host.close()


def test_a_container_that_cannot_be_made_is_an_error_and_leaves_none(
    scene: Scene, docker_client: docker.DockerClient, tmp_path: Path
) -> None:
    request = scene.request(outbox=tmp_path / "missing")
    with pytest.raises(EngineError, match="missing"):
        scene.host.start_worker(request, lambda worker_id, said: None)
    assert not docker_client.containers.list(all=True, filters={"name": request.name})


def test_a_name_that_is_taken_is_an_error(scene: Scene) -> None:
    name = scene.start().request.name
    with pytest.raises(EngineError, match="already in use"):
        scene.start(name=name)


def test_a_task_can_open_nothing_of_any_other_process(scene: Scene) -> None:
    worker = scene.start()
    _, result = worker.run("writes_into_the_worker")
    assert worker.artifacts(result)["written"] == []
    assert worker.run("start")[1].ok


def test_a_container_that_speaks_no_protocol_is_ended(image: str, tmp_path: Path) -> None:
    host = DockerHost.connect(python="/bin/echo")
    try:
        ended = Scene(host, tmp_path, image).start().next()
        assert isinstance(ended, WorkerEnded)
        assert "not a worker message" in ended.diagnostics
    finally:
        host.close()


def _id(worker: Conversation) -> str:
    assert isinstance(worker.worker, DockerWorker)
    return worker.worker.container_id


def _exists(client: docker.DockerClient, container_id: str) -> bool:
    try:
        client.api.inspect_container(container_id)
    except docker.errors.NotFound:
        return False
    return True


def _wait_until(holds: Callable[[], bool], seconds: float = LIMIT) -> None:
    """The engine has no event for a container that is wholly gone: ask until it is."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
