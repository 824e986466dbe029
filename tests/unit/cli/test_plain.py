"""The lines of a run in a pipe: lists of events in, text out."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from dockerflow import progress as p
from dockerflow.cli import sentences
from dockerflow.cli.plain import PlainView
from dockerflow.cli.sentences import Place
from dockerflow.store import failures
from dockerflow.store.records import Failure
from tests.unit.cli import watching as w

HOME = Place("/home/me/.dockerflow")


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def lines_of(*events: p.Event) -> list[str]:
    stream = io.StringIO()
    view = PlainView(stream, Place("/store"), clock=lambda: w.NOON)
    for event in events:
        view.notify(event)
    return stream.getvalue().splitlines()


def ending_of(*events: p.Event, place: Place = HOME) -> str:
    stream = io.StringIO()
    view = PlainView(stream, place, clock=lambda: w.NOON)
    for event in events:
        view.notify(event)
    stream.seek(0)
    stream.truncate()
    view.finish()
    return stream.getvalue()


def test_a_users_line_has_its_time_and_its_run_step_and_task() -> None:
    assert lines_of(w.run_began(), w.printed("hello"))[-1] == "2026-01-31 12:00:00.123 [171234/start/1] hello"


def test_both_streams_are_shown_in_the_order_in_which_they_came() -> None:
    shown = lines_of(w.run_began(), w.printed("a"), w.printed("b", "stderr"), w.printed("c"))
    assert [line[-1] for line in shown[1:]] == ["a", "b", "c"]


def test_users_text_passes_unchanged() -> None:
    text = "  10%|█   |\r 20%|██  | \x1b[31mred\x1b[0m"
    stream = io.StringIO()
    PlainView(stream, Place("/store")).notify(w.printed(text))
    assert stream.getvalue().endswith(f"] {text}\n")


def test_there_are_no_control_codes_of_ours() -> None:
    events = [*w.prepared(again=False), w.run_began(), *w.failed_task("start", "1", w.RAISED), w.run_ended("failed")]
    assert "\x1b" not in "\n".join(lines_of(*events)) + ending_of(*events)


def test_a_first_run_says_what_was_solved_and_built() -> None:
    assert lines_of(*w.prepared(again=False), w.run_began()) == [
        "2026-01-31 12:00:00.123 [start] solving",
        "2026-01-31 12:00:00.123 [start] solved in 0.1 s, 12 packages",
        "2026-01-31 12:00:00.123 [compute, join, end] lock reused (store)",
        "2026-01-31 12:00:00.123 [start] layer built: pandas 2.2.3, 40 MB",
        "2026-01-31 12:00:00.123 [start] 14 layers built (150 MB), 6 reused, 2 sent (120 MB) in 3.0 s"
        " (dockerflow/step:aa)",
        "2026-01-31 12:00:00.123 [compute, join, end] image present (dockerflow/step:bb)",
        "2026-01-31 12:00:00.123 2 environments: 1 solved, 1 image built, 120 MB sent",
        "2026-01-31 12:00:00.123 [171234] run GenreStats/171234 begins: 4 steps",
    ]


def test_a_second_run_says_that_nothing_was_solved_or_built() -> None:
    shown = lines_of(*w.prepared(again=True), w.run_began())
    assert "2026-01-31 12:00:00.123 [start] lock reused (store)" in shown
    assert "2026-01-31 12:00:00.123 [compute, join, end] lock reused (committed: flow.locks/linux-64.yml)" in shown
    assert "2026-01-31 12:00:00.123 2 environments: solved nothing, built nothing" in shown


def test_what_a_step_brought_along_is_told_with_what_it_is() -> None:
    here = os.path.abspath
    image_id = "sha256:" + "0123456789abcdef" * 4
    assert lines_of(
        p.EnvironmentLocked(("start",), "given", 14, 0.0, here("my-lock.yml")),
        p.ImagePulling(("end",), "tools:1", 0, 0),
        p.ImagePulling(("end",), "tools:1", 5, 10),
        p.OwnImageReady(("end",), "tools:1", image_id, "3.9.2", pulled=True, seconds=2.0),
        p.OwnImageReady(("end",), "tools:1", image_id, "3.9.2", pulled=False, seconds=2.0, sent_to="box"),
        p.OwnImageReady(("end",), "tools:1", image_id, "3.9.2", pulled=False, seconds=0.0),
        w.run_began(),
    )[:-1] == [
        "2026-01-31 12:00:00.123 [start] lock given (my-lock.yml)",
        "2026-01-31 12:00:00.123 [end] pulling tools:1",
        "2026-01-31 12:00:00.123 [end] own image pulled in 2.0 s (tools:1, Python 3.9.2, sha256:0123456789ab)",
        "2026-01-31 12:00:00.123 [end] own image sent to `box` in 2.0 s (tools:1, Python 3.9.2, sha256:0123456789ab)",
        "2026-01-31 12:00:00.123 [end] own image present (tools:1, Python 3.9.2, sha256:0123456789ab)",
        "2026-01-31 12:00:00.123 2 environments: solved nothing, built nothing",
    ]


def test_what_could_not_be_used_is_told_with_the_reason_and_the_way_out() -> None:
    path = os.path.abspath("flow.locks/linux-64.yml")
    assert lines_of(
        p.LockPassedOver(("start",), path, "it has `pandas 1.5.3`, and `pandas 2.*` is asked for"),
        p.LayerMended(("start",), "pandas 1.5.3"),
    ) == [
        "2026-01-31 12:00:00.123 [start] flow.locks/linux-64.yml is passed over: it has `pandas 1.5.3`, and"
        " `pandas 2.*` is asked for; `dockerflow lock` brings it up to date",
        "2026-01-31 12:00:00.123 [start] layer pandas 1.5.3 was damaged in the cache; it is built again",
    ]


def test_layers_that_were_only_sent_are_not_said_to_be_built() -> None:
    ready = p.ImageReady(("start",), "dockerflow/step:aa", 20, 0, 3, 5_000_000, 0.5)
    assert lines_of(ready) == [
        "2026-01-31 12:00:00.123 [start] no layer built, 20 reused, 3 sent (5.0 MB) in 0.5 s (dockerflow/step:aa)"
    ]


def test_an_image_on_another_host_is_told_with_the_host_and_what_went_over_the_wire() -> None:
    sent = p.ImageReady(("start",), "dockerflow/step:aa", 20, 0, 3, 9_000_000, 0.5, 0, "gpu-box", 3_000_000)
    there = p.ImageReady(("start",), "dockerflow/step:aa", 20, 0, 0, 0, 0.5, host="gpu-box")
    assert lines_of(sent, there) == [
        "2026-01-31 12:00:00.123 [start] no layer built, 20 reused, 3 sent to gpu-box (9.0 MB as 3.0 MB) in 0.5 s"
        " (dockerflow/step:aa)",
        "2026-01-31 12:00:00.123 [start] image present on gpu-box (dockerflow/step:aa)",
    ]


def test_a_users_exception_is_shown_as_python_shows_it_and_said_once() -> None:
    shown = lines_of(w.run_began(), *w.failed_task("start", "1", w.RAISED))
    assert shown[-5] == "2026-01-31 12:00:00.123 [171234/start/1] task failed after 2.0 s"
    assert shown[-4:] == w.TRACEBACK.splitlines()


def test_a_failure_without_traceback_is_told_with_its_hint() -> None:
    assert lines_of(w.run_began(), *w.failed_task("start", "1", w.KILLED))[-2:] == [
        "error: step `start` used more than its 512 MiB",
        "hint: ask for more with `@resources(memory=1024)`",
    ]


def test_a_retry_says_when_the_next_attempt_comes() -> None:
    shown = lines_of(
        w.run_began(), *w.failed_task("start", "1", w.RAISED, retry_in=120.0), p.AttemptBegan("start", "1", 1)
    )
    assert "[171234/start/1] attempt 0 failed after 2.0 s; next attempt in 2 min 00 s" in "\n".join(shown)
    assert shown[-1].endswith("task begins, attempt 1")


def test_a_caught_failure_is_one_line() -> None:
    shown = lines_of(w.run_began(), *w.failed_task("start", "1", w.RAISED, caught=True))
    assert shown[-1].endswith("failed after 2.0 s, caught by @catch: ZeroDivisionError: division by zero")


def test_the_end_says_what_steps_took_and_how_to_read_the_results() -> None:
    events = [w.run_began(), *w.task("start", "1"), w.run_ended()]
    assert ending_of(*events) == (
        "\n"
        "  start            0 ms  1/1 tasks\n"
        "  compute       not run\n"
        "  join          not run\n"
        "  end           not run\n"
        "\n"
        "results:   python -c \"from dockerflow import Run; print(Run('GenreStats/171234').data)\"\n"
        "artifacts: dockerflow dump GenreStats/171234\n"
        "logs:      dockerflow logs GenreStats/171234\n"
        "store:     /home/me/.dockerflow\n"
    )


def test_the_end_says_what_the_tasks_of_a_step_used() -> None:
    ended = p.AttemptEnded("work", "2", 0, True, False, None, 1.0, cpu_seconds=0.75, peak_memory=84_000_000)
    larger = replace(ended, task_id="3", peak_memory=120_000_000)
    begun = [p.TasksCreated("work", 2), p.AttemptBegan("work", "2", 0), p.AttemptBegan("work", "3", 0)]
    told = ending_of(w.run_began(), *begun, ended, larger, w.run_ended())
    assert "2/2 tasks  CPU 1.5 s, at most 120 MB\n" in told


def test_after_a_failure_the_logs_named_are_those_of_the_task_that_failed() -> None:
    shown = ending_of(w.run_began(), *w.failed_task("start", "1", w.RAISED), w.run_ended("failed"))
    assert "logs:      dockerflow logs GenreStats/171234/start/1\n" in shown
    assert "debug:     dockerflow debug GenreStats/171234/start/1\n" in shown
    assert "results:" not in shown


def test_a_store_that_was_chosen_is_part_of_every_command() -> None:
    shown = ending_of(w.run_began(), w.run_ended(), place=Place("/my store", "/my store"))
    assert "artifacts: dockerflow dump GenreStats/171234 --store '/my store'\n" in shown


def test_nothing_is_said_at_the_end_when_no_run_began() -> None:
    assert ending_of(p.EnvironmentSolving(("start",))) == ""


def test_what_was_told_is_in_the_file_at_once(tmp_path: os.PathLike[str]) -> None:
    path = os.path.join(tmp_path, "log")
    with open(path, "w") as stream:
        PlainView(stream, Place("/store")).notify(w.run_began())
        with open(path) as reader:
            assert "run GenreStats/171234 begins" in reader.read()


def test_the_run_goes_on_when_nobody_reads() -> None:
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as stream:
        view = PlainView(stream, Place("/store"))
        os.close(reader)
        view.notify(w.run_began())
        view.notify(w.printed("hello"))
        view.finish()


def test_a_flow_that_does_not_import_is_shown_with_one_traceback() -> None:
    traceback = "Traceback (most recent call last):\n  File \"f.py\"\nModuleNotFoundError: No module named 'x'\n"
    message = f"flow file `flow.py` does not import: ModuleNotFoundError\n\n{traceback.rstrip()}"
    why = Failure("exception", message, "dockerflow.flow.errors.FlowFileError", traceback, "add it to @conda")
    assert list(failures.text_lines(why)) == [
        *traceback.splitlines(),
        "error: flow file `flow.py` does not import: ModuleNotFoundError",
        "hint: add it to @conda",
    ]
    assert sentences.reason(why) == "flow file `flow.py` does not import: ModuleNotFoundError"


@pytest.mark.parametrize(
    ("why", "told"),
    [
        (Failure("exception", "'MY_TOKEN'", "builtins.KeyError", "…\nKeyError: 'MY_TOKEN'"), "KeyError: 'MY_TOKEN'"),
        (Failure("exception", "", "builtins.AssertionError", "…\nAssertionError"), "AssertionError"),
        (Failure("exit", "left the process with status 3"), "left the process with status 3"),
        (Failure("exception", "one\ntwo", "my.Error", "…"), "Error: one"),
    ],
)
def test_a_reason_is_one_line_with_the_exceptions_type(why: Failure, told: str) -> None:
    assert sentences.reason(why) == told


def test_a_stopped_task_is_told_without_a_time() -> None:
    stopped = p.AttemptEnded("a", "1", 0, False, False, Failure("stopped", "by Ctrl-C"), 0.0)
    assert sentences.attempt_ended(stopped) == "task stopped"


def test_code_of_a_usual_size_is_not_told_and_a_large_one_is() -> None:
    assert sentences.code(p.CodePacked("/tmp", 10 * 2**20)) == ""
    assert sentences.code(p.CodePacked("/tmp", 47_000_000)) == (
        "47 MB of Python files below /tmp travel into every container; give the flow a folder of its own"
    )
