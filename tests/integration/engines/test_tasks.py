"""What every engine promises about the tasks that it runs, whatever the user's code does."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from dockerflow.engines.listener import LOGS
from dockerflow.engines.worker import WorkerEnded
from dockerflow.runtime.messages import Broken, Log, Ready, TaskResult
from tests.integration.engines.conversation import Conversation, Scene


@pytest.fixture
def worker(any_scene: Scene) -> Conversation:
    return any_scene.start()


def test_a_worker_says_ready_then_lines_then_the_result_and_at_last_that_it_ended(any_scene: Scene) -> None:
    worker = any_scene.start()
    worker.send("start")
    said = [worker.next()]
    while not isinstance(said[-1], TaskResult):
        said.append(worker.next())
    worker.worker.stop()
    said.append(worker.until(WorkerEnded))
    kinds = [type(each) for each in said]
    assert kinds[0] is Ready
    assert set(kinds[1:-2]) == {Log}
    assert said[-1] == WorkerEnded(0, memory_limit=None)


def test_lines_come_with_their_stream_and_artifacts_through_the_outbox(worker: Conversation) -> None:
    lines, result = worker.run("start")
    assert sorted(lines) == [("stderr", "careful"), ("stdout", "hello")]
    assert worker.artifacts(result)["answer"] == 42


def test_tasks_run_in_the_order_in_which_they_were_sent(worker: Conversation) -> None:
    for attempt in range(20):
        worker.send("start", attempt=attempt)
    assert [worker.until(TaskResult).attempt for _ in range(20)] == list(range(20))


def test_a_result_tells_time_and_memory(worker: Conversation) -> None:
    _, result = worker.run("prints_much")
    assert 0 < result.user_seconds + result.system_seconds < result.seconds + 1
    assert 1 << 20 < result.peak_memory < 1 << 30


def test_an_exception_is_a_failure_with_the_users_traceback(worker: Conversation) -> None:
    lines, result = worker.run("raises")
    assert ("stdout", "before") in lines
    assert result.failure is not None
    assert (result.failure.kind, result.failure.type_name) == ("exception", "builtins.ValueError")
    assert "hostile.py" in result.failure.traceback


def test_an_exception_with_a_text_without_end_fails_the_task_alone(worker: Conversation) -> None:
    failure = worker.run("raises_at_length")[1].failure
    assert failure is not None
    assert failure.type_name == "builtins.ValueError"
    assert failure.message.startswith("xxx")
    assert len(failure.message) < 1 << 20
    assert worker.run("start")[1].ok


@pytest.mark.parametrize(
    ("step", "kind", "said"),
    [
        ("exits", "exit", "status 3"),
        ("exits_well", "exit", "status 0"),
        ("kills_itself", "signal", "SIGKILL"),
        ("crashes", "signal", "SIGSEGV"),
    ],
)
def test_ways_to_die_are_told_apart(worker: Conversation, step: str, kind: str, said: str) -> None:
    _, result = worker.run(step)
    assert not result.ok
    assert result.failure is not None
    assert result.failure.kind == kind
    assert said in result.failure.message


@pytest.mark.parametrize("step", ["exits", "kills_itself", "crashes"])
def test_what_was_printed_before_a_crash_is_kept(worker: Conversation, step: str) -> None:
    lines, _ = worker.run(step)
    assert ("stdout", "last words") in lines


def test_a_crash_in_native_code_shows_the_python_line_that_led_there(worker: Conversation) -> None:
    lines, _ = worker.run("crashes")
    assert any("hostile.py" in text for stream, text in lines if stream == "stderr")


def test_a_worker_runs_the_next_task_after_a_crash(worker: Conversation) -> None:
    worker.run("crashes")
    worker.run("kills_itself")
    assert worker.run("start")[1].ok


@pytest.mark.parametrize("step", ["writes_everywhere", "closes_everything"])
def test_a_task_cannot_reach_the_protocol(worker: Conversation, step: str) -> None:
    assert worker.run(step)[1].ok
    assert worker.run("start")[1].ok


def test_a_task_may_look_at_its_own_process(worker: Conversation) -> None:
    lines, result = worker.run("looks_at_itself")
    assert result.ok, result.failure
    assert lines == [("stdout", "through the device")]


def test_a_daemon_is_gone_before_the_next_task(worker: Conversation) -> None:
    assert len(worker.artifacts(worker.run("leaves_a_daemon")[1])["processes"]) == 2
    assert len(worker.artifacts(worker.run("counts_processes")[1])["processes"]) == 1


def test_standard_input_is_empty(worker: Conversation) -> None:
    _, result = worker.run("asks")
    assert result.failure is not None
    assert result.failure.type_name == "builtins.EOFError"


def test_every_line_arrives_of_a_task_that_prints_much(worker: Conversation) -> None:
    lines, result = worker.run("prints_much")
    assert result.ok
    assert len(lines) == 50_000
    assert set(lines) == {("stdout", "x" * 99)}


def test_strange_output_is_kept_as_text(worker: Conversation) -> None:
    lines, _ = worker.run("prints_strangely")
    text = [text for _, text in lines]
    assert text[:2] == ["\ufffd\ufffd no text", "grün"]
    assert "".join(text[2:-1]) == "y" * 100_000
    assert text[-1] == "no end"


def test_each_task_has_an_empty_folder_of_its_own(worker: Conversation) -> None:
    first = worker.artifacts(worker.run("looks_around")[1])
    second = worker.artifacts(worker.run("looks_around")[1])
    assert first["listing"] == second["listing"] == []
    assert first["cwd"] != second["cwd"]


def test_the_kernel_prefers_a_task_to_its_worker_when_memory_runs_out(worker: Conversation) -> None:
    assert worker.artifacts(worker.run("looks_around")[1])["oom_score_adj"] == 1000


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_ending_a_worker_ends_its_task(worker: Conversation, how: str) -> None:
    worker.send("prints_and_waits")
    worker.until(Log)
    getattr(worker.worker, how)()
    ended = worker.until(WorkerEnded)
    assert ended.exit_code in ((0,) if how == "stop" else (137, 143))
    assert not ended.out_of_memory
    assert ended.failure().kind == "lost"


def test_stopping_a_worker_ends_an_import_that_does_not_end(any_scene: Scene) -> None:
    worker = any_scene.start("Slow")
    worker.worker.stop()
    assert isinstance(worker.next(), WorkerEnded)


def test_a_thread_of_the_flows_import_does_not_keep_a_stopped_worker(any_scene: Scene) -> None:
    worker = any_scene.start("Threaded")
    worker.until(Ready)
    worker.worker.stop()
    assert worker.until(WorkerEnded).exit_code == 0


def test_a_task_that_prints_without_end_waits_for_its_reader_alone_and_can_be_ended(any_scene: Scene) -> None:
    worker, other = any_scene.start(), any_scene.start()
    worker.send("prints_without_end")
    first = worker.until(Log)
    waiting = _settled(worker.waiting)
    assert 0 < waiting <= LOGS
    assert len(other.run("prints_much")[0]) == 50_000
    assert worker.waiting() == waiting
    worker.worker.stop()
    assert worker.until(WorkerEnded).exit_code == 0
    assert first.lines


def _settled(count: Callable[[], int]) -> int:
    """The number when it no longer grows."""
    found = -1
    while count() != found:
        found = count()
        time.sleep(0.5)  # nothing tells that a writer waits
    return found


def test_sending_to_a_worker_that_is_gone_is_no_error(worker: Conversation) -> None:
    worker.until(Ready)
    worker.worker.kill()
    worker.until(WorkerEnded)
    worker.send("start")
    worker.worker.stop()
    worker.worker.kill()


def test_a_flow_that_does_not_import_is_broken_from_the_users_line_on(any_scene: Scene) -> None:
    worker = any_scene.start("Unimportable")
    failure = worker.until(Broken).failure
    assert "KeyError" in failure.message
    assert failure.traceback.splitlines()[1].lstrip().startswith("File ")
    assert "unimportable.py" in failure.traceback.splitlines()[1]
    assert worker.until(WorkerEnded).exit_code == 1


def test_a_damaged_code_package_is_not_run(any_scene: Scene) -> None:
    request = any_scene.request()
    path = any_scene.store.blobs.path(request.code)
    path.chmod(0o644)
    path.write_bytes(path.read_bytes() + b"more")
    worker = Conversation(any_scene, request)
    ended = worker.next()
    assert isinstance(ended, WorkerEnded)
    assert ended.exit_code == 1
    assert "damaged" in ended.diagnostics
