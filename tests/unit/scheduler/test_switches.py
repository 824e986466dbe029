"""Switches, recursion through them, and graphs of any shape."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dockerflow.runtime.messages import RunTask, TaskResult
from dockerflow.scheduler import values as v
from dockerflow.scheduler.reach import Reach
from dockerflow.store.records import TaskCreated, Transition
from tests.unit.scheduler.random_flows import RandomFlow
from tests.unit.scheduler.simulate import Simulation, plan

SWITCH = plan(
    v.StepPlan("start", ("a", "b"), condition="kind"),
    v.StepPlan("a", ("meet",)),
    v.StepPlan("b", ("meet",)),
    v.StepPlan("meet", ("end",)),
    v.StepPlan("end", ()),
)
LOOP = plan(
    v.StepPlan("start", ("loop",)),
    v.StepPlan("loop", ("loop", "end"), condition="again"),
    v.StepPlan("end", ()),
)


def choosing(switch: str, *steps: str):
    """The tasks of the step `switch` choose these, in order; all others succeed."""
    left = list(steps)

    def outcome(task: RunTask) -> TaskResult:
        chosen = (left.pop(0),) if task.step == switch else ()
        return TaskResult(task.step, task.task_id, task.attempt, ok=True, manifest="m", transition=Transition(chosen))

    return outcome


def test_a_switch_is_followed_by_the_step_that_it_chose_alone():
    simulation = Simulation(SWITCH, choosing("start", "b"))
    assert simulation.run() == v.Finish("succeeded")
    assert simulation.created() == ["start", "b", "meet", "end"]


@pytest.mark.parametrize(
    ("transition", "found"),
    [
        (Transition(("end",)), "`end`"),
        (Transition(("a", "b")), "`a` and `b`"),
        (Transition(("start",)), "`start`"),
        (Transition(()), "no step"),
        (None, "no step"),
    ],
)
def test_a_switch_that_chose_what_it_may_not_fails_the_task(transition, found):
    def outcome(task: RunTask) -> TaskResult:
        return TaskResult(task.step, task.task_id, task.attempt, ok=True, manifest="m", transition=transition)

    simulation = Simulation(SWITCH, outcome)
    finish = simulation.run()
    assert finish.reason == f"task start/1 failed: the switch on `kind` chose {found}; expected one of `a`, `b`"
    assert simulation.created() == ["start"]


def test_a_recursion_runs_its_step_until_it_chooses_another():
    simulation = Simulation(LOOP, choosing("loop", *["loop"] * 4, "end"))
    assert simulation.run() == v.Finish("succeeded")
    assert simulation.created() == ["start", *["loop"] * 5, "end"]


def test_a_recursion_of_ten_thousand_rounds_uses_one_container_and_no_more_stack_at_its_end():
    simulation = Simulation(LOOP, choosing("loop", *["loop"] * 9_999, "end"))
    assert simulation.run() == v.Finish("succeeded")
    started = [command.step for command in simulation.history if isinstance(command, v.StartWorker)]
    assert Counter(started)["loop"] == 1


def test_the_containers_of_a_recursion_end_when_it_is_left_and_not_before():
    simulation = Simulation(LOOP, choosing("loop", "loop", "loop", "end"))
    simulation.run()
    loop = next(c.worker for c in simulation.history if isinstance(c, v.StartWorker) and c.step == "loop")
    last = max(i for i, c in enumerate(simulation.history) if isinstance(c, v.Assign) and c.task.step == "loop")
    assert simulation.history.index(v.StopWorker(loop)) > last


def test_the_containers_of_cases_that_were_not_chosen_end():
    simulation = Simulation(SWITCH, choosing("start", "b"))
    simulation.run()
    assert not [w for w in simulation.core.workers.values() if w.step == "a" and w.state in ("idle", "starting")]


def test_a_step_of_a_recursion_comes_before_itself():
    reach = Reach(LOOP.steps)
    may_have = {}
    for step in LOOP.steps:
        reach.add(step)
        may_have[step] = [other for other in LOOP.steps if reach.at_once(other, 1)]
        reach.remove(step)
    assert may_have == {"start": ["start", "loop", "end"], "loop": ["loop", "end"], "end": ["end"]}
    assert not any(reach.at_once(step, 1) for step in LOOP.steps)


def test_a_flow_may_begin_and_end_with_steps_of_any_name():
    whole = v.Plan("F", "1", {"only": v.StepPlan("only", ())}, "parameters", 1, start="only")
    simulation = Simulation(whole, choosing(""))
    assert simulation.run() == v.Finish("succeeded")
    assert simulation.created() == ["only"]


def counterparts(simulation: Simulation) -> Counter[v.Counterpart]:
    """Every task that was created, by its counterpart."""
    seen: Counter[tuple[str, tuple[int, ...]]] = Counter()
    found: Counter[v.Counterpart] = Counter()
    for record in simulation.records(TaskCreated):
        place = (record.step, tuple(index for _, _, index, _ in record.foreach))
        found[v.Counterpart(*place, seen[place])] += 1
        seen[place] += 1
    return found


@settings(deadline=None)  # how long it takes says nothing here
@given(st.integers(0, 100_000), st.integers(0, 1_000), st.integers(1, 8))
def test_a_flow_of_any_shape_runs_the_tasks_that_it_must_each_once(shape, order, workers):
    flow = RandomFlow(shape)
    whole = v.Plan("F", "1", flow.steps, "parameters", workers)
    simulation = Simulation(whole, flow.behaviour(), random.Random(order))
    assert simulation.run() == v.Finish("succeeded")
    assert counterparts(simulation) == flow.tasks()
    assert not simulation.core.joins.arrivals
    assert simulation.busy_at_most <= workers


@settings(deadline=None)  # how long it takes says nothing here
@given(st.integers(0, 100_000), st.integers(0, 1_000), st.integers(0, 1_000))
def test_what_tasks_receive_does_not_depend_on_what_finished_first(shape, order, other):
    flow = RandomFlow(shape)
    results = []
    for seed in (order, other):
        simulation = Simulation(v.Plan("F", "1", flow.steps, "parameters", 4), flow.behaviour(), random.Random(seed))
        simulation.run()
        results.append(Counter(record.manifest for record in simulation.ended()))
    assert results[0] == results[1]
