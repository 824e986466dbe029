"""What a task has left is ended, however many there are and however long it takes."""

from __future__ import annotations

from dockerflow.runtime.processes import PATIENCE, Patience


def test_processes_are_waited_for_as_long_as_one_after_the_other_dies() -> None:
    now = [0.0]
    patience = Patience(clock=lambda: now[0])
    for died in (100, 1, 1, 0, 1):
        now[0] += PATIENCE * 0.75
        assert not patience.is_over(died)
    now[0] += PATIENCE * 0.75
    assert not patience.is_over(0)
    now[0] += PATIENCE * 0.75
    assert patience.is_over(0)
