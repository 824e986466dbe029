from __future__ import annotations

from dockerflow.store import history, log, runs
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.history import RunHistory
from dockerflow.store.journal import JournalWriter
from dockerflow.store.records import (
    AttemptFinished,
    AttemptStarted,
    LogLine,
    Record,
    RunFinished,
    RunStarted,
    StepRecord,
    TaskCreated,
)

STARTED = RunStarted(0.0, "F", "1", "anna", "", "", (StepRecord("start", ("end",)), StepRecord("end", ())))


def ended(task_id: str, attempt: int, ok: bool, final: bool = True) -> AttemptFinished:
    return AttemptFinished(4.0, "start", task_id, attempt, ok, final)


def test_a_run_without_an_end_is_running(store: DirectoryStore) -> None:
    assert history.read(store, "F", "1").status == "running"
    writer = JournalWriter(store, "F", "1")
    writer.append(STARTED)
    writer.flush()
    assert history.read(store, "F", "1").status == "running"
    writer.append(RunFinished(9.0, "stopped", "Ctrl-C"))
    writer.close()
    assert history.read(store, "F", "1").status == "stopped"


def test_a_run_that_ends_while_one_looks_was_not_killed(store: DirectoryStore) -> None:
    """What was read before the end says `running`; that the scheduler is gone by now does not make it killed."""
    writer = JournalWriter(store, "F", "1")
    with runs.hold(store, "F", "1"):
        writer.append(STARTED)
        writer.flush()
        seen = history.read(store, "F", "1")
        assert history.status_now(store, "F", "1", seen) == "running"
        writer.append(RunFinished(9.0, "failed"))
        writer.close()
    assert history.status_now(store, "F", "1", seen) == "failed"


def test_a_run_without_an_end_and_without_a_scheduler_was_killed(store: DirectoryStore) -> None:
    writer = JournalWriter(store, "F", "1")
    writer.append(STARTED)
    writer.flush()
    assert history.status_now(store, "F", "1", history.read(store, "F", "1")) == "killed"


def test_a_task_goes_from_waiting_over_its_attempts_to_its_result() -> None:
    steps: list[tuple[Record, str]] = [
        (TaskCreated(1.0, "start", "7"), "waiting"),
        (AttemptStarted(2.0, "start", "7", 0), "running"),
        (ended("7", 0, ok=False, final=False), "waiting"),
        (AttemptStarted(3.0, "start", "7", 1), "running"),
        (ended("7", 1, ok=True), "succeeded"),
    ]
    records: list[Record] = [STARTED]
    for record, status in steps:
        records.append(record)
        assert RunHistory.of(records).tasks["7"].status == status
    task = RunHistory.of(records).tasks["7"]
    assert [attempt.number for attempt in task.attempts] == [0, 1]
    assert task.result is task.latest is records[-1]


def test_a_task_that_is_not_tried_again_has_failed() -> None:
    task = RunHistory.of([TaskCreated(1.0, "start", "7"), ended("7", 0, ok=False)]).tasks["7"]
    assert (task.status, task.attempts[0].started) == ("failed", None)


def test_every_step_of_the_flow_is_there_and_tasks_are_in_order_of_creation() -> None:
    run = RunHistory.of([STARTED, TaskCreated(1.0, "start", "10"), TaskCreated(1.0, "start", "9")])
    assert [task.created.task_id for task in run.tasks_by_step["start"]] == ["10", "9"]
    assert (list(run.steps), run.tasks_by_step["end"]) == (["start", "end"], ())


def test_a_log_reads_as_it_was_written_whatever_was_printed(store: DirectoryStore) -> None:
    lines = [
        LogLine(1.25, "stdout", "a\u2028b\r\x00"),
        LogLine(2.0, "stderr", "bytes: \udcff"),
        LogLine(3.0, "stdout", ""),
        LogLine(4.0, "stdout", "no line end", ended=False),
    ]
    assert list(log.read(store.blobs, log.write(store.blobs, lines))) == lines
    assert log.decode_lines(log.encode_lines(lines[:1]) + log.encode_lines(lines[1:])) == lines
