"""`dockerflow runs kill` from another process: runs that go on, and what is left of those whose scheduler is dead."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest
import yaml

from dockerflow.client import Flow
from dockerflow.store import runs, stopping
from dockerflow.store.base import Store
from dockerflow.store.journal import JournalWriter
from dockerflow.store.records import AttemptStarted, RunStarted, TaskCreated
from tests.conftest import BASE_IMAGE
from tests.integration.store.kinds import store_of
from tests.unit.cli.commands import PROGRAM, dockerflow, environment

LIMIT = 120.0  # seconds that something may take on a machine that is busy

FLOW = """
import time
from dockerflow import FlowSpec, step

class Slow(FlowSpec):
    @step
    def start(self):
        print("begun", flush=True)
        time.sleep(3600)
        self.next(self.end)

    @step
    def end(self):
        pass
"""


@dataclass
class Scene:
    """A folder with the flow, and the variables that name its store."""

    folder: Path
    store: Store
    variables: dict[str, str]

    def command(self, *words: str) -> tuple[int, list[str], str]:
        answer = dockerflow(*words, cwd=self.folder, **self.variables)
        return answer.code, answer.lines, answer.stderr

    def start(self) -> subprocess.Popen[str]:
        """A run whose task has begun."""
        process = subprocess.Popen(
            [*PROGRAM, "run", "flow.py", "--engine", "process"],
            cwd=self.folder,
            env=environment(**self.variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        while not process.stdout.readline().endswith(" begun\n"):
            assert process.poll() is None, process.communicate()
        return process

    def latest(self) -> str:
        run = Flow("Slow", store=self.store, _namespace_check=False).latest_run
        assert run is not None
        return str(run.pathspec)

    def status(self) -> list[str]:
        return [line.split()[1] for line in self.command("runs", "list")[1][1:]]


@pytest.fixture(params=["directory", "minio"])
def scene(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    (tmp_path / "flow.py").write_text(FLOW)
    if request.param == "directory":
        where = store_of("directory", tmp_path / ".dockerflow", None)
        return Scene(tmp_path, where.open(), {"DOCKERFLOW_STORE": str(where.folder)})
    bucket = request.getfixturevalue("minio_bucket")
    name = f"s3://{bucket.name}/a prefix/of tests"
    where = store_of("minio", tmp_path / "scratch", bucket)
    return Scene(tmp_path, where.open(), {"DOCKERFLOW_STORE": name, **bucket.server.settings()})


def test_a_run_is_ended_from_another_process(scene: Scene) -> None:
    """As by Ctrl-C: the run is stopped, and both sides say by whom. Nothing of the request stays."""
    with scene.start() as process:
        run = scene.latest()
        told = [
            f"the scheduler of run `{run}` is told to end it",
            f"run `{run}` is over: stopped (killed by ada)",
        ]
        assert scene.command("runs", "kill", run) == (0, told, "")
        out, err = process.communicate(timeout=LIMIT)
    assert process.returncode == 143
    assert f"run {run} stopped in " in out
    assert err == f"run `{run}` was killed by ada\n"
    assert scene.status() == ["stopped"]
    assert not scene.store.exists(stopping.stop_key(*run.split("/")))
    assert scene.command("runs", "kill", run.partition("/")[2]) == (0, told[1:], "")


def test_other_runs_go_on(scene: Scene) -> None:
    with scene.start() as first:
        run = scene.latest()
        with scene.start() as second:
            assert scene.command("runs", "kill", run)[0] == 0
            assert first.wait(LIMIT) == 143
            assert scene.status() == ["running", "stopped"]
            assert second.poll() is None
            second.terminate()
            second.communicate(timeout=LIMIT)


def test_a_run_whose_scheduler_was_killed_is_not_told_anything(scene: Scene) -> None:
    with scene.start() as process:
        run = scene.latest()
        process.kill()
        process.communicate(timeout=LIMIT)
    assert scene.status() == ["killed"]
    code, told, _ = scene.command("runs", "kill", run)
    assert (code, told[0]) == (0, f"run `{run}` is not running: its scheduler was killed")
    assert not scene.store.exists(stopping.stop_key(*run.split("/")))


def test_a_request_of_somebody_without_a_name_ends_the_run_too(scene: Scene) -> None:
    with scene.start() as process:
        run = scene.latest()
        scene.store.put(stopping.stop_key(*run.split("/")), b"no JSON")
        _, err = process.communicate(timeout=LIMIT)
    assert err == f"run `{run}` was killed by somebody\n"


# ---- what a dead scheduler has left in containers


@dataclass
class Left:
    """Runs of a store, by hand, whose schedulers are dead or are held by this process, and containers of theirs."""

    scene: Scene
    client: docker.DockerClient
    host: str
    made: list[docker.models.containers.Container]

    def run(self, run_id: str, origin: str | None = None, *containers: str) -> str:
        """Its journal tells of these containers."""
        journal = JournalWriter(self.scene.store, "Slow", run_id)
        journal.append(RunStarted(1.0, "Slow", run_id, "ada", "", "", (), origin_run_id=origin))
        for number, name in enumerate(containers, 1):
            journal.append(TaskCreated(1.0, "start", str(number)))
            journal.append(AttemptStarted(1.0, "start", str(number), 0, name, self.host))
        journal.close()
        return f"Slow/{run_id}"

    def container(self, name: str, run_id: str, flow: str = "Slow") -> None:
        labels = {"dockerflow.flow": flow, "dockerflow.run": run_id, "dockerflow.step": "start"}
        self.made.append(
            self.client.containers.run(BASE_IMAGE, ["sleep", "3600"], name=name, labels=labels, detach=True)
        )

    def there(self) -> list[str]:
        return sorted(
            each.name for each in self.client.containers.list(all=True) if each.id in {m.id for m in self.made}
        )


@pytest.fixture
def left(docker_client: docker.DockerClient, tmp_path: Path) -> Iterator[Left]:
    where = store_of("directory", tmp_path / ".dockerflow", None)
    scene = Scene(tmp_path, where.open(), {"DOCKERFLOW_STORE": str(where.folder)})
    found = Left(scene, docker_client, str(docker_client.info()["Name"]), [])
    yield found
    for container in found.made:
        with_that = found.there()
        if container.name in with_that:
            container.remove(force=True, v=True)


def test_containers_of_a_dead_run_are_removed_and_those_of_others_are_not(left: Left) -> None:
    ours = left.run("1700000000000001", None, "left-ours")
    left.container("left-ours", "1700000000000001")
    left.container("left-started-late", "1700000000000001")
    left.container("left-other-run", "1700000000000002")
    left.container("left-other-flow", "1700000000000001", flow="Other")
    code, told, err = left.scene.command("runs", "kill", ours)
    assert told == [
        f"run `{ours}` is not running: its scheduler was killed",
        f"host `{left.host}`: 2 containers removed",
    ]
    assert (code, err) == (0, "")
    assert left.there() == ["left-other-flow", "left-other-run"]


def test_containers_that_a_dead_run_had_taken_over_are_removed_with_it(left: Left) -> None:
    """They have the name and the labels of the run that has started them."""
    left.run("1700000000000001", None, "left-first")
    left.container("left-first", "1700000000000001")
    left.container("left-not-taken", "1700000000000001")
    second = left.run("1700000000000002", "1700000000000001", "left-first")
    code, told, err = left.scene.command("runs", "kill", second)
    assert (code, told[1:], err) == (0, [f"host `{left.host}`: 1 container removed"], "")
    assert left.there() == ["left-not-taken"]


def test_what_a_living_run_has_taken_over_is_its_own(left: Left) -> None:
    """Of the run that it resumes, and of one that had resumed that before and is dead."""
    origin = left.run("1700000000000001", None, "left-first")
    dead = left.run("1700000000000002", "1700000000000001", "left-first")
    left.container("left-first", "1700000000000001")
    with runs.hold(left.scene.store, "Slow", "1700000000000003"):
        heir = left.run("1700000000000003", "1700000000000001", "left-first")
        code, told, err = left.scene.command("runs", "kill", origin)
        assert (code, told) == (1, [f"run `{origin}` is not running: its scheduler was killed"])
        why = f"which goes on with it: see `dockerflow runs kill {heir}`"
        assert err == f"what run `{origin}` has left is run `{heir}`'s, {why}\n"
        assert left.scene.command("runs", "kill", dead)[1][1:] == [f"host `{left.host}`: no container removed"]
        assert left.there() == ["left-first"]


def test_a_host_that_does_not_answer_is_named(left: Left) -> None:
    run = left.run("1700000000000001", None, "left-ours")
    left.container("left-ours", "1700000000000001")
    hosts = {"hosts": {"away-box": {"url": "unix:///nowhere/docker.sock"}}}
    (left.scene.folder / ".dockerflow" / "config.yaml").write_text(yaml.safe_dump(hosts))
    code, told, err = left.scene.command("runs", "kill", run)
    assert (code, told[1:]) == (1, [f"host `{left.host}`: 1 container removed"])
    assert err.startswith(f"host `away-box`: containers of run `{run}` may be left there: ")
