"""What a worker's container must be on every engine: confined, limited, ended with us, and honest about its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from dockerflow.engines.docker import DockerHost, DockerWorker
from dockerflow.engines.errors import EngineError, ImageNotOnEngine
from dockerflow.engines.leftovers import remove_leftovers
from dockerflow.engines.worker import WorkerEnded
from dockerflow.runtime.messages import Log, Ready
from dockerflow.setup.channel import LocalChannel
from tests.channel import PYTHON as VERSION
from tests.engines.daemons import Engine
from tests.engines.fixtures import bring
from tests.integration.engines.conftest import PYTHON
from tests.integration.engines.conversation import LIMIT, Conversation, Scene


@pytest.fixture(scope="session")
def host(engine: Engine, image_archive: Path) -> Iterator[DockerHost]:
    bring(engine, image_archive)
    host = DockerHost.connect(engine.url, python=PYTHON)
    yield host
    host.close()


@pytest.fixture
def scene(host: DockerHost, image: str, tmp_path: Path) -> Iterator[Scene]:
    scene = Scene(host, tmp_path, image)
    yield scene
    scene.close()


def test_a_task_runs_and_its_lines_and_artifacts_come(scene: Scene) -> None:
    worker = scene.start()
    lines, result = worker.run("start")
    assert sorted(lines) == [("stderr", "careful"), ("stdout", "hello")]
    assert worker.artifacts(result)["answer"] == 42
    worker.worker.stop()
    assert worker.until(WorkerEnded) == WorkerEnded(0)


def test_a_task_sees_a_hardened_world(scene: Scene) -> None:
    worker = scene.start(environment={"COLOUR": "green"}, cpu=0.5, memory=256)
    seen: dict[str, Any] = worker.artifacts(worker.run("looks_around")[1])
    assert seen["uid"] == (os.getuid() or 65534)
    assert seen["unwritable"] == ["/", "/opt", "/usr/bin", "/dockerflow/blobs", "/etc"]
    assert seen["writable"] == ["/tmp", "/work", "/dockerflow/outbox", "."]
    assert seen["core"] == (0, 0)
    assert int(seen["status"]["CapEff"], 16) == int(seen["status"]["CapBnd"], 16) == 0
    assert seen["status"]["NoNewPrivs"] == "1"
    assert seen["status"]["Seccomp"] == "2"
    assert seen["environment"]["HOME"] == "/work"
    assert seen["environment"]["COLOUR"] == "green"


@pytest.mark.parametrize("network", ["bridge", "none", "host"])
def test_a_worker_starts_in_the_network_asked_for(scene: Scene, network: str) -> None:
    worker = scene.start(network=network)
    assert worker.run("start")[1].ok
    found = scene_client(scene).api.inspect_container(container_id(worker))
    assert found["HostConfig"]["NetworkMode"] == network


def test_a_task_cannot_reach_the_protocol(scene: Scene) -> None:
    worker = scene.start()
    assert worker.run("writes_everywhere")[1].ok
    assert worker.artifacts(worker.run("writes_into_the_worker")[1])["written"] == []
    assert worker.run("start")[1].ok


def test_a_task_that_takes_too_much_memory_is_named_with_the_limit_and_the_worker_goes_on(scene: Scene) -> None:
    worker = scene.start(memory=128)
    failure = worker.run("eats_memory")[1].failure
    assert failure is not None
    assert failure.kind == "out_of_memory"
    assert "128 MiB" in failure.message
    other = worker.run("kills_itself")[1].failure
    assert other is not None
    assert other.kind == "signal"
    assert worker.run("start")[1].ok


def test_a_worker_that_runs_out_of_memory_itself_says_so_with_the_limit(scene: Scene) -> None:
    ended = scene.start("Greedy", memory=64, environment={"HOLD_MIB": "512"}).next()
    assert isinstance(ended, WorkerEnded)
    assert ended.failure().kind == "out_of_memory"
    assert "64 MiB" in ended.failure().message


def test_a_worker_killed_through_the_engine_did_not_run_out_of_memory(scene: Scene) -> None:
    worker = scene.start(memory=128)
    worker.run("eats_memory")
    scene_client(scene).api.kill(container_id(worker))
    ended = worker.until(WorkerEnded)
    assert ended.exit_code == 137
    assert not ended.out_of_memory


def test_the_number_of_processes_is_limited(scene: Scene) -> None:
    found = scene_client(scene).api.inspect_container(container_id(scene.start()))
    assert found["HostConfig"]["PidsLimit"] == 4096


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_an_ended_container_is_gone_with_its_volumes(scene: Scene, how: str) -> None:
    client, worker = scene_client(scene), scene.start()
    worker.send("prints_and_waits")
    worker.until(Log)
    mounts = client.api.inspect_container(container_id(worker))["Mounts"]
    volumes = {mount["Name"] for mount in mounts if mount.get("Name")}
    assert len(volumes) == 2
    getattr(worker.worker, how)()
    ended = worker.until(WorkerEnded)
    assert ended.exit_code in ((0,) if how == "stop" else (137,))
    wait_until(lambda: not exists(client, container_id(worker)))
    wait_until(lambda: not volumes & {volume.name for volume in client.volumes.list()})


def test_a_killed_scheduler_leaves_no_container(
    scene: Scene,
    engine: Engine,
) -> None:
    request = scene.request(labels={"dockerflow.test": "killed"})
    holder = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("holder.py")), scene.parameters],
        input=repr(request).replace("PosixPath(", "Path("),
        stdout=subprocess.PIPE,
        text=True,
        timeout=LIMIT,
        check=False,
        env={**os.environ, "DOCKER_HOST": engine.url},
    )
    assert holder.returncode == -signal.SIGKILL
    wait_until(lambda: not exists(engine.client, holder.stdout.strip()))


def test_a_container_that_was_never_started_is_found_by_its_label_and_removed(
    engine: Engine,
    image: str,
    host: DockerHost,
) -> None:
    made = engine.client.api.create_container(image, ["true"], labels={"dockerflow.run": "left-behind"})["Id"]
    assert remove_leftovers(engine.client, engine.url) == 0
    assert remove_leftovers(engine.client, engine.url, older_than=-60.0) == 1
    assert not exists(engine.client, made)


def test_an_image_that_the_engine_lacks_is_an_error(scene: Scene) -> None:
    with pytest.raises(ImageNotOnEngine, match="dockerflow-test/no-such-image"):
        scene.start(image="dockerflow-test/no-such-image:1")


def test_an_image_without_the_python_is_an_error_with_the_reason_and_leaves_no_container(
    engine: Engine,
    host: DockerHost,
    image: str,
    tmp_path: Path,
) -> None:
    other = DockerHost.connect(engine.url, python="/no/such/python")
    try:
        request = Scene(other, tmp_path, image).request()
        with pytest.raises(EngineError, match="/no/such/python"):
            other.start_worker(request, lambda worker_id, said: None)
        assert not engine.client.containers.list(all=True, filters={"name": request.name})
    finally:
        other.close()


def test_a_name_that_is_taken_is_an_error(scene: Scene) -> None:
    name = scene.start().request.name
    with pytest.raises(EngineError, match="already in use"):
        scene.start(name=name)


def test_workers_start_side_by_side(scene: Scene) -> None:
    workers = [scene.start() for _ in range(3)]
    assert all(isinstance(worker.until(Ready), Ready) for worker in workers)


FLOW = """
from dockerflow import FlowSpec, conda, conda_base, step

