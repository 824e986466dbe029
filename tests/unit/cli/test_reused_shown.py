"""What both views say of tasks that a resumed run reuses."""

from __future__ import annotations

import io
from collections.abc import Sequence

from dockerflow import progress as p
from dockerflow.cli import sentences
from dockerflow.cli.board import Board
from dockerflow.cli.picture import Picture, after
from dockerflow.cli.plain import PlainView, summary
from tests.unit.cli import watching as w

RESUMED: Sequence[p.Event] = (
    p.RunBegan("GenreStats", "171234", ("start", "compute", "join", "end"), origin_run_id="171200"),
    p.TasksTakenOver("start", 1),
    p.TasksTakenOver("compute", 2),
    p.TasksCreated("compute", 1),
    p.AttemptBegan("compute", "4", 0),
)


def picture_of(*events: p.Event) -> Picture:
    picture = Picture()
    for event in events:
        picture = after(picture, event, 0.0)
    return picture


def test_reused_tasks_count_as_done_and_are_told_apart() -> None:
    compute = picture_of(*RESUMED).steps["compute"]
    assert (compute.total, compute.done, compute.reused, compute.state) == (3, 2, 2, "running")
    assert sentences.counts(compute) == "2/3 tasks, 2 reused"


def test_a_step_that_is_reused_as_a_whole_is_done_without_having_run() -> None:
    start = picture_of(*RESUMED).steps["start"]
    assert (start.state, start.began) == ("done", None)


def test_on_a_terminal_a_step_shows_how_many_of_its_tasks_are_reused() -> None:
    lines = [line.plain.rstrip() for line in Board(80, 20, True).lines(picture_of(*RESUMED), 2.0)]
    assert lines[1:3] == [
        "✓ start    1/1     reused",
        "● compute  2/3      2.0 s  2 reused  running 4 2.0 s",
    ]


def test_in_a_pipe_each_step_has_a_line_about_what_is_reused() -> None:
    stream = io.StringIO()
    view = PlainView(stream, sentences.Place("/store"), clock=lambda: w.NOON)
    for event in RESUMED:
        view.notify(event)
    assert [line.partition(" [")[2] for line in stream.getvalue().splitlines()] == [
        "171234] run GenreStats/171234 begins, resuming run 171200: 4 steps",
        "171234/start] 1 task reused",
        "171234/compute] 2 tasks reused",
        "171234/compute/4] task begins",
    ]


def test_at_the_end_it_is_said_what_was_resumed_and_how_much_of_it_was_reused() -> None:
    lines = list(summary(picture_of(*RESUMED), sentences.Place("/store"), 1.0))
    assert lines[1].split() == ["start", "reused", "1", "task"]
    assert "resumed run 171200: 3 tasks reused" in lines


def test_a_run_that_resumes_nothing_says_nothing_of_it() -> None:
    assert sentences.resumed(picture_of(w.run_began())) == ""
