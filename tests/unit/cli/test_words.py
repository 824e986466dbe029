from __future__ import annotations

import pytest

from dockerflow.cli.words import counted, duration, listed, size


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-0.001, "0 ms"),
        (0.0004, "0 ms"),
        (0.02, "20 ms"),
        (0.0994, "99 ms"),
        (0.0996, "0.1 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (185, "3 min 05 s"),
        (3600, "1 h 00 min"),
        (7620, "2 h 07 min"),
        (90000, "25 h 00 min"),
    ],
)
def test_durations_are_short_and_never_say_sixty(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (1_449_000, "1.4 MB"),
        (999_600, "1.0 MB"),
        (120_000_000, "120 MB"),
        (3 * 10**15, "3000 TB"),
    ],
)
def test_sizes_have_two_or_three_digits(count: int, text: str) -> None:
    assert size(count) == text


def test_one_is_singular() -> None:
    assert [counted(count, "task") for count in (0, 1, 1200)] == ["0 tasks", "1 task", "1,200 tasks"]


def test_long_lists_are_cut() -> None:
    assert listed(("a", "b", "c", "d")) == "a, b, c, d"
    assert listed(("a", "b", "c", "d", "e")) == "a, b, c, 2 more"
