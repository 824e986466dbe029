"""What a worker on a remote host must be on every engine: there when the connection to it is not, and gone in time."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest

from dockerflow.engines.collecting import NotBack
from dockerflow.engines.docker import DockerHost
from dockerflow.engines.errors import EngineError
from dockerflow.engines.lasting import LastingWorker
from dockerflow.engines.worker import Notify, Said, Worker, WorkerEnded, WorkerRequest
from dockerflow.host_settings import HostSettings
from dockerflow.runtime.messages import Broken, Inline, Log, Ready, RunTask, TaskResult
from dockerflow.runtime.session import DEFAULT, Waits
from tests.engines.daemons import Engine
from tests.engines.fixtures import bring, saved
from tests.integration.engines.conftest import PYTHON
from tests.integration.engines.conversation import Conversation, Scene
from tests.integration.engines.test_engine_contract import wait_until
from tests.integration.engines.wire import Wire

HOLDER = Path(__file__).with_name("lasting_holder.py")

NUMBERS = [f"{number:099d}" for number in range(200_000)]


@pytest.fixture(scope="module")
def image_archive(image: str, docker_client: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(docker_client, image, tmp_path_factory.mktemp("image") / "image.tar")


@pytest.fixture(scope="module")
def filled(engine: Engine, image_archive: Path) -> Engine:
    bring(engine, image_archive)
    return engine


@pytest.fixture
def wire(filled: Engine, tmp_path: Path) -> Iterator[Wire]:
    wire = Wire(tmp_path / "wire.sock", filled.url)
    yield wire
    wire.close()


@pytest.fixture
def reach(wire: Wire) -> Iterator[Callable[..., DockerHost]]:
    """Another DockerHost for the same host, over the wire."""
    made: list[DockerHost] = []

    def reach(patience: float = 180.0) -> DockerHost:
        made.append(DockerHost.reach(HostSettings("box", wire.url), patience, PYTHON))
        return made[-1]

    yield reach
    for host in made:
        host.close()


@pytest.fixture
def open_scene(
    reach: Callable[..., DockerHost], wire: Wire, image: str, tmp_path: Path
) -> Iterator[Callable[..., Scene]]:
    """On the host; it is closed whatever was done to the wire."""
    made: list[Scene] = []

    def open_scene(patience: float = 180.0, waits: Waits = DEFAULT) -> Scene:
        host = reach(patience)
        host.waits = waits
        made.append(Scene(host, tmp_path / f"scene-{len(made)}", image))
        return made[-1]

    yield open_scene
    wire.come_back()
    wire.forget()
    for scene in made:
        scene.close()


@pytest.fixture
def scene(open_scene: Callable[..., Scene]) -> Scene:
    return open_scene()


def adopted(scene: Scene, host: DockerHost, request: WorkerRequest) -> Conversation:
    """The worker that another has started for this request."""
    conversation = Conversation(scene, request, lambda request, notify: host.adopt(request.name, request, notify))
    scene.conversations.append(conversation)
    return conversation


def at_the_engine(engine: Engine, request: WorkerRequest, *command: str) -> int:
    """The status of a command in the container, by a connection that is not the wire's."""
    api = engine.client.api
    made = api.exec_create(request.name, list(command))["Id"]
    api.exec_start(made)
    return int(api.exec_inspect(made)["ExitCode"])


def tell(engine: Engine, request: WorkerRequest) -> None:
    """Let the task `prints_until_told` end, and wait until it has."""
    assert at_the_engine(engine, request, "touch", "/tmp/told") == 0
    wait_until(lambda: at_the_engine(engine, request, "test", "!", "-e", "/work/task-1") == 0)


def is_there(engine: Engine, request: WorkerRequest) -> bool:
    """By the list: Podman answers with an internal error for a container that is going while it is asked for it."""
    listed = engine.client.api.containers(all=True)
    return any(f"/{request.name}" in (each.get("Names") or ()) for each in listed)


def test_a_task_runs_and_its_lines_and_artifacts_come(scene: Scene) -> None:
    worker = scene.start()
    assert isinstance(worker.worker, LastingWorker)
    lines, result = worker.run("start")
    assert sorted(lines) == [("stderr", "careful"), ("stdout", "hello")]
    assert worker.artifacts(result)["answer"] == 42
    worker.worker.stop()
    assert worker.until(WorkerEnded) == WorkerEnded(0)


@pytest.mark.parametrize("seed", [1, 2])
def test_every_line_comes_once_however_often_the_connection_breaks(scene: Scene, wire: Wire, seed: int) -> None:
    generator, lines, cuts = random.Random(seed), list[str](), -1
    worker = scene.start()
    worker.until(Ready)
    worker.send("prints_numbers")
    while not isinstance(said := worker.next(), TaskResult):
        assert isinstance(said, Log), said
        lines += [line.text for line in said.lines]
        if wire.cuts != cuts:
            cuts = wire.cuts
            wire.cut_after(generator.randrange(4_000_000))
    assert lines == NUMBERS
    assert wire.cuts > 2
    assert said.ok
    assert worker.run("start")[1].ok


