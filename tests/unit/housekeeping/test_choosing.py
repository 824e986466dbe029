"""Which runs go is decided from what is known of them, by conditions that all must hold."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dockerflow.housekeeping.choosing import UNREADABLE, SeenRun, Wanted, chosen, needed
from dockerflow.housekeeping.references import RunName
from dockerflow.store.records import RunStarted

NOW = 1_000_000.0


def seen(run_id: str, status: str = "succeeded", ago: float = 0.0, *tags: str, flow: str = "F") -> SeenRun:
    return SeenRun(RunName(flow, run_id), status, NOW - ago, tags=frozenset(tags))


# As `every` gives them: flow by flow, the newest first.
RUNS = [
    seen("5", "running", 1),
    seen("4", "failed", 10, "good"),
    seen("3", "succeeded", 20, "good", "user:ada"),
    seen("2", UNREADABLE, 30),
    seen("1", "killed", 40, "bad"),
    seen("9", "failed", 50, flow="G"),
    seen("8", "succeeded", 60, "good", flow="G"),
]


def ids(wanted: Wanted) -> str:
    return " ".join(one.run.run_id for one in chosen(RUNS, wanted, NOW))


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Wanted(), ""),
        (Wanted(older_than=30), "2 1 9 8"),
        (Wanted(older_than=0), "5 4 3 2 1 9 8"),
        (Wanted(keep=0), "5 4 3 2 1 9 8"),
        (Wanted(keep=2), "3 2 1"),
        (Wanted(keep=1), "4 3 2 1 8"),
        (Wanted(flow="G"), "9 8"),
        (Wanted(flow="G", keep=1), "8"),
        (Wanted(statuses=frozenset(["failed", "killed"])), "4 1 9"),
        (Wanted(statuses=frozenset(["failed"]), older_than=20), "9"),
        (Wanted(tags=frozenset(["good"])), "4 3 8"),
        (Wanted(tags=frozenset(["good", "user:ada"])), "3"),
        (Wanted(keep_tags=frozenset(["good"])), "5 1 9"),
        (Wanted(keep_tags=frozenset(["good", "bad"]), keep=0), "5 9"),
        (Wanted(keep_tags=frozenset(["good"]), named=frozenset([RunName("F", "2")])), ""),
        (Wanted(named=frozenset([RunName("F", "3"), RunName("G", "9")])), "3 9"),
        (Wanted(named=frozenset([RunName("F", "3"), RunName("G", "9")]), statuses=frozenset(["failed"])), "9"),
        (Wanted(named=frozenset([RunName("G", "3")])), ""),
    ],
)
def test_a_run_goes_if_all_conditions_hold(wanted: Wanted, expected: str) -> None:
    assert ids(wanted) == expected


def test_the_newest_of_a_flow_are_counted_whatever_else_is_asked_for() -> None:
    """`--keep 2 --status failed` keeps the two newest runs, not the two newest that failed."""
    assert ids(Wanted(keep=1, statuses=frozenset(["failed"]))) == "4"
    assert ids(Wanted(keep=2, statuses=frozenset(["failed"]))) == ""


def test_runs_that_go_on_and_those_that_they_resume_are_needed_and_those_that_wait_too() -> None:
    started = RunStarted(1.0, "F", "5", "ada", "", "", (), origin_run_id="1")
    found = needed([replace(RUNS[0], started=started), *RUNS[1:]], [RunName("G", "7")])
    assert dict(found) == {
        RunName("F", "5"): "it still runs",
        RunName("F", "1"): "`F/5`, which runs, resumes it",
        RunName("G", "7"): "a part of it waits on this machine to be brought to the store",
    }


def test_a_run_that_is_over_keeps_nothing_of_the_run_that_it_resumed() -> None:
    started = RunStarted(1.0, "F", "4", "ada", "", "", (), origin_run_id="1")
    assert needed([replace(RUNS[1], started=started)], []) == {}
