"""What a task costs the core does not depend on how many there are, nor on how large the graph is.

Counted in lines of the scheduler that are carried out, not in time: of the events that tell a result, from the first to
the last. Those that create a whole foreach, or end one, cost as much as it is wide, once.
"""

from __future__ import annotations

import functools
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
    """Counts the lines of every tenth event that tells a result, or more often."""

    every: int = 10
    lines: list[int] = field(default_factory=list)
    returned: int = 0

    def tell(self, event: v.Event) -> None:
        if not isinstance(event, v.TaskReturned):
            super().tell(event)
            return
        self.returned += 1
        if self.returned % self.every:
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
        if event == "line":
            count[0] += 1
        return each_line if "scheduler" in frame.f_code.co_filename else None

    sys.settrace(each_line)
    try:
        yield count
    finally:
        sys.settrace(before)


def counted(
    steps: tuple[v.StepPlan, ...],
    sizes: dict[str, int] | None = None,
    capacity: Share | None = None,
    hosts: dict[str, v.HostPlan] | None = None,
    every: int = 10,
) -> Counted:
    plan = v.Plan("F", "1", {step.name: step for step in steps}, "p", 4)
    if capacity is not None:
        hosts = {v.LOCAL: v.HostPlan(capacity)}
    simulation = Counted(replace(plan, hosts=hosts or plan.hosts), succeed(sizes), every=every)
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


@functools.cache
def foreach(size: int, on_three_hosts: bool = False) -> list[int]:
    """What its tasks cost."""
    every = 10 if size > 1_000 else 1
    return counted(WIDE, {"start": size}, hosts=THREE if on_three_hosts else None, every=every).lines


def test_of_ten_thousand_tasks_the_last_cost_what_the_first_do() -> None:
    lines = foreach(10_000)
    assert len(lines) == 1_000
    assert usual(lines[-100:]) <= 1.1 * usual(lines[:100])
    assert max(lines[10:-10]) <= 2 * usual(lines[:100])


def test_a_task_of_ten_thousand_costs_what_one_of_a_hundred_does() -> None:
    assert usual(foreach(10_000)) <= 1.1 * usual(foreach(100))


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
    large, small = (counted(static(width), every=1) for width in (2_000, 100))
    assert usual(large.lines) <= 1.1 * usual(small.lines)
    assert max(large.lines[5:-5]) <= 2 * usual(small.lines)


def test_tasks_that_wait_for_memory_cost_what_others_do() -> None:
    """Two thousand steps of which one fits at a time are not all looked at after each."""
    steps = tuple(replace(step, share=Share(memory=600)) for step in static(2_000))
    lines = counted(steps, None, Share(2000, 1000)).lines
    assert max(lines[5:-5]) <= 3 * usual(counted(static(100)).lines)


THREE = {name: v.HostPlan(Share(2000, 1000), 2) for name in ("a", "b", "c")}


def test_of_ten_thousand_tasks_on_three_hosts_the_last_cost_what_the_first_do() -> None:
    lines = foreach(10_000, on_three_hosts=True)
    assert usual(lines[-100:]) <= 1.1 * usual(lines[:100])
    assert max(lines[10:-10]) <= 2 * usual(lines[:100])


def test_on_three_hosts_a_task_of_ten_thousand_costs_what_one_of_a_hundred_does() -> None:
    assert usual(foreach(10_000, on_three_hosts=True)) <= 1.1 * usual(foreach(100, on_three_hosts=True))


def test_two_thousand_steps_in_a_line_over_three_hosts_cost_per_step_what_a_hundred_do() -> None:
    long, short = (counted(line(length), hosts=THREE, every=1) for length in (2_000, 100))
    assert usual(long.lines) <= 1.1 * usual(short.lines)
    assert max(long.lines) <= 2 * usual(short.lines)


@pytest.mark.parametrize("where", [("a", "b", "c"), ("b",)])
@pytest.mark.parametrize("share", [Share(), Share(memory=600)])
def test_a_split_into_two_thousand_steps_on_some_of_three_hosts_costs_per_step_what_one_into_a_hundred_does(
    share: Share, where: tuple[str, ...]
) -> None:
    """Also where all of them wait for one host while the others are idle."""
    large, small = (
        counted(tuple(replace(step, hosts=where, share=share) for step in static(width)), hosts=THREE, every=every)
        for width, every in ((2_000, 7), (100, 1))
    )
    # Not the median: some events start a worker and others do not, about half of them each.
    assert statistics.fmean(large.lines[5:-20]) <= 1.1 * statistics.fmean(small.lines[5:-20])
    assert max(large.lines[5:-5]) <= 2 * max(small.lines[5:-5])
