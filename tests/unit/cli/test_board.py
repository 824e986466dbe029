"""The picture as lines of a terminal, for a width, a height and a moment."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from dockerflow import progress as p
from dockerflow.cli.board import Board
from dockerflow.cli.picture import Picture, after
from tests.unit.cli import watching as w


def picture_of(*events: p.Event) -> Picture:
    picture = Picture()
    for event in events:
        picture = after(picture, event, 0.0)
    return picture


def drawn(*events: p.Event, now: float = 2.0, width: int = 80, height: int = 20, fine: bool = True) -> list[str]:
    return [line.plain.rstrip() for line in Board(width, height, fine).lines(picture_of(*events), now)]


def test_a_run_is_one_line_per_step_with_symbol_counts_and_time() -> None:
    events = [w.run_began(), *w.task("start", "1"), p.TasksCreated("compute", 3), p.AttemptBegan("compute", "2", 0)]
    assert drawn(*events, p.ContainerStarting("join", "c")) == [
        "GenreStats/171234  2.0 s",
        "✓ start    1/1       0 ms",
        "● compute  0/3      2.0 s  running 2 2.0 s",
        "◌ join     starting",
        "· end",
    ]


def test_what_went_wrong_is_counted() -> None:
    events = [
        w.run_began(),
        *w.failed_task("compute", "2", w.RAISED),
        *w.failed_task("compute", "3", w.RAISED, caught=True),
        *w.failed_task("compute", "4", w.RAISED, retry_in=1.0),
    ]
    assert drawn(*events)[2] == "✗ compute  1/3       0 ms  1 failed  1 caught  1 retried"


def test_the_first_few_running_tasks_are_named() -> None:
    began = [p.AttemptBegan("compute", str(number), 0) for number in range(9)]
    shown = drawn(w.run_began(), p.TasksCreated("compute", 9), *began, width=120)[2]
    assert shown.endswith("running 0 2.0 s · 1 2.0 s · 2 2.0 s · 3 2.0 s and 5 more")


def test_of_an_image_that_is_built_the_layers_are_counted_and_the_last_one_named() -> None:
    steps = ("start", "end")
    events = [
        p.EnvironmentLocked(steps, "solved", 12, 0.1),
        p.LayerReady(steps, "pandas 2.2.3", 7, 14, 1, reused=False),
    ]
    assert drawn(*events) == [
        "preparing  2.0 s",
        "● start, end  solved in 0.1 s, 12 packages  layers 7  pandas 2.2.3",
    ]


def test_while_modules_are_compiled_the_line_says_how_many() -> None:
    steps = ("start",)
    events = [
        p.EnvironmentLocked(steps, "store", 12, 0.0),
        p.LayerReady(steps, "rich 13.9.4", 10, 10, 1, reused=False),
        p.Compiling(steps, 300, "bytecode of rich 13.9.4"),
        p.Compiling(steps, 43, "bytecode of pytz 2026.1"),
    ]
    assert drawn(*events)[1] == "● start  lock reused (store)  layers 10  compiling 343 modules"


def test_an_image_that_is_sent_has_a_bar_of_its_bytes() -> None:
    steps = ("start",)
    sending = p.ImageSending(steps, "r", 60_000_000, 120_000_000)
    assert drawn(p.EnvironmentLocked(steps, "store", 12, 0.0), sending)[1] == (
        "● start  lock reused (store)  sending 60 MB/120 MB ━━━━━━━───────"
    )


def test_an_image_that_is_sent_to_another_host_names_it_until_that_one_has_it() -> None:
    steps = ("start",)
    begun = (p.EnvironmentLocked(steps, "store", 12, 0.0), p.ImageReady(steps, "r", 5, 0, 0, 0, 0.1))
    sending = p.ImageSending(steps, "r", 60_000_000, 120_000_000, "gpu-box")
    ready = p.ImageReady(steps, "r", 5, 0, 5, 120_000_000, 9.0, host="gpu-box", bytes_on_wire=40_000_000)
    assert drawn(*begun, sending)[1] == ("● start  lock reused (store)  sending to gpu-box 60 MB/120 MB ━━━━━━━───────")
    assert drawn(*begun, sending, ready) == ["preparing  2.0 s"]


def test_a_download_of_unknown_size_shows_what_has_come() -> None:
    assert drawn(p.PackageFetching("pandas-2.2.3.conda", 3_000_000, None))[1] == "  fetching 3.0 MB  pandas-2.2.3.conda"


def test_environments_leave_the_picture_when_they_are_ready() -> None:
    assert drawn(*w.prepared(again=True)) == ["preparing  2.0 s"]


@pytest.mark.parametrize("width", [20, 40, 80])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    wide = "a_step_with_a_very_long_name_that_nobody_would_choose"
    events = [
        p.EnvironmentSolving((wide, "b")),
        p.PackageFetching("x" * 100, 1, 2),
        p.RunBegan("Flow", "1", (wide, "日本語")),
        p.TasksCreated(wide, 2000),
        *(p.AttemptBegan(wide, str(number), 0) for number in range(9)),
    ]
    assert max(cell_len(line) for line in drawn(*events, width=width)) <= width


def test_where_rows_are_few_what_runs_is_shown_and_the_rest_counted() -> None:
    steps = tuple(f"s{number}" for number in range(30))
    events = [p.RunBegan("F", "1", steps)]
    for name in steps[:10]:
        events += w.task(name, name)
    events += [p.TasksCreated("s20", 1), p.AttemptBegan("s20", "x", 0)]
    shown = drawn(*events, height=6)
    assert len(shown) == 6
    assert "● s20  0/1      2.0 s" in shown
    assert shown[-1] == "  and 26 steps more: 10 done, 16 waiting"


def test_a_terminal_that_knows_only_ascii_gets_only_ascii() -> None:
    events = [p.PackageFetching("x", 1, 2), w.run_began(), *w.task("start", "1"), p.TasksCreated("compute", 9)]
    began = [p.AttemptBegan("compute", str(number), 0) for number in range(9)]
    assert "".join(drawn(*events, *began, fine=False)).isascii()
