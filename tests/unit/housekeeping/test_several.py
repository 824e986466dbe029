"""Several things at a time: few in memory, none waited for in vain."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from dockerflow.housekeeping import several
from dockerflow.housekeeping.several import Stop

LIMIT = 60.0


def test_every_item_gives_its_result() -> None:
    assert sorted(several.done(lambda item, stop: item * item, range(100), 4)) == [n * n for n in range(100)]
    assert list(several.done(lambda item, stop: item, [], 4)) == []


def test_only_a_few_items_are_taken_before_somebody_takes_results() -> None:
    """So a listing of any length stays a listing."""
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(1000):
            taken.append(number)
            yield number

    for seen, _ in enumerate(several.done(lambda item, stop: item, items(), 3), start=1):
        assert len(taken) <= seen + 3 * 2 + 1


def test_an_error_is_raised_and_nothing_more_begins() -> None:
    begun: list[int] = []

    def function(item: int, stop: Stop) -> int:
        begun.append(item)
        raise ValueError(item)

    with pytest.raises(ValueError, match=r"\d"):
        list(several.done(function, range(1000), 2))
    assert len(begun) <= 2 * 2


def test_who_stops_to_listen_ends_what_goes_on() -> None:
    """Also in the middle of something long: it asks now and then whether anybody still wants it."""
    ended, begun = threading.Event(), threading.Event()

    def function(item: int, stop: Stop) -> int:
        if item == 0:
            assert begun.wait(LIMIT)
            return item
        begun.set()
        try:
            while True:
                stop()
        finally:
            ended.set()

    results = several.done(function, range(2), 2)
    assert next(results) == 0
    assert not ended.is_set()
    results.close()  # type: ignore[attr-defined]
    assert ended.is_set()
