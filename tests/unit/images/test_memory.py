from __future__ import annotations

import threading

from dockerflow.images.memory import Budget


def test_who_wants_more_than_is_left_waits_until_it_is_given_back() -> None:
    budget = Budget(10)
    waiting, order = threading.Event(), []

    def second() -> None:
        waiting.set()
        with budget.take(6):
            order.append("second")

    thread = threading.Thread(target=second)
    with budget.take(6):
        thread.start()
        assert waiting.wait(30)
        with budget.take(4):
            order.append("first")
    thread.join(30)
    assert order == ["first", "second"]


def test_more_than_there_is_is_given_to_one_that_is_alone() -> None:
    budget = Budget(10)
    with budget.take(1000):
        pass
    with budget.take(10):
        pass


def test_a_thread_never_waits_for_itself() -> None:
    budget = Budget(10)
    with budget.take(10), budget.take(10):
        pass