@conda_base(python="{python}")
class OnAnyEngine(FlowSpec):
    @conda(libraries={{"packaging": "23.2"}})
    @step
    def start(self):
        import packaging
        self.first = packaging.__version__
        self.parts = [1, 2, 3]
        self.next(self.each, foreach="parts")

    @step
    def each(self):
        self.square = self.input ** 2
        self.next(self.join)

    @step
    def join(self, inputs):
        self.squares = sorted(one.square for one in inputs)
        self.merge_artifacts(inputs, include=["first"])
        self.next(self.end)

    @conda(libraries={{"packaging": "24.1"}})
    @step
    def end(self):
        import packaging
        print("found", self.first, packaging.__version__, self.squares)
"""


def test_a_flow_runs_and_leaves_no_container(
    engine: Engine, test_channel: LocalChannel, shared_cache: Path, tmp_path: Path
) -> None:
    (tmp_path / "flow.py").write_text(FLOW.format(python=VERSION))
    variables = {
        **os.environ,
        "DOCKERFLOW_ENGINE": engine.url,
        "DOCKERFLOW_CHANNELS": test_channel.url,
        "DOCKERFLOW_CACHE_DIR": str(shared_cache),
    }
    done = subprocess.run(
        [Path(sys.executable).with_name("dockerflow"), "run", "flow.py"],
        cwd=tmp_path,
        env=variables,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "found 23.2 24.1 [1, 4, 9]" in done.stdout
    wait_until(lambda: not engine.client.api.containers(all=True, filters={"label": "dockerflow.run"}))


def scene_client(scene: Scene) -> docker.DockerClient:
    assert isinstance(scene.host, DockerHost)
    return scene.host.client


def container_id(worker: Conversation) -> str:
    assert isinstance(worker.worker, DockerWorker)
    return worker.worker.container_id


def exists(client: docker.DockerClient, wanted: str) -> bool:
    """By the list: Podman answers with an internal error for a container that is going while it is asked for it."""
    return any(each["Id"] == wanted for each in client.api.containers(all=True))


def wait_until(holds: Callable[[], bool], seconds: float = LIMIT) -> None:
    """The engine has no event for a container that is wholly gone: ask until it is."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_worker_of_a_gang_says_where_others_reach_it(scene: Scene, host: DockerHost) -> None:
    worker = scene.start(gang=True)
    worker.until(Ready)
    assert isinstance(worker.worker, DockerWorker)
    networks = host.client.api.inspect_container(worker.worker.container_id)["NetworkSettings"]["Networks"]
    assert worker.worker.address in [each["IPAddress"] for each in networks.values()]
    assert worker.worker.address.count(".") == 3


def test_workers_of_a_gang_in_the_network_of_the_machine_share_its_address(scene: Scene) -> None:
    assert scene.start(gang=True, network="host").worker.address == "127.0.0.1"


def test_a_worker_of_a_gang_without_a_network_is_not_started(scene: Scene, host: DockerHost) -> None:
    request = scene.request(gang=True, network="none")
    with pytest.raises(EngineError, match="of a gang has no address in the network `none`") as raised:
        host.start_worker(request, lambda worker_id, said: None)
    assert "set `network` to `bridge`" in (raised.value.hint or "")
    with pytest.raises(docker.errors.NotFound):
        host.client.containers.get(request.name)
