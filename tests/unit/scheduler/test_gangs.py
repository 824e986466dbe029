"""Gangs in the scheduler's core: their tasks begin together and end as one."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dockerflow.runtime.messages import ForeachFrame, Gang, RunTask, TaskResult
from dockerflow.scheduler import values as v
from dockerflow.scheduler.core import advance
from dockerflow.scheduler.resumed import reusable
from dockerflow.store.history import RunHistory
from dockerflow.store.records import Failure, RunStarted, Transition
from tests.unit.scheduler.simulate import Outcome, Simulation, plan

FAILED = Failure("exception", "no")
CRASHED = Failure("signal", "it ended by SIGKILL")

Fails = Callable[[RunTask], Failure | None]


def gang(max_workers: int = 4, retries: int = 0, *, catches: bool = False) -> v.Plan:
    return plan(
        v.StepPlan("start", ("node",), gang=True),
        v.StepPlan("node", ("join",), retries=retries, retry_seconds=1.0, catches=catches),
        v.StepPlan("join", ("end",), join=True),
        v.StepPlan("end", ()),
        max_workers=max_workers,
    )


def outcome(size: int, fails: Fails = lambda task: None) -> Outcome:
    """A gang of `size`, whose tasks fail as `fails` says."""

    def result(task: RunTask) -> TaskResult:
        manifest = f"m{task.task_id}"
        failure = fails(task) if task.step == "node" and task.fallback is None else None
        transition = Transition(("node",), None, size, True) if task.step == "start" else None
        made = TaskResult(task.step, task.task_id, task.attempt, failure is None, manifest, transition, failure)
        return replace(made, caught=task.fallback is not None)

    return result


def number(task: RunTask) -> int:
    assert task.gang is not None
    return task.gang.index


def begun_together(simulation: Simulation) -> Iterator[list[v.Assign]]:
    """The tasks of the gang in the groups in which they were handed out."""
    group: list[v.Assign] = []
    for command in simulation.history:
        if isinstance(command, v.Assign) and command.task.step == "node":
            group.append(command)
        elif group and not isinstance(command, v.Write):
            yield group
            group = []
    if group:
        yield group


def test_tasks_of_a_gang_are_handed_out_together_and_know_each_other() -> None:
    simulation = Simulation(gang(), outcome(3))
    assert simulation.run() == v.Finish("succeeded")
    (group,) = begun_together(simulation)
    assert [each.task.gang for each in group] == [Gang(index, 3, "2", "") for index in range(3)]
    assert {each.control for each in group} == {group[0].worker}
    assert [each.task.foreach for each in group] == [(ForeachFrame("start", "", i, 3, "m1"),) for i in range(3)]


def test_no_task_of_a_gang_begins_before_each_has_a_ready_worker() -> None:
    simulation = Simulation(gang(), outcome(3))
    simulation.tell(v.Begin())
    while simulation.created().count("node") < 3:
        simulation.turn()
    workers = [each for each in simulation.core.workers.values() if each.step == "node"]
    assert len(workers) == 3
    for worker in (each for each in workers if each.state == "starting"):
        assert not simulation.assigned("node")
        simulation.starting.remove(worker.number)
        simulation.tell(v.WorkerReady(worker.number))
    assert len(simulation.assigned("node")) == 3


def test_join_receives_a_gang_in_the_order_of_its_numbers() -> None:
    for seed in range(20):
        simulation = Simulation(gang(), outcome(4), random.Random(seed))
        simulation.run()
        (join,) = simulation.assigned("join")
        assert [each.task_id for each in join.inputs] == ["2", "3", "4", "5"]


def test_gang_may_be_larger_than_max_workers_and_runs_alone_then() -> None:
    simulation = Simulation(gang(max_workers=2), outcome(5))
    assert simulation.run() == v.Finish("succeeded")
    assert simulation.busy_at_most == 5


@pytest.mark.parametrize("failure", [FAILED, CRASHED])
def test_failure_of_one_ends_the_others(failure: Failure) -> None:
    simulation = Simulation(gang(), outcome(3, lambda task: failure if number(task) == 1 else None))
    assert simulation.run() == v.Finish("failed", f"task node/3 failed: {failure.message}")
    ended = {record.task_id: record for record in simulation.ended() if record.step == "node"}
    assert [record.final for record in ended.values()] == [True] * 3
    assert ended["3"].failure == failure
    for task_id in ("2", "4"):
        found = ended[task_id].failure
        assert found is not None
        assert (found.kind, found.message) == ("gang", "ended because task node/3 of its gang failed")


def test_retry_repeats_the_whole_gang() -> None:
    fails: Fails = lambda task: FAILED if number(task) == 2 and task.attempt == 0 else None  # noqa: E731
    simulation = Simulation(gang(retries=1), outcome(3, fails))
    assert simulation.run() == v.Finish("succeeded")
    first, second = begun_together(simulation)
    assert [each.task.attempt for each in first] == [0] * 3
    assert [(each.task.task_id, each.task.attempt) for each in second] == [("2", 1), ("3", 1), ("4", 1)]
    assert [record.ok for record in simulation.ended() if record.step == "node"] == [False] * 3 + [True] * 3
    assert sum(isinstance(command, v.WaitForRetry) for command in simulation.history) == 1


def test_crash_is_caught_by_another_attempt_of_all() -> None:
    """What a task itself raises is caught in its own process; then nothing of the gang has failed."""
    simulation = Simulation(gang(catches=True), outcome(3, lambda task: CRASHED if number(task) == 0 else None))
    assert simulation.run() == v.Finish("succeeded")
    _, second = begun_together(simulation)
    assert [each.task.fallback and each.task.fallback.kind for each in second] == ["signal", "gang", "gang"]
    (join,) = simulation.assigned("join")
    assert len(join.inputs) == 3


def test_nothing_of_a_gang_follows_before_all_have_ended() -> None:
    simulation = Simulation(gang(), outcome(3))
    simulation.tell(v.Begin())
    while len(simulation.assigned("node")) < 3:
        simulation.turn()
    for worker in list(simulation.working)[:2]:
        simulation.tell(v.TaskReturned(worker, simulation.outcome(simulation.working.pop(worker))))
    assert not [record for record in simulation.ended() if record.step == "node"]
    (worker,) = simulation.working
    simulation.tell(v.TaskReturned(worker, simulation.outcome(simulation.working.pop(worker))))
    assert [record.task_id for record in simulation.ended() if record.step == "node"] == ["2", "3", "4"]


def test_stop_leaves_no_attempt_of_a_gang_without_an_end() -> None:
    simulation = Simulation(gang(), outcome(3))
    simulation.tell(v.Begin())
    while len(simulation.assigned("node")) < 3:
        simulation.turn()
    worker = next(iter(simulation.working))
    simulation.tell(v.TaskReturned(worker, simulation.outcome(simulation.working.pop(worker))))
    simulation.tell(v.StopRequested("Ctrl-C"))
    ended = [record for record in simulation.ended() if record.step == "node"]
    assert sorted(record.task_id for record in ended) == ["2", "3", "4"]
    assert {record.failure.kind for record in ended if record.failure} == {"stopped"}


def test_worker_that_ends_while_its_gang_waits_is_replaced() -> None:
    simulation = Simulation(gang(), outcome(2))
    simulation.tell(v.Begin())
    while simulation.created().count("node") < 2:
        simulation.turn()
    worker = next(each.number for each in simulation.core.workers.values() if each.step == "node")
    if worker in simulation.starting:
        simulation.starting.remove(worker)
        simulation.tell(v.WorkerReady(worker))
    simulation.tell(v.WorkerGone(worker, Failure("lost", "gone")))
    while simulation.finished is None:
        simulation.turn()
    assert simulation.finished == v.Finish("succeeded")


def test_gang_whose_workers_cannot_start_fails() -> None:
    simulation = Simulation(gang(), outcome(3))
    simulation.tell(v.Begin())
    while not simulation.created().count("node"):
        simulation.turn()
    while simulation.finished is None:
        worker = next(each.number for each in simulation.core.workers.values() if each.step == "node")
        simulation.starting = [each for each in simulation.starting if each != worker]
        simulation.core.workers[worker].state = "starting"
        simulation.tell(v.WorkerGone(worker, Failure("lost", "no room")))
    assert simulation.finished == v.Finish("failed", "step node cannot start: no room")
    assert len([record for record in simulation.ended() if record.step == "node" and record.final]) == 3


def test_gang_that_lost_a_container_is_repeated_whatever_the_others_made_of_it() -> None:
    """The others can notice first of all that their peer is gone, and raise before they are killed."""
    of_plan = gang()
    steps = {**of_plan.steps, "node": replace(of_plan.steps["node"], lost_retries=1)}
    simulation = Simulation(replace(of_plan, steps=steps), outcome(2))
    simulation.tell(v.Begin())
    while len([task for task in simulation.working.values() if task.step == "node"]) < 2:
        simulation.turn()
    first, second = sorted(simulation.working, key=lambda worker: number(simulation.working[worker]))
    del simulation.working[second]
    task = simulation.working[first]
    simulation.tell(v.WorkerGone(second, Failure("lost", "gone")))
    simulation.tell(v.TaskReturned(first, TaskResult("node", task.task_id, 0, ok=False, failure=FAILED)))
    while simulation.finished is None:
        simulation.turn()
    assert simulation.finished == v.Finish("succeeded")


@pytest.mark.parametrize("size", [0, 100_001])
def test_gang_of_no_size_or_too_large_a_one_fails_the_task_before_it(size: int) -> None:
    finish = Simulation(gang(), outcome(size)).run()
    message = f"the gang of `node` has {size:,} tasks; there may be 1 to 100,000"
    assert finish == v.Finish("failed", f"task start/1 failed: {message}")


def beside(max_workers: int) -> v.Plan:
    """A gang beside a wide foreach."""
    return plan(
        v.StepPlan("start", ("wide", "start_gang")),
        v.StepPlan("wide", ("work",), foreach="xs"),
        v.StepPlan("work", ("gather",)),
        v.StepPlan("gather", ("join",), join=True),
        v.StepPlan("start_gang", ("node",), gang=True),
        v.StepPlan("node", ("gathered",), retries=1),
        v.StepPlan("gathered", ("join",), join=True),
        v.StepPlan("join", ("end",), join=True),
        v.StepPlan("end", ()),
        max_workers=max_workers,
    )


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 5), st.integers(1, 6), st.integers(0, 100_000), st.booleans())
def test_gang_is_not_starved_by_others(max_workers: int, size: int, seed: int, fails: bool) -> None:
    """At most `max_workers` attempts run, unless they are those of one gang alone."""

    def result(task: RunTask) -> TaskResult:
        sizes = {"wide": Transition(("work",), "xs", 12), "start_gang": Transition(("node",), None, size, True)}
        failed = fails and task.step == "node" and task.attempt == 0 and number(task) == size - 1
        failure = CRASHED if failed else None
        return TaskResult(task.step, task.task_id, task.attempt, not failed, "m", sizes.get(task.step), failure)

    simulation = Simulation(beside(max_workers), result, random.Random(seed))
    assert simulation.run() == v.Finish("succeeded")
    assert simulation.busy_at_most <= max(max_workers, size)
    assert all(len(group) == size for group in begun_together(simulation))
    steps = [command.task.step for command in simulation.history if isinstance(command, v.Assign)]
    assert steps.count("work") == 12


def test_gang_of_which_a_result_is_lost_runs_again_as_a_whole() -> None:
    first = Simulation(gang(), outcome(3))
    first.run()
    started = RunStarted(0.0, "F", "1", "u", "parameters", "code", ())
    records = [each.record for each in first.history if isinstance(each, v.Write)]
    history = RunHistory.of([started, *records])
    found = reusable(history, ("join",))
    lost = next(each for each in found if each.step == "node")
    del found[lost]
    again = Simulation(replace(gang(), origin=found), outcome(3))
    assert again.run() == v.Finish("succeeded")
    assert [task.task_id for task in again.assigned("node")] == ["2", "3", "4"]
    assert not again.assigned("start")


def test_simulated_events_are_those_of_a_real_run() -> None:
    """A killed worker is busy until it is gone: its place is not given away before."""
    simulation = Simulation(gang(retries=1), outcome(2, lambda task: FAILED if number(task) == 0 else None))
    simulation.tell(v.Begin())
    while len(simulation.assigned("node")) < 2:
        simulation.turn()
    first, second = simulation.working
    commands = advance(simulation.core, v.TaskReturned(first, simulation.outcome(simulation.working[first])), now=0.0)
    assert v.KillWorker(second) in commands
    assert simulation.core.busy == 1
    assert not any(isinstance(command, v.WaitForRetry) for command in commands)
    commands = advance(simulation.core, v.WorkerGone(second, Failure("lost", "killed"), log="printed"), now=0.0)
    assert simulation.core.busy == 0
    written = [command.record for command in commands if isinstance(command, v.Write)]
    assert [(record.task_id, record.log) for record in written] == [("2", None), ("3", "printed")]
    assert [command.task_id for command in commands if isinstance(command, v.WaitForRetry)] == ["2"]
