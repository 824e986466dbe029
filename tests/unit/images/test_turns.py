"""Who sends to an engine does so alone, and asks it again only where somebody else may have."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from dockerflow.images.engine_layers import EngineLayers
from dockerflow.images.turns import FOLDER, Turns

KNOWN = EngineLayers((("sha256:1",),), apart=False)
LIMIT = 60.0


def learn(turns: Turns, *, changed: bool) -> None:
    with turns.turn() as turn:
        turn.learn(KNOWN, changed=changed)


def known(turns: Turns) -> EngineLayers | None:
    with turns.turn() as turn:
        return turn.known


def test_what_was_learned_holds_until_another_has_sent(tmp_path: Path) -> None:
    ours, others = Turns(tmp_path, "engine"), Turns(tmp_path, "engine")
    assert known(ours) is None
    learn(ours, changed=True)
    assert known(ours) == KNOWN
    learn(others, changed=True)
    assert known(ours) is None


def test_what_failed_is_not_relied_on(tmp_path: Path) -> None:
    turns = Turns(tmp_path, "engine")
    learn(turns, changed=True)
    with turns.turn() as turn:
        turn.forget()
    assert known(turns) is None


@pytest.mark.parametrize("whose", ["engine", "another"])
def test_one_waits_for_the_other_at_the_same_engine_alone(tmp_path: Path, whose: str) -> None:
    ours, others = Turns(tmp_path, "engine"), Turns(tmp_path, whose)
    entered = threading.Event()

    def enter() -> None:
        with others.turn():
            entered.set()

    thread = threading.Thread(target=enter)
    with ours.turn():
        thread.start()
        waited = not entered.wait(0.2 if whose == "engine" else LIMIT)
        assert waited == (whose == "engine")
    assert entered.wait(LIMIT)
    thread.join()


def test_without_locks_threads_still_wait_and_nothing_is_relied_on(tmp_path: Path) -> None:
    (tmp_path / FOLDER).write_text("a file where the folder should be")
    turns = Turns(tmp_path, "engine")
    learn(turns, changed=True)
    assert known(turns) is None
