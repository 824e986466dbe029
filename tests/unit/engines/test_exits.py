"""How a container ended, from what the engine's events say."""

from __future__ import annotations

import pytest

from dockerflow.engines.exits import Exit
from dockerflow.engines.worker import WorkerEnded

DIE = ("die", {"exitCode": "137"})


def test_a_kill_after_memory_ran_out_is_out_of_memory() -> None:
    assert told(("oom", {}), DIE).out_of_memory


def test_memory_may_also_be_said_to_have_run_out_after_the_end() -> None:
    assert told(DIE, ("oom", {}), ("destroy", {})).out_of_memory


@pytest.mark.parametrize(
    "events",
    [
        [DIE],
        [("oom", {}), ("kill", {"signal": "9"}), DIE],
        [("oom", {}), ("die", {"exitCode": "1"})],
    ],
)
def test_other_ends_are_not(events: list[tuple[str, dict[str, str]]]) -> None:
    assert not told(*events, ("destroy", {})).out_of_memory


def test_an_engine_that_never_says_so_is_taken_to_mean_memory_by_a_kill_that_nobody_asked_for() -> None:
    """Podman: its events are `die` and `remove`, and it has none for memory that ran out."""
    end, asked, failed = (Exit(presumes_memory=True) for _ in range(3))
    for exit, events in ((end, [DIE]), (asked, [("kill", {}), DIE]), (failed, [("die", {"exitCode": "1"})])):
        for action, attributes in [*events, ("remove", {})]:
            exit.tell(action, attributes)
        assert exit.wait()
    assert end.out_of_memory
    assert not asked.out_of_memory
    assert not failed.out_of_memory


def test_an_engine_that_went_away_leaves_the_end_unknown() -> None:
    end = Exit()
    end.give_up()
    assert not end.wait()
    assert end.code is None


def test_an_unknown_end_is_said_to_be_unknown_and_keeps_the_diagnostics() -> None:
    failure = WorkerEnded(None, diagnostics="last words").failure()
    assert failure.kind == "lost"
    assert "unknown status" in failure.message
    assert failure.traceback == "last words"


def told(*events: tuple[str, dict[str, str]]) -> Exit:
    end = Exit()
    for action, attributes in events:
        end.tell(action, attributes)
    assert end.wait()
    return end
