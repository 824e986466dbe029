"""What a task that was adopted says, and what it had said before, told of the task that it is now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from dockerflow.engines.worker import Said, WorkerEnded, WorkerRequest
from dockerflow.runtime.messages import Log, RunTask, TaskResult
from dockerflow.scheduler.continuing import BATCH, Continuing
from dockerflow.scheduler.values import Running
from dockerflow.store.errors import DamagedRecord
from dockerflow.store.records import LogLine

REQUEST = WorkerRequest(1, "container", "", {}, "F", "flow.py", "code", None, Path("outbox"))
TASK = RunTask("F", "2", "work", "7", attempt=0, last_attempt=True, parameters="", inputs=())
RUNNING = Running("container", "box", "3", 1)


def lines(*numbers: int) -> tuple[LogLine, ...]:
    return tuple(LogLine(float(number), "stdout", f"line {number}") for number in numbers)


def heard(printed: Iterable[LogLine], *said: Said) -> list[Said]:
    told: list[Said] = []
    going_on = Continuing(TASK, RUNNING, printed, lambda request, each: told.append(each))
    going_on.begin(REQUEST)
    for each in said:
        going_on.hear(REQUEST, each)
    return told


def printed_lines(told: list[Said]) -> list[LogLine]:
    logs = [each for each in told if isinstance(each, Log)]
    assert all((each.step, each.task_id, each.attempt) == ("work", "7", 0) for each in logs)
    return [line for each in logs for line in each.lines]


def old(*numbers: int) -> Log:
    """What the worker says, of the attempt as it knows it."""
    return Log("work", "3", 1, lines(*numbers))


def test_what_was_printed_before_comes_first_and_then_what_is_printed_now() -> None:
    assert printed_lines(heard(lines(1, 2), old(3), old(4, 5))) == [*lines(1, 2, 3, 4, 5)]


def test_what_comes_once_more_is_told_once() -> None:
    assert printed_lines(heard(lines(1, 2, 3), old(2, 3, 4), old(5))) == [*lines(1, 2, 3, 4, 5)]


def test_a_line_that_is_printed_twice_is_told_twice() -> None:
    assert printed_lines(heard(lines(1, 1), old(1), old(1), old(2), old(1))) == [*lines(1, 1, 2, 1)]


def test_a_long_log_is_handed_on_a_part_at_a_time() -> None:
    many = lines(*range(3 * BATCH + 1))
    told = heard(iter(many))
    assert [len(each.lines) for each in told if isinstance(each, Log)] == [BATCH, BATCH, BATCH, 1]
    assert printed_lines(told) == [*many]


def test_a_result_is_that_of_the_task() -> None:
    (told,) = heard((), TaskResult("work", "3", 1, ok=True, manifest="m"))
    assert told == TaskResult("work", "7", 0, ok=True, manifest="m")


def test_what_is_said_of_the_worker_is_handed_on_as_it_is() -> None:
    assert heard((), WorkerEnded(0)) == [WorkerEnded(0)]


def test_what_is_said_once_more_of_an_attempt_before_is_not_taken_for_the_tasks() -> None:
    """The other run may have had a task of the same number, whose result its scheduler had no time to acknowledge."""
    before = Log("work", TASK.task_id, TASK.attempt, lines(1)), TaskResult("work", TASK.task_id, TASK.attempt, ok=True)
    assert heard((), *before) == []


def test_a_log_that_cannot_be_read_is_said_in_the_log_and_loses_nothing_else() -> None:
    def damaged() -> Iterator[LogLine]:
        yield from lines(1)
        raise DamagedRecord("the log is damaged")

    told = printed_lines(heard(damaged(), old(2)))
    assert "the log is damaged" in told[0].text
    assert told[1:] == [*lines(2)]
