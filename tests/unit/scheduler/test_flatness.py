"""What a task costs the core does not depend on how many there are, nor on how large the graph is.

Counted in lines of the scheduler that are carried out, not in time: of the events that tell a result, from the first to
the last. Those that create a whole foreach, or end one, cost as much as it is wide, once.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import FrameType
from typing import Any

import pytest

from dockerflow.scheduler import values as v
from dockerflow.scheduler.capacity import Share
from tests.unit.scheduler.simulate import Simulation, linear, succeed

WIDE = (
    v.StepPlan("start", ("work",), foreach="xs"),
    v.StepPlan("work", ("join",)),
    v.StepPlan("join", ("end",), join=True),
    v.StepPlan("end", ()),
)
NESTED = (
    v.StepPlan("start", ("outer",), foreach="xs"),
    v.StepPlan("outer", ("inner",), foreach="ys"),
    v.StepPlan("inner", ("join_inner",)),
    v.StepPlan("join_inner", ("join_outer",), join=True),
    v.StepPlan("join_outer", ("end",), join=True),
    v.StepPlan("end", ()),
)


@dataclass
class Counted(Simulation):
    """Counts the lines of every tenth event that tells a result."""

    lines: list[int] = field(default_factory=list)
    returned: int = 0

    def tell(self, event: v.Event) -> None:
        if not isinstance(event, v.TaskReturned):
            super().tell(event)
            return
        self.returned += 1
        if self.returned % 10:
            super().tell(event)
            return
        with counting() as count:
            super().tell(event)
        self.lines.append(count[0])


@contextmanager
def counting() -> Iterator[list[int]]:
    """How many lines of the scheduler are carried out until the end of the `with`."""
    count, before = [0], sys.gettrace()

    def each_line(frame: FrameType, event: str, argument: Any) -> Any:
        if event == "line" and "scheduler" in frame.f_code.co_filename:
            count[0] += 1
        return each_line

    sys.settrace(each_line)
    try:
        yield count
    finally:
        sys.settrace(before)


def counted(
    steps: tuple[v.StepPlan, ...], sizes: dict[str, int] | None = None, capacity: Share | None = None
) -> Counted:
    plan = v.Plan("F", "1", {step.name: step for step in steps}, "p", 4)
    if capacity is not None:
        plan = replace(plan, capacity=capacity)
    simulation = Counted(plan, succeed(sizes))
    assert simulation.run() == v.Finish("succeeded")
    return simulation


def usual(lines: list[int]) -> float:
    return statistics.median(lines)


def static(width: int) -> tuple[v.StepPlan, ...]:
    """A split into so many steps at once."""
    names = tuple(f"branch{i}" for i in range(width))
    return (
        v.StepPlan("start", names),
        *(v.StepPlan(name, ("join",)) for name in names),
        v.StepPlan("join", ("end",), join=True),
        v.StepPlan("end", ()),
    )


def test_of_ten_thousand_tasks_the_last_cost_what_the_first_do() -> None:
    lines = counted(WIDE, {"start": 10_000}).lines
    assert len(lines) == 1_000
    assert usual(lines[-100:]) <= 1.1 * usual(lines[:100])
    assert max(lines[10:-10]) <= 2 * usual(lines[:100])


def test_a_task_of_ten_thousand_costs_what_one_of_a_hundred_does() -> None:
    assert usual(counted(WIDE, {"start": 10_000}).lines) <= 1.1 * usual(counted(WIDE, {"start": 100}).lines)


def test_a_hundred_foreaches_of_a_hundred_cost_per_task_what_ten_of_ten_do() -> None:
    large = counted(NESTED, {"start": 100, "outer": 100})
    small = counted(NESTED, {"start": 10, "outer": 10})
    assert large.created().count("inner") == 10_000
    assert usual(large.lines) <= 1.1 * usual(small.lines)


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("capacity", [None, Share(2000, 1000)])
def test_two_thousand_steps_in_a_line_cost_per_step_what_a_hundred_do(capacity: Share | None, shared: bool) -> None:
    """Whether each has workers of its own, or all have them in common."""
    workers = "start" if shared else ""
    long, short = (
        counted(tuple(replace(step, workers=workers) for step in line(length)), None, capacity)
        for length in (2_000, 100)
    )
    assert usual(long.lines) <= 1.1 * usual(short.lines)
    assert max(long.lines) <= 2 * usual(short.lines)


def line(length: int) -> tuple[v.StepPlan, ...]:
    return linear("start", *(f"step{i}" for i in range(length - 2)), "end")


def test_a_split_into_two_thousand_steps_costs_per_step_what_one_into_a_hundred_does() -> None:
    large, small = counted(static(2_000)), counted(static(100))
    assert usual(large.lines) <= 1.1 * usual(small.lines)
    assert max(large.lines[5:-5]) <= 2 * usual(small.lines)


def test_tasks_that_wait_for_memory_cost_what_others_do() -> None:
    """Two thousand steps of which one fits at a time are not all looked at after each."""
    steps = tuple(replace(step, share=Share(memory=600)) for step in static(2_000))
    lines = counted(steps, None, Share(2000, 1000)).lines
    assert max(lines[5:-5]) <= 3 * usual(counted(static(100)).lines)
