"""The lines that `--quiet` leaves of a run."""

from __future__ import annotations

import io

from dockerflow import progress
from dockerflow.cli.quiet import QuietView
from dockerflow.cli.sentences import Place
from tests.unit.cli import watching as w


def test_preparation_and_summary_are_left_out() -> None:
    stream = io.StringIO()
    view = QuietView(stream, Place("/store"), clock=lambda: w.NOON)
    for event in (*w.prepared(again=False), w.run_began(), w.printed("hello")):
        view.notify(event)
    picture = view.finish()
    told = stream.getvalue().splitlines()
    assert [line.rpartition("] ")[2] for line in told] == ["run GenreStats/171234 begins: 4 steps", "hello"]
    assert picture.run_id == "171234"


def test_that_the_run_waits_is_no_part_of_preparation_and_is_told() -> None:
    """A run that stands still and says nothing looks like one that hangs."""
    stream = io.StringIO()
    view = QuietView(stream, Place("/store"), clock=lambda: w.NOON)
    for event in (progress.Noted("before"), w.run_began(), progress.Noted("the run waits")):
        view.notify(event)
    told = stream.getvalue().splitlines()
    assert [line.endswith("the run waits") for line in told] == [False, True]
