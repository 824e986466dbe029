"""Whether a host answers: what follows from a look, and how the watch tells it."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

from dockerflow.engines.watch import EVERY, LATEST, SOONEST, Away, Back, GivenUp, HostState, Seen, Watch

LIMIT = 60.0


def test_a_host_that_misses_a_look_is_away() -> None:
    assert Seen(180.0).missed("no answer", 1000.0).state == Away("no answer")


def test_a_host_is_given_up_when_it_was_away_for_as_long_as_it_is_waited_for() -> None:
    seen = Seen(180.0).missed("first", 1000.0)
    assert seen.missed("second", 1179.9).state == Away("second")
    assert seen.missed("third", 1180.0).state == GivenUp("third")


def test_a_host_that_is_given_up_stays_so_until_it_answers() -> None:
    given_up = Seen(180.0).missed("first", 1000.0).missed("second", 2000.0)
    assert given_up.missed("third", 2001.0).state == GivenUp("third")
    assert given_up.answered().state == Back()


def test_patience_begins_anew_each_time_that_a_host_is_away() -> None:
    again = Seen(180.0).missed("once", 0.0).answered().missed("again", 1000.0)
    assert again.missed("still", 1100.0).state == Away("still")


def test_the_longer_a_host_is_away_the_seldomer_it_is_looked_for() -> None:
    assert Seen(180.0).pause(1000.0) == EVERY
    away = Seen(180.0).missed("no answer", 1000.0)
    pauses = [away.pause(1000.0 + seconds) for seconds in (0, 10, 60, 100, 1e6)]
    assert pauses[0] == SOONEST
    assert pauses[-1] == LATEST
    assert pauses == sorted(pauses)


class Road:
    """A way that a test opens and closes; each look is a step of the test's."""

    def __init__(self) -> None:
        self.reason: str | None = None
        self.may_look = threading.Semaphore(0)
        self.closed = False

    def look(self) -> str | None:
        self.may_look.acquire()
        if self.closed:
            return "closed"
        if self.reason == "raise":
            raise RuntimeError("of nobody's making")
        return self.reason

    def close(self) -> None:
        self.closed = True
        self.may_look.release()

    def let_look(self, reason: str | None) -> None:
        self.reason = reason
        self.may_look.release()


@contextmanager
def watched(patience: float) -> Iterator[tuple[Road, Watch, queue.SimpleQueue[HostState]]]:
    road = Road()
    told: queue.SimpleQueue[HostState] = queue.SimpleQueue()
    with closing(Watch("gpu-box", road, patience)) as watch:
        watch.listen(told.put)
        yield road, watch, told


def test_whoever_suspects_waits_for_a_look_that_began_after_that() -> None:
    with watched(180.0) as (road, watch, _):
        watch.suspect()
        assert not watch.wait_until_back(0.0)
        road.let_look(None)
        assert watch.wait_until_back(LIMIT)


def test_changes_are_told_once_each_and_in_order() -> None:
    with watched(0.0) as (road, watch, told):
        watch.suspect()
        road.let_look("no route")
        assert told.get(timeout=LIMIT) == Away("no route")
        road.let_look("still none")
        assert told.get(timeout=LIMIT) == GivenUp("still none")
        road.let_look("none at all")
        road.let_look(None)
        assert told.get(timeout=LIMIT) == Back()
        assert told.empty()
        assert watch.state == Back()


def test_a_host_that_is_given_up_is_waited_for_by_those_only_who_say_so() -> None:
    with watched(0.0) as (road, watch, told):
        watch.suspect()
        road.let_look("no route")
        road.let_look("no route")
        assert isinstance(told.get(timeout=LIMIT), Away)
        assert isinstance(told.get(timeout=LIMIT), GivenUp)
        assert not watch.wait_until_back()
        threading.Timer(0.0, road.let_look, [None]).start()
        assert watch.wait_until_back(LIMIT, even_given_up=True)


def test_nobody_who_waits_is_forgotten_when_the_watch_ends() -> None:
    with watched(180.0) as (_, watch, _):
        watch.suspect()
        found: queue.SimpleQueue[bool] = queue.SimpleQueue()
        threading.Thread(target=lambda: found.put(watch.wait_until_back())).start()
    assert found.get(timeout=LIMIT) is False


def test_a_listener_that_is_forgotten_hears_nothing() -> None:
    with watched(180.0) as (road, watch, told):
        watch.forget(told.put)
        watch.forget(told.put)
        heard: queue.SimpleQueue[HostState] = queue.SimpleQueue()
        watch.listen(told.put)
        watch.forget(told.put)
        watch.listen(heard.put)
        watch.suspect()
        road.let_look("no route")
        assert heard.get(timeout=LIMIT) == Away("no route")
        assert told.empty()


def test_what_nobody_thought_of_is_a_missed_look() -> None:
    """Many wait for the thread that looks: it must not end."""
    with watched(180.0) as (road, watch, told):
        watch.suspect()
        road.let_look("raise")
        assert told.get(timeout=LIMIT) == Away("RuntimeError: of nobody's making")
        road.let_look(None)
        assert told.get(timeout=LIMIT) == Back()


def test_whoever_asks_whether_it_answers_now_gets_the_answer_of_a_look_that_began_after_that() -> None:
    with watched(180.0) as (road, watch, _):
        road.reason = "no route"
        road.may_look.release()
        assert not watch.answers_now()  # though nobody had noticed yet
        assert watch.state == Away("no route")
        assert not watch.answers_now()  # what is known of a host that is away, at once
        road.let_look(None)
        assert watch.wait_until_back(LIMIT)
        road.may_look.release()
        assert watch.answers_now()