def test_every_line_comes_once_when_the_engine_does_not_notice_that_nobody_reads(scene: Scene, wire: Wire) -> None:
    """It then waits for a client that is gone, and nobody else gets anything, until it notices."""
    worker = scene.start()
    worker.until(Ready)
    wire.cut_after(200_000, tells=False)
    worker.send("prints_numbers")
    wait_until(lambda: wire.cuts == 1)
    first = worker.until(Log)
    wire.forget()
    lines, result = worker.outcome()
    assert [line.text for line in first.lines] + [text for _, text in lines] == NUMBERS
    assert result.ok


def test_a_task_ends_while_nobody_listens_and_nothing_of_it_is_lost(scene: Scene, wire: Wire, filled: Engine) -> None:
    worker = scene.start()
    worker.send("prints_until_told")
    assert worker.until(Log).lines[0].text == "waiting"
    wire.leave()
    tell(filled, worker.request)
    wire.come_back()
    lines, result = worker.outcome()
    assert lines == [("stdout", "told")]
    assert worker.artifacts(result)["answer"] == 42
    assert worker.run("start")[1].ok


def test_a_large_task_arrives_whole_though_the_connection_breaks(scene: Scene, wire: Wire) -> None:
    worker = scene.start()
    worker.until(Ready)
    known = (Inline.of("0" * 64, bytes(24 << 20)),)
    wire.cut_after(1)  # the first acknowledgement of it
    worker.worker.send(RunTask("Hostile", "1", "start", "1", 0, True, scene.parameters, (), known=known))
    lines, result = worker.outcome()
    assert len(lines) == 2
    assert result.ok
    assert wire.cuts == 1


def test_who_adopts_a_worker_gets_its_task_and_who_had_it_hears_so(
    scene: Scene, reach: Callable[..., DockerHost], filled: Engine
) -> None:
    first = scene.start()
    first.send("prints_until_told")
    first.until(Log)
    second = adopted(scene, reach(), first.request)
    ended = first.until(WorkerEnded)
    assert "another scheduler" in ended.failure().message
    tell(filled, first.request)
    lines, result = second.outcome()
    assert lines[-1] == ("stdout", "told")
    assert result.ok
    second.worker.stop()
    assert second.until(WorkerEnded).exit_code is not None
    wait_until(lambda: not is_there(filled, first.request))


