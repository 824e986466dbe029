"""What both views say of tasks whose results are taken from the cache."""

from __future__ import annotations

import io
from collections.abc import Sequence

from dockerflow import progress as p
from dockerflow.cli import sentences
from dockerflow.cli.board import Board
from dockerflow.cli.plain import PlainView, summary
from tests.unit.cli import watching as w
from tests.unit.cli.test_reused_shown import picture_of

CACHED: Sequence[p.Event] = (
    p.RunBegan("GenreStats", "171234", ("start", "compute", "join", "end")),
    p.TaskLookedUp("start", "1", True, "hit: GenreStats/171200/start/1"),
    p.TasksTakenOver("start", 1, cached=True),
    p.TasksTakenOver("compute", 1, cached=True),
    p.TaskLookedUp("compute", "3", False, "miss: code: `helpers.py` differs"),
    p.TasksTakenOver("compute", 1, cached=True),
    p.TasksCreated("compute", 1),
    p.AttemptBegan("compute", "3", 0),
)


def test_cached_tasks_count_as_done_and_are_told_apart() -> None:
    picture = picture_of(*CACHED)
    compute = picture.steps["compute"]
    assert (compute.total, compute.done, compute.cached, compute.reused) == (3, 2, 2, 0)
    assert sentences.counts(compute) == "2/3 tasks, 2 cached"
    assert sentences.cached(picture) == "3 of 4 tasks were taken from the cache"
    assert sentences.cached(picture_of(*CACHED[:3])) == "1 of 1 task was taken from the cache"
    assert sentences.cached(picture_of(CACHED[0])) == ""


def test_on_a_terminal_a_step_shows_how_many_of_its_tasks_are_cached() -> None:
    lines = [line.plain.rstrip() for line in Board(80, 20, True).lines(picture_of(*CACHED), 2.0)]
    assert lines[1:3] == [
        "✓ start    1/1     cached",
        "● compute  2/3      2.0 s  2 cached  running 3 2.0 s",
    ]


def test_in_a_pipe_it_is_said_once_for_each_step_and_explained_for_each_task() -> None:
    stream = io.StringIO()
    view = PlainView(stream, sentences.Place("/store"), clock=lambda: w.NOON)
    for event in CACHED:
        view.notify(event)
    assert [line.partition(" [")[2] for line in stream.getvalue().splitlines()] == [
        "171234] run GenreStats/171234 begins: 4 steps",
        "171234/start/1] cache hit: GenreStats/171200/start/1",
        "171234/start] results are taken from the cache",
        "171234/compute] results are taken from the cache",
        "171234/compute/3] cache miss: code: `helpers.py` differs",
        "171234/compute/3] task begins",
    ]


def test_the_summary_says_what_was_cached() -> None:
    lines = list(summary(picture_of(*CACHED), sentences.Place("/store"), 0.0))
    assert lines[1].split() == ["start", "cached", "1", "task"]
    assert "3 of 4 tasks were taken from the cache" in lines
