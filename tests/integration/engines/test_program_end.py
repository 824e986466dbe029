"""A task is a program of its own, as far as its code can tell, although it is a fork of a worker that goes on."""

from __future__ import annotations

from dockerflow.engines.worker import WorkerEnded
from dockerflow.runtime.messages import Broken
from tests.integration.engines.conversation import Scene

IMPORTED = [("stdout", "imported"), ("stderr", "a warning of the import")]


def test_what_the_import_prints_stands_in_the_log_of_every_task(any_scene: Scene) -> None:
    worker = any_scene.start("Talkative")
    for _ in range(2):
        lines = worker.run("end")[0]
        assert sorted(lines) == sorted(IMPORTED)


def test_what_an_import_printed_before_it_failed_is_in_the_diagnostics(any_scene: Scene) -> None:
    worker = any_scene.start("Unimportable")
    worker.until(Broken)
    assert "about to fail" in worker.until(WorkerEnded).diagnostics


def test_threads_and_pools_may_finish_and_exit_handlers_are_called(any_scene: Scene) -> None:
    lines, result = any_scene.start("Talkative").run("start")
    assert result.ok
    printed = [line[1] for line in lines if line not in IMPORTED]
    assert sorted(printed[:2]) == ["from a pool", "from a thread"]
    assert printed[2:] == ["at exit"]


def test_a_daemon_thread_does_not_delay_the_result(any_scene: Scene) -> None:
    lines, result = any_scene.start("Talkative").run("leaves_a_daemon_thread")
    assert result.ok
    assert ("stdout", "late") not in lines


def test_what_the_standard_library_holds_back_for_a_step_is_not_lost(any_scene: Scene) -> None:
    """Its handlers were registered when the flow was imported."""
    lines, result = any_scene.start("Talkative").run("holds_back")
    assert result.ok
    assert [line for line in lines if line not in IMPORTED] == [("stdout", "finalized"), ("stdout", "held back")]


def test_exit_handlers_of_a_step_that_failed_are_called_and_nobody_waits_for_its_threads(any_scene: Scene) -> None:
    lines, result = any_scene.start("Talkative").run("fails")
    assert not result.ok
    assert ("stdout", "at exit") in lines


def test_an_exit_handler_that_fails_is_told_and_fails_nothing(any_scene: Scene) -> None:
    lines, result = any_scene.start("Talkative").run("exit_handler_fails")
    assert result.ok
    assert any("ZeroDivisionError" in line[1] for line in lines)
