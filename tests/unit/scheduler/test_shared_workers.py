"""Steps whose containers would be the same have their workers in common."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dockerflow.runtime.messages import RunTask, TaskResult
from dockerflow.scheduler import values as v
from dockerflow.scheduler.capacity import Share
from dockerflow.store.records import AttemptFinished, Failure
from tests.unit.scheduler.simulate import Simulation, linear, plan, succeed


def shared(*steps: v.StepPlan) -> tuple[v.StepPlan, ...]:
    return tuple(replace(step, workers="start") for step in steps)


def started(simulation: Simulation) -> list[v.StartWorker]:
    return [command for command in simulation.history if isinstance(command, v.StartWorker)]


SPLIT = (
    v.StepPlan("start", ("a", "b")),
    v.StepPlan("a", ("join",)),
    v.StepPlan("b", ("join",)),
    v.StepPlan("join", ("end",), join=True),
    v.StepPlan("end", ()),
)


def test_a_line_of_steps_has_one_worker() -> None:
    simulation = Simulation(plan(*shared(*linear("start", "a", "b", "c", "end"))), succeed())
    assert simulation.run() == v.Finish("succeeded")
    assert started(simulation) == [v.StartWorker(1, "start", "local")]
    assert [command.worker for command in simulation.history if isinstance(command, v.Assign)] == [1] * 5


def test_a_step_of_other_containers_in_between_has_its_own_and_the_first_is_kept_for_the_last() -> None:
    first, other, last = linear("start", "other", "end")
    simulation = Simulation(plan(*shared(first), other, *shared(last)), succeed())
    assert simulation.run() == v.Finish("succeeded")
    assert started(simulation) == [v.StartWorker(1, "start", "local"), v.StartWorker(2, "other", "local")]
    assert [(c.worker, c.task.step) for c in simulation.history if isinstance(c, v.Assign)] == [
        (1, "start"),
        (2, "other"),
        (1, "end"),
    ]


def test_branches_run_side_by_side_and_their_second_worker_starts_ahead() -> None:
    simulation = Simulation(plan(*shared(*SPLIT)), succeed())
    simulation.tell(v.Begin())
    assert started(simulation) == [v.StartWorker(1, "start", "local"), v.StartWorker(2, "b", "local")]
    simulation.starting.clear()
    simulation.tell(v.WorkerReady(1))
    simulation.tell(v.WorkerReady(2))
    return_first(simulation)
    assert {task.step for task in simulation.working.values()} == {"a", "b"}


def return_first(simulation: Simulation) -> None:
    simulation.tell(v.TaskReturned(1, succeed()(simulation.working.pop(1))))


def test_of_a_foreach_two_workers_are_there_before_it_is_known_how_many_tasks_it_has() -> None:
    wide = (v.StepPlan("start", ("work",), foreach="xs"), v.StepPlan("work", ("join",)), *SPLIT[3:])
    simulation = Simulation(plan(*shared(*wide)), succeed({"start": 4}))
    simulation.tell(v.Begin())
    assert len(started(simulation)) == 2
    simulation = Simulation(plan(*shared(*wide)), succeed({"start": 4}))
    assert simulation.run() == v.Finish("succeeded")
    assert len(started(simulation)) == 4


def test_workers_of_a_foreach_end_with_it_but_for_the_one_that_goes_on() -> None:
    """Each holds what the flow's import takes, and a line of steps that follows may last for hours."""
    wide = (v.StepPlan("start", ("work",), foreach="xs"), v.StepPlan("work", ("join",)), *SPLIT[3:4])
    simulation = Simulation(plan(*shared(*wide, *linear("end", "last"))), succeed({"start": 20}))
    while "join" not in simulation.created():
        simulation.turn() if simulation.history else simulation.tell(v.Begin())
    assert len(started(simulation)) == 4
    assert sum(isinstance(command, v.StopWorker) for command in simulation.history) == 3
    while simulation.finished is None:
        simulation.turn()
    assert simulation.finished == v.Finish("succeeded")
    assert len(started(simulation)) == 4


