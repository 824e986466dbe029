"""Many things at a time, by threads."""

from __future__ import annotations

import gc
import threading
import weakref

import pytest

from dockerflow.store.parallel import in_threads


class Held:
    """Something that a call has open."""


def test_results_are_in_the_order_of_the_items_whatever_was_done_first() -> None:
    second = threading.Event()

    def work(item: int) -> int:
        if item == 0:
            assert second.wait(60)
        elif item == 1:
            second.set()
        return -item

    assert in_threads(work, range(50), threads=2) == [-item for item in range(50)]


@pytest.mark.parametrize("count", [1, 20])
def test_of_an_error_that_was_dealt_with_nothing_is_left_for_the_garbage_collector(count: int) -> None:
    """Its traceback leads to what the calls had open: connections would stay until some later collection."""
    alive: list[weakref.ref[Held]] = []

    def work(item: int) -> None:
        held = Held()
        alive.append(weakref.ref(held))
        raise ValueError(item)

    gc.disable()
    try:
        with pytest.raises(ValueError, match=r"\d"):
            in_threads(work, range(count))
        assert [held() for held in alive] == [None] * len(alive)
    finally:
        gc.enable()
