"""Which results that would be taken over have read a parameter, and from which step on to run again instead."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dockerflow.flow.definition import Flow, Step
from dockerflow.scheduler.changed import Reader, differing, readers, rerun_from
from dockerflow.scheduler.origin import Origin
from dockerflow.store.history import RunHistory
from dockerflow.store.manifest import ArtifactRef
from dockerflow.store.records import AttemptFinished, Record, RunStarted, TaskCreated, Transition

STARTED = RunStarted(0.0, "F", "1", "ada", "p", "c", ())


def flow(foreach: str | None = None, **steps: tuple[str, ...]) -> Flow:
    """Of steps with those that follow them; `start` may split, and `join` joins."""
    made = {name: Step(name, "f.py", 1, "", after, join=name == "join") for name, after in steps.items()}
    made["start"] = replace(made["start"], foreach=foreach)
    return Flow("F", "f.py", 1, "", made)


def done(
    step: str,
    task_id: str,
    inputs: tuple[str, ...],
    transition: Transition | None,
    read: tuple[str, ...] | None,
    index: int | None = None,
) -> list[Record]:
    foreach = () if index is None else (("start", "xs", index, 2),)
    return [
        TaskCreated(0.0, step, task_id, inputs, foreach),
        AttemptFinished(0.0, step, task_id, 0, True, True, manifest=task_id, transition=transition, read=read),
    ]


BRANCHES = flow(start=("a", "b"), a=("join",), b=("join",), join=("end",), end=())
RAN = [
    *done("start", "1", (), Transition(("a", "b")), ("x",)),
    *done("a", "2", ("1",), Transition(("join",)), ()),
    *done("b", "3", ("1",), Transition(("join",)), ("y",)),
    *done("join", "4", ("2", "3"), Transition(("end",)), None),
    *done("end", "5", ("4",), None, ("z",)),
]


def origin(records: list[Record], rerun: str | None = None) -> Origin:
    return Origin(STARTED, RunHistory.of(records), rerun)


def test_steps_are_named_that_have_read_it_and_behind_them_those_that_may_have() -> None:
    assert readers(origin(RAN), BRANCHES, {"x"}) == [Reader("start", 1, True), Reader("join", 1, False)]
    assert readers(origin(RAN), BRANCHES, {"x", "y"})[:2] == [Reader("start", 1, True), Reader("b", 1, True)]


def test_what_runs_again_does_not_count() -> None:
    assert readers(origin(RAN, "end"), BRANCHES, {"z"}) == [Reader("join", 1, False)]
    assert readers(origin(RAN, "join"), BRANCHES, {"z"}) == []
    assert readers(origin(RAN, "b"), BRANCHES, {"y"}) == []
    assert readers(origin(RAN[:-2]), BRANCHES, {"z"}) == [Reader("join", 1, False)]


def test_what_follows_a_step_whose_self_next_is_another_now_runs_again() -> None:
    edited = flow(start=("a", "c"), a=("join",), c=("join",), join=("end",), end=())
    assert readers(origin(RAN), edited, {"x", "y", "z"}) == []


@pytest.mark.parametrize(("most", "found"), [(None, [Reader("work", 2, True)]), (1, [])])
def test_tasks_of_a_foreach_are_counted_as_long_as_it_may_make_them(most: int | None, found: list[Reader]) -> None:
    split = flow("xs", start=("work",), work=("join",), join=("end",), end=())
    records = [
        *done("start", "1", (), Transition(("work",), "xs", 2), ()),
        *done("work", "2", ("1",), Transition(("join",)), ("x",), 0),
        *done("work", "3", ("1",), Transition(("join",)), ("x",), 1),
    ]
    assert readers(origin(records), split, {"x"}, most) == found


@pytest.mark.parametrize(
    ("wanted", "first"),
    [({"b"}, "b"), ({"a", "b"}, "start"), ({"a", "join"}, "a"), ({"join", "end"}, "join"), ({"end"}, "end")],
)
def test_as_little_as_possible_runs_again(wanted: set[str], first: str) -> None:
    assert rerun_from(BRANCHES, wanted) == first


def test_a_value_differs_by_the_hash_of_what_is_stored() -> None:
    kept = {"x": ArtifactRef("", 0, 1, "0" * 64, "int")}
    assert differing({"x": 1, "y": 2}, kept) == {"x": 1, "y": 2}