@pytest.mark.parametrize("ends_meanwhile", [False, True])
def test_a_worker_of_a_killed_scheduler_is_adopted(
    scene: Scene, reach: Callable[..., DockerHost], filled: Engine, ends_meanwhile: bool
) -> None:
    request = scene.request()
    holder = subprocess.Popen(
        [sys.executable, str(HOLDER), filled.url, scene.parameters, "prints_until_told"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdin is not None
    assert holder.stdout is not None
    with holder:
        holder.stdin.write(repr(request).replace("PosixPath(", "Path(") + "\n")
        holder.stdin.flush()
        assert holder.stdout.readline().strip() == request.name
        holder.kill()
    if ends_meanwhile:
        tell(filled, request)
    worker = adopted(scene, reach(), request)
    if not ends_meanwhile:
        tell(filled, request)
    lines, result = worker.outcome()
    assert lines in ([("stdout", "told")], [("stdout", "waiting"), ("stdout", "told")])
    assert worker.artifacts(result)["answer"] == 42


def test_a_worker_that_has_ended_is_not_adopted(scene: Scene, reach: Callable[..., DockerHost], filled: Engine) -> None:
    first = scene.start()
    first.run("start")
    first.send("looks_at_itself")
    first.outcome()
    first.worker.stop()
    first.until(WorkerEnded)
    wait_until(lambda: not is_there(filled, first.request))
    with pytest.raises(EngineError, match=first.request.name):
        adopted(scene, reach(), first.request)


def test_a_task_cannot_reach_the_protocol(scene: Scene) -> None:
    worker = scene.start()
    assert worker.run("writes_everywhere")[1].ok
    assert worker.artifacts(worker.run("writes_into_the_worker")[1])["written"] == []
    assert worker.run("leaves_a_daemon")[1].ok
    assert worker.run("start")[1].ok


def test_a_worker_that_runs_out_of_memory_itself_says_so_with_the_limit(scene: Scene) -> None:
    ended = scene.start("Greedy", memory=64, environment={"HOLD_MIB": "512"}).next()
    assert isinstance(ended, WorkerEnded)
    assert ended.failure().kind == "out_of_memory"
    assert "64 MiB" in ended.failure().message


def test_a_container_killed_through_the_engine_did_not_run_out_of_memory(scene: Scene, filled: Engine) -> None:
    worker = scene.start(memory=128)
    worker.run("eats_memory")
    filled.client.api.kill(worker.request.name)
    ended = worker.until(WorkerEnded)
    assert ended.exit_code == 137
    assert not ended.out_of_memory


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_an_ended_container_is_gone_with_its_volumes(scene: Scene, filled: Engine, how: str) -> None:
    client, worker = filled.client, scene.start()
    worker.send("prints_and_waits")
    worker.until(Log)
    mounts = client.api.inspect_container(worker.request.name)["Mounts"]
    volumes = {mount["Name"] for mount in mounts if mount.get("Name")}
    assert len(volumes) == 2
    getattr(worker.worker, how)()
    assert worker.until(WorkerEnded).exit_code in ((0,) if how == "stop" else (137,))
    wait_until(lambda: not is_there(filled, worker.request))
    wait_until(lambda: not volumes & {volume.name for volume in client.volumes.list()})


def test_a_worker_is_killed_though_its_relay_does_not_answer(scene: Scene, filled: Engine) -> None:
    worker = scene.start()
    worker.send("prints_and_waits")
    worker.until(Log)
    filled.client.api.kill(worker.request.name, "SIGSTOP")  # which goes to the first process alone
    worker.worker.kill()
    assert worker.until(WorkerEnded).exit_code == 137
    wait_until(lambda: not is_there(filled, worker.request))


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_what_is_ended_while_its_host_is_away_ends_when_it_is_back(
    scene: Scene, wire: Wire, filled: Engine, how: str
) -> None:
    worker = scene.start()
    worker.send("prints_and_waits")
    worker.until(Log)
    wire.leave()
    getattr(worker.worker, how)()
    assert is_there(filled, worker.request)
    wire.come_back()
    assert worker.until(WorkerEnded).exit_code in ((0,) if how == "stop" else (137,))
    wait_until(lambda: not is_there(filled, worker.request))


def test_a_host_that_is_given_up_is_named_and_its_containers_end_when_it_is_back(
    open_scene: Callable[..., Scene], wire: Wire, filled: Engine
) -> None:
    worker = open_scene(patience=0.5).start()
    worker.send("prints_and_waits")
    worker.until(Log)
    wire.leave()
    failure = worker.until(WorkerEnded).failure()
    assert failure.kind == "lost"
    assert failure.message.startswith("the host `box` did not answer for 0.5 s: ")
    assert is_there(filled, worker.request)
    wire.come_back()
    wait_until(lambda: not is_there(filled, worker.request))


def test_a_worker_whose_host_was_given_up_while_its_result_was_brought_is_lost_though_the_host_is_back(
    scene: Scene, filled: Engine
) -> None:
    """The task would never end: its result is not heard, and the host answers before it is looked at again."""

    def start(request: WorkerRequest, notify: Notify) -> Worker:
        def hear(worker_id: int, said: Said) -> None:
            if isinstance(said, TaskResult):
                raise NotBack
            notify(worker_id, said)

        return scene.host.start_worker(request, hear)

    worker = Conversation(scene, scene.request(), start)
    scene.conversations.append(worker)
    worker.send("start")
    failure = worker.until(WorkerEnded).failure()
    assert failure.kind == "lost"
    assert failure.message == "the host `box` did not answer for 180 s, and answers again"
    wait_until(lambda: not is_there(filled, worker.request))


def test_a_worker_without_a_task_that_nobody_hears_ends_by_itself(
    open_scene: Callable[..., Scene], wire: Wire, filled: Engine
) -> None:
    worker = open_scene(waits=Waits(gone=1.0, idle=1.0)).start()
    worker.until(Ready)
    wire.leave()
    wait_until(lambda: not is_there(filled, worker.request))
    wire.come_back()
    assert "status 0" in worker.until(WorkerEnded).failure().message


def test_a_task_that_nobody_hears_goes_on_and_its_result_is_kept_for_a_while(
    open_scene: Callable[..., Scene], wire: Wire, filled: Engine
) -> None:
    worker = open_scene(waits=Waits(gone=0.5, idle=0.5, kept=15.0)).start()
    worker.send("prints_until_told")
    worker.until(Log)
    wire.leave()
    tell(filled, worker.request)
    assert is_there(filled, worker.request)
    wait_until(lambda: not is_there(filled, worker.request))


def test_a_flow_that_cannot_be_imported_is_said_and_the_container_ends(scene: Scene, filled: Engine) -> None:
    worker = scene.start("Unimportable")
    assert isinstance(worker.next(), Broken)
    assert worker.until(WorkerEnded).exit_code == 1
    wait_until(lambda: not is_there(filled, worker.request))
