"""What is fresh for each task of a worker: a process that is forked, or an interpreter that imports the flow anew."""

from __future__ import annotations

import pytest

from dockerflow.runtime.messages import Ready, RunTask, Secret
from tests.integration.engines.conversation import Conversation, Scene


@pytest.fixture
def worker(any_scene: Scene) -> Conversation:
    conversation = any_scene.start("Isolated")
    assert conversation.until(Ready).unforkable == "1 thread"
    return conversation


def test_threads_of_the_import_are_there_in_every_task(worker: Conversation) -> None:
    lines, first = worker.run("start")
    _, second = worker.run("start")
    one, other = worker.artifacts(first), worker.artifacts(second)
    assert lines == [("stdout", f"imported by {one['pid']}")]
    assert one["changed"] == other["changed"] == 1
    assert one["pid"] != other["pid"]
    assert one["folder"] != other["folder"]
    assert one["files"] == other["files"] == []


def test_an_import_begins_with_the_environment_of_the_worker(worker: Conversation) -> None:
    _, result = worker.run("start")
    assert worker.artifacts(result)["imports"] == "x"


def test_a_step_may_want_to_be_forked_nevertheless(worker: Conversation) -> None:
    _, result = worker.run("forked")
    assert worker.artifacts(result)["threads"] == 1


def test_a_crash_of_an_interpreter_is_told_with_its_signal(worker: Conversation) -> None:
    lines, result = worker.run("crashes")
    assert result.failure is not None
    assert (result.failure.kind, "SIGABRT" in result.failure.message) == ("signal", True)
    assert any("in crashes" in text for _, text in lines)


def test_secrets_reach_an_interpreter_and_nothing_that_others_read(worker: Conversation) -> None:
    secret = Secret("TOKEN", "very private")
    worker.worker.send(
        RunTask("Isolated", "1", "secretive", "1", 0, True, worker.scene.parameters, (), secrets=(secret,))
    )
    _, result = worker.outcome()
    assert worker.artifacts(result) == {"token": "very private", "told": False}


def test_an_interpreter_that_goes_on_after_its_time_is_ended_by_force(worker: Conversation) -> None:
    task = RunTask("Isolated", "1", "sleeps", "1", 0, True, worker.scene.parameters, (), time_limit=0.2, grace=0.5)
    worker.worker.send(task)
    _, result = worker.outcome()
    assert result.failure is not None
    assert result.failure.kind == "timeout"


def test_a_task_of_many_inputs_reaches_an_interpreter(worker: Conversation) -> None:
    worker.worker.send(
        RunTask("Isolated", "1", "start", "1", 0, True, worker.scene.parameters, (), tags=tuple(["x" * 100] * 10_000))
    )
    assert worker.outcome()[1].ok


def test_a_step_may_ask_for_an_interpreter_per_task(any_scene: Scene) -> None:
    worker = any_scene.start("Asking")
    assert worker.until(Ready).unforkable == ""
    results = [worker.run("start")[1] for _ in range(2)]
    assert [worker.artifacts(result)["state"] for result in results] == [[1], [1]]
