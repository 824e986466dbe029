"""What decorators say about how tasks run, as tasks find it: time limits, variables, secrets, shared memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import docker
import pytest

from dockerflow.engines import gpu
from dockerflow.engines.docker import DockerWorker
from dockerflow.engines.errors import NoGpu
from dockerflow.runtime.messages import Log, RunTask, Secret, TaskResult
from tests.integration.engines.conversation import Conversation, Scene

VALUE = "s3cr3t-value"
SECRETS = (Secret("TOKEN", VALUE),)


def send(worker: Conversation, step: str, **changes: object) -> None:
    request = RunTask(
        flow="Conditioned",
        run_id="1",
        step=step,
        task_id="1",
        attempt=0,
        last_attempt=True,
        parameters=worker.scene.parameters,
        inputs=(),
        **changes,  # type: ignore[arg-type]
    )
    worker.worker.send(request)


def run(worker: Conversation, step: str, **changes: object) -> tuple[list[tuple[str, str]], TaskResult]:
    send(worker, step, **changes)
    return worker.outcome()


@pytest.fixture
def worker(any_scene: Scene) -> Conversation:
    return any_scene.start("Conditioned")


def test_a_time_limit_is_an_exception_of_the_step(worker: Conversation) -> None:
    _, result = run(worker, "sleeps", time_limit=0.2)
    assert result.failure is not None
    assert (result.failure.kind, result.failure.type_name) == ("exception", "dockerflow.flow.errors.TimeoutException")
    assert result.failure.message == "Step sleeps timed out after 0 hours, 1 minutes, 90 seconds"
    assert "conditioned.py" in result.failure.traceback
    assert "time_limit.py" not in result.failure.traceback


def test_a_failed_attempt_keeps_what_it_had_set_before_its_time_was_over(worker: Conversation) -> None:
    _, result = run(worker, "sleeps", time_limit=0.2)
    assert result.manifest is not None


def test_a_step_may_catch_that_its_time_is_over(worker: Conversation) -> None:
    _, result = run(worker, "recovers", time_limit=0.2)
    assert worker.artifacts(result)["said"].startswith("Step recovers timed out after 0 hours, 0 minutes, 1 seconds")


def test_a_step_that_goes_on_after_its_time_is_ended_by_force(worker: Conversation) -> None:
    lines, result = run(worker, "never_ends", time_limit=0.2, grace=0.3)
    assert [text for _, text in lines] == ["begins again", "TimeoutException", "begins again"]
    assert result.failure is not None
    assert result.failure.kind == "timeout"
    assert "did not end within 0.3 seconds after its time limit of 0.2 seconds" in result.failure.message


def test_a_worker_runs_the_next_task_after_one_that_it_ended_by_force(worker: Conversation) -> None:
    run(worker, "never_ends", time_limit=0.2, grace=0.1)
    assert run(worker, "end", time_limit=60)[1].ok


def test_variables_are_there_before_the_flow_is_imported(any_scene: Scene) -> None:
    worker = any_scene.start("Conditioned", environment={"LEVEL": "debug é"})
    _, result = run(worker, "start", secrets=SECRETS)
    assert worker.artifacts(result)["level"] == "debug é"


def test_secrets_are_variables_and_private_files_of_their_task(worker: Conversation) -> None:
    _, result = run(worker, "start", secrets=SECRETS)
    seen = worker.artifacts(result)
    assert seen["variable"] is True
    assert seen["files"] == [("TOKEN", True, "0o600")]
    assert seen["folder"].startswith("/dev/shm/")
    assert seen["folder_mode"] == "0o700"
    assert VALUE not in repr(result)


def test_a_secret_that_is_no_text_arrives_as_it_is(worker: Conversation) -> None:
    """As Python has it that read it from a variable."""
    secret = Secret("RAW", b"\xffkey\r\n".decode(errors="surrogateescape"))
    _, result = run(worker, "raw", secrets=(secret,))
    assert worker.artifacts(result)["raw_bytes"] == [b"\xffkey\r\n"] * 2


@pytest.mark.parametrize("step", ["start", "crashes"])
def test_secrets_are_gone_after_their_task_however_it_ended(worker: Conversation, step: str) -> None:
    run(worker, step, secrets=SECRETS)
    _, result = run(worker, "without")
    seen = worker.artifacts(result)
    assert seen["variable"] is False
    assert seen["left"] == []
    assert VALUE not in seen["environ"]


def test_a_secret_replaces_no_variable_unless_it_may(any_scene: Scene) -> None:
    worker = any_scene.start("Conditioned", environment={"TOKEN": "another"})
    failure = run(worker, "start", secrets=SECRETS)[1].failure
    assert failure is not None
    assert failure.message == "a secret of this step would replace the variable `TOKEN`, which the task has already"
    assert VALUE not in repr(failure)


def test_secrets_are_nowhere_but_in_their_task(
    scene: Scene, docker_client: docker.DockerClient, tmp_path: Path
) -> None:
    """Not in what the engine tells of the container, in the store, in the code package, or in what the worker says."""
    worker = scene.start("Conditioned")
    send(worker, "waits", secrets=SECRETS)
    assert isinstance(worker.worker, DockerWorker)
    assert worker.until(Log).lines[0].text == "secrets are here"
    container = docker_client.containers.get(worker.worker.container_id)
    assert VALUE not in str(container.attrs)
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and VALUE.encode() in path.read_bytes()]
    # Whoever may use the engine can look into the task; a process of the container that is not the task's cannot.
    _, environ = container.exec_run(["cat", "/proc/1/environ"], user="root", privileged=True)
    assert VALUE.encode() not in environ


def test_shared_memory_has_the_size_asked_for(scene: Scene) -> None:
    worker = scene.start("Conditioned", shared_memory=24)
    assert worker.artifacts(run(worker, "without")[1])["shared_memory"] == 24


@pytest.mark.parametrize("ask", [gpu.require, gpu.available])
def test_an_engine_without_gpus_says_so_and_keeps_no_container(
    ask: Callable[..., object], image: str, docker_client: docker.DockerClient
) -> None:
    wanted = gpu.Wanted("train", image, "/usr/bin/no-such-python-of-this-test", 1)
    with pytest.raises(NoGpu) as error:
        ask(docker_client, "unix:///var/run/docker.sock", wanted)
    assert error.value.message.startswith(
        "step `train` asks for a GPU, and the engine at `unix:///var/run/docker.sock`"
    )
    assert error.value.hint is not None
    there = docker_client.api.containers(all=True, filters={"ancestor": image})
    assert not [each for each in there if wanted.python in each["Command"]]
