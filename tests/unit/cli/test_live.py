"""The live view on a terminal that is a string: what scrolls, what stays, what is said at the end."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from dockerflow import progress as p
from dockerflow.cli.live import LiveView, harmless
from dockerflow.cli.picture import Picture
from dockerflow.cli.sentences import Place
from tests.unit.cli import watching as w


def terminal(width: int = 100, colours: bool = False) -> Console:
    system = "standard" if colours else None
    return Console(file=io.StringIO(), force_terminal=True, width=width, height=24, color_system=system, _environ={})


def shown(*events: p.Event, colours: bool = False) -> str:
    """All that was written to the terminal for a run, its end included."""
    console = terminal(colours=colours)
    with LiveView(console, Place("/home/me/.dockerflow"), clock=lambda: 0.0) as view:
        for event in events:
            view.notify(event)
        view.finish()
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def lines_of(text: str) -> list[str]:
    return [line.rstrip() for line in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "", text).splitlines()]


def test_users_lines_scroll_above_with_their_step_and_task() -> None:
    lines = lines_of(shown(w.run_began(), w.printed("hello"), w.printed("again", "stderr"), w.run_ended()))
    assert lines[lines.index("start/1 hello") + 1] == "start/1 again"


def test_each_step_has_a_colour_of_its_own() -> None:
    text = shown(w.run_began(), w.printed("a"), w.printed("b", step="compute", task="2"), colours=True)
    assert "\x1b[36mstart/1 \x1b[0ma" in text
    assert "\x1b[35mcompute/2 \x1b[0mb" in text


def test_an_environment_that_is_ready_says_what_it_took() -> None:
    lines = lines_of(shown(*w.prepared(again=False)))
    took = "14 layers built (150 MB), 6 reused, 2 sent (120 MB) in 3.0 s"
    assert f"✓ start  solved in 0.1 s, 12 packages · {took}" in lines
    assert "✓ compute, join, end  lock reused (store) · image present" in lines


def test_a_second_run_says_at_its_end_that_nothing_was_solved_or_built() -> None:
    assert "2 environments: solved nothing, built nothing" in lines_of(
        shown(*w.prepared(again=True), w.run_began(), w.run_ended())
    )


def test_a_failure_is_shown_when_it_happens_with_the_users_traceback() -> None:
    lines = lines_of(shown(w.run_began(), *w.failed_task("start", "1", w.RAISED), w.run_ended("failed")))
    place = lines.index("start/1 task failed after 2.0 s")
    assert lines[place + 1 : place + 5] == w.TRACEBACK.splitlines()


def test_the_end_stays_on_the_screen() -> None:
    text = shown(w.run_began(), *w.task("start", "1"), w.run_ended())
    assert lines_of(text)[-12:] == [
        "",
        "✓ start    1/1       0 ms",
        "· compute",
        "· join",
        "· end",
        "",
        "✓ run GenreStats/171234 succeeded in 12 s",
        "",
        "results:   python -c \"from dockerflow import Run; print(Run('GenreStats/171234').data)\"",
        "artifacts: dockerflow dump GenreStats/171234",
        "logs:      dockerflow logs GenreStats/171234",
        "store:     /home/me/.dockerflow",
    ]


def test_the_cursor_is_given_back_when_the_run_raises() -> None:
    console = terminal()
    with pytest.raises(KeyError), LiveView(console, Place("/s")):
        raise KeyError
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue().count("\x1b[?25l") == console.file.getvalue().count("\x1b[?25h") == 1


def test_many_lines_are_written_completely_and_in_order() -> None:
    console = terminal()
    with LiveView(console, Place("/s")) as view:
        view.notify(w.run_began())
        for number in range(50_000):
            view.notify(w.printed(f"line {number}"))
    assert isinstance(console.file, io.StringIO)
    assert re.findall(r"start/1 line (\d+)\n", console.file.getvalue()) == [str(number) for number in range(50_000)]


def test_finishing_returns_the_last_picture() -> None:
    with LiveView(terminal(), Place("/s")) as view:
        view.notify(w.run_began())
        assert isinstance(view.finish(), Picture)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain ünïcode 日本", "plain ünïcode 日本"),
        ("\x1b[31mred\x1b[0m", "\x1b[31mred\x1b[0m\x1b[0m"),
        ("a\x1b[2Jb\x1b[1;1Hc", "abc\x1b[0m"),
        ("\x1b]0;title\x07text", "text"),
        (" 10%|#\r 20%|##\r", " 20%|##"),
        ("bell\x07 and \x08back", "bell and back"),
        ("a\tb", "a       b"),
        ("\x1b", ""),
    ],
)
def test_a_users_line_keeps_its_colours_and_cannot_move_the_cursor(text: str, expected: str) -> None:
    assert harmless(text) == expected