def test_workers_that_branches_may_need_are_kept_for_them() -> None:
    wide = (v.StepPlan("start", ("work",), foreach="xs"), v.StepPlan("work", ("joined",)))
    joined = (v.StepPlan("joined", ("split",), join=True), v.StepPlan("split", ("a", "b")), *SPLIT[1:])
    simulation = Simulation(plan(*shared(*wide, *joined)), succeed({"start": 20}))
    assert simulation.run() == v.Finish("succeeded")
    assert len(started(simulation)) == 4


@pytest.mark.parametrize("limit", ["workers", "memory"])
def test_no_worker_is_started_ahead_that_could_not_run_beside_the_others(limit: str) -> None:
    of_plan = plan(*shared(*SPLIT), max_workers=1 if limit == "workers" else 4)
    if limit == "memory":
        steps = {name: replace(step, share=Share(memory=600)) for name, step in of_plan.steps.items()}
        of_plan = replace(of_plan, steps=steps, hosts={v.LOCAL: v.HostPlan(Share(8000, 1000))})
    simulation = Simulation(of_plan, succeed())
    assert simulation.run() == v.Finish("succeeded")
    assert len(started(simulation)) == 1


def test_tasks_of_several_steps_begin_in_the_order_in_which_they_came() -> None:
    simulation = Simulation(plan(*shared(*SPLIT), max_workers=1), succeed())
    assert simulation.run() == v.Finish("succeeded")
    assert [c.task.step for c in simulation.history if isinstance(c, v.Assign)] == ["start", "a", "b", "join", "end"]


def test_a_task_is_tried_again_before_others_begin() -> None:
    """As with Metaflow, also where those of other steps have waited for the same workers."""
    steps = shared(SPLIT[0], replace(SPLIT[1], retries=1), *SPLIT[2:])

    def outcome(task: RunTask) -> TaskResult:
        ok = task.step != "a" or task.attempt > 0
        return replace(succeed()(task), ok=ok, failure=None if ok else Failure("exception", "no"))

    simulation = Simulation(plan(*steps, max_workers=1), outcome)
    assert simulation.run() == v.Finish("succeeded")
    assert [c.task.step for c in simulation.history if isinstance(c, v.Assign)] == [
        "start",
        "a",
        "a",
        "b",
        "join",
        "end",
    ]


def test_a_worker_that_has_one_task_only_is_followed_by_another_that_starts_ahead() -> None:
    steps = (replace(step, fresh_containers=True) for step in shared(*linear("start", "a", "end")))
    simulation = Simulation(plan(*steps), succeed())
    simulation.tell(v.Begin())
    assert [command.step for command in started(simulation)] == ["start"]
    simulation.starting.clear()
    simulation.tell(v.WorkerReady(1))
    assert [command.step for command in started(simulation)] == ["start", "a"]


def test_workers_that_are_kept_for_later_steps_keep_no_others_from_starting_ahead() -> None:
    kinds = {"b2": "b", "end": "start"}
    steps = (replace(step, workers=kinds.get(step.name, "")) for step in linear("start", "b", "c", "d", "b2", "end"))
    simulation = Simulation(plan(*steps), succeed())
    assert simulation.run() == v.Finish("succeeded")
    ahead = [(command.step, command.ahead) for command in started(simulation)]
    assert ahead == [("start", False), ("b", True), ("c", True), ("d", True)]


def test_tasks_of_all_steps_fail_whose_workers_cannot_start() -> None:
    simulation = Simulation(plan(*shared(*SPLIT), max_workers=4), succeed())
    simulation.tell(v.Begin())
    simulation.tell(v.WorkerReady(1))
    for number in (2, 3, 4):
        assert number in simulation.core.workers
        simulation.tell(v.WorkerGone(number, Failure("lost", "no")))
    return_first(simulation)
    assert [(each.step, each.ok) for each in simulation.records(AttemptFinished)] == [
        ("start", True),
        ("a", False),
        ("b", False),
    ]
    assert simulation.finished == v.Finish("failed", "step a cannot start: no")
