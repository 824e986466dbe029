"""On which of several hosts a task runs, what becomes of it when a host is given up, and what of another run's."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

from dockerflow.runtime.messages import RunTask, TaskResult
from dockerflow.scheduler import values as v
from dockerflow.scheduler.capacity import Share
from dockerflow.scheduler.core import STARTS
from dockerflow.store.records import AttemptFinished, AttemptStarted, Failure, TaskCreated, Transition
from tests.unit.scheduler.simulate import Outcome, Simulation, linear, succeed

LOST = Failure("lost", "its container is gone")


def wide(there: dict[str, v.HostPlan], **said: object) -> v.Plan:
    steps = (
        v.StepPlan("start", ("work",), foreach="xs"),
        v.StepPlan("work", ("join",), **said),  # type: ignore[arg-type]
        v.StepPlan("join", ("end",), join=True),
        v.StepPlan("end", ()),
    )
    return v.Plan("F", "1", {step.name: step for step in steps}, "p", 100, hosts=there)


def hosts_of(simulation: Simulation, step: str) -> list[str]:
    return [
        simulation.hosts[each.worker]
        for each in simulation.history
        if isinstance(each, v.Assign) and each.task.step == step
    ]


def until(simulation: Simulation, step: str, count: int) -> None:
    """So many tasks of the step run."""
    simulation.tell(v.Begin())
    while sum(task.step == step for task in simulation.working.values()) < count:
        simulation.turn()


def to_the_end(simulation: Simulation) -> v.Finish:
    while simulation.finished is None:
        simulation.turn()
    return simulation.finished


def test_hosts_fill_alike_whatever_their_size() -> None:
    hosts = {"small": v.HostPlan(Share(4000, 4000), 4), "large": v.HostPlan(Share(16_000, 16_000), 16)}
    simulation = Simulation(wide(hosts, share=Share(cores=1000)), succeed({"start": 200}))
    until(simulation, "work", 20)
    assert Counter(simulation.hosts[worker] for worker in simulation.working) == {"small": 4, "large": 16}
    assert to_the_end(simulation) == v.Finish("succeeded")


def test_among_hosts_that_are_as_empty_the_step_says_which_comes_first() -> None:
    same = v.HostPlan(Share(4000, 4000), 4)
    steps = {step.name: replace(step, hosts=("b", "a")) for step in linear("start", "end")}
    simulation = Simulation(v.Plan("F", "1", steps, "p", 8, hosts={"a": same, "b": same}), succeed())
    assert simulation.run() == v.Finish("succeeded")
    assert hosts_of(simulation, "start") == ["b"]


def test_a_host_without_the_cores_is_used_only_when_no_other_is_left() -> None:
    hosts = {"small": v.HostPlan(Share(2000, 4000), 4), "large": v.HostPlan(Share(8000, 4000), 4)}
    simulation = Simulation(wide(hosts, share=Share(cores=4000), lost_retries=2), succeed({"start": 6}))
    until(simulation, "work", 2)
    assert set(hosts_of(simulation, "work")) == {"large"}
    simulation.lose("large")
    assert to_the_end(simulation) == v.Finish("succeeded")
    assert set(hosts_of(simulation, "work")[2:]) == {"small"}


def test_an_idle_worker_on_a_full_host_does_not_keep_a_task_from_another() -> None:
    """`a` is full with a long task, and the worker of `last` was started there."""
    steps = (
        v.StepPlan("start", ("long", "short"), hosts=("b",)),
        v.StepPlan("long", ("join",), share=Share(memory=900), hosts=("a",)),
        v.StepPlan("short", ("join",), share=Share(memory=900), hosts=("a", "b")),
        v.StepPlan("join", (), join=True, hosts=("b",)),
    )
    one = v.HostPlan(Share(8000, 1000), 4)
    plan = v.Plan("F", "1", {step.name: step for step in steps}, "p", 8, hosts={"a": one, "b": one})
    for seed in range(20):
        simulation = Simulation(plan, succeed(), random.Random(seed))
        until(simulation, "long", 1)
        while not simulation.assigned("short"):
            assert simulation.starting or simulation.ending, "nothing but the long task goes on"
            if simulation.starting:
                simulation.tell(v.WorkerReady(simulation.starting.pop(0)))
            else:
                simulation.tell(v.WorkerGone(simulation.ending.pop(0), LOST))
        assert to_the_end(simulation) == v.Finish("succeeded")


def test_what_a_host_lost_runs_on_another() -> None:
    two = v.HostPlan(Share(4000, 4000), 2)
    simulation = Simulation(wide({"a": two, "b": two}, lost_retries=2), succeed({"start": 40}))
    until(simulation, "work", 4)
    before = len(simulation.assigned("work"))
    simulation.lose("a")
    assert to_the_end(simulation) == v.Finish("succeeded")
    assert set(hosts_of(simulation, "work")[before:]) == {"b"}
    assert [task.last_attempt for task in simulation.assigned("work")] == [True] * 42


def test_a_lost_attempt_is_tried_on_another_host_though_the_first_is_there() -> None:
    two = v.HostPlan(Share(4000, 4000), 2)
    steps = {step.name: replace(step, lost_retries=1) for step in linear("start", "end")}
    simulation = Simulation(v.Plan("F", "1", steps, "p", 4, hosts={"a": two, "b": two}), succeed())
    until(simulation, "start", 1)
    (worker,) = simulation.working
    del simulation.working[worker]
    simulation.tell(v.WorkerGone(worker, LOST))
    assert to_the_end(simulation) == v.Finish("succeeded")
    assert hosts_of(simulation, "start") == ["a", "b"]


def test_the_tasks_of_a_step_that_has_no_host_left_fail_and_the_run_names_it_and_why() -> None:
    two = v.HostPlan(Share(4000, 4000), 2)
    simulation = Simulation(wide({"a": two, "b": two}, lost_retries=2, hosts=("a",)), succeed({"start": 4}))
    until(simulation, "work", 1)
    simulation.lose("a")
    finish = to_the_end(simulation)
    assert finish == v.Finish("failed", "step work cannot start: the host `a` does not answer: no answer")
    final = [record for record in simulation.records(AttemptFinished) if record.final and record.step == "work"]
    assert {record.failure.kind for record in final if record.failure} == {"lost"}


def test_a_host_that_is_back_gets_tasks_again() -> None:
    two = v.HostPlan(Share(4000, 4000), 2)
    simulation = Simulation(wide({"a": two, "b": two}), succeed({"start": 30}))
    simulation.tell(v.HostAway("b", "no answer"))
    simulation.tell(v.Begin())
    while len(simulation.assigned("work")) < 5:
        simulation.turn()
    assert set(hosts_of(simulation, "work")) == {"a"}
    simulation.tell(v.HostBack("b"))
    assert to_the_end(simulation) == v.Finish("succeeded")
    assert set(hosts_of(simulation, "work")) == {"a", "b"}


def test_a_connection_that_breaks_while_many_workers_start_is_one_failure_of_theirs() -> None:
    simulation = Simulation(wide({"a": v.HostPlan(Share(16_000, 16_000), 16)}), succeed({"start": 32}))
    simulation.tell(v.Begin())
    while not simulation.created().count("work"):
        simulation.turn()
    for _ in range(STARTS - 1):
        cut = simulation.starting.copy()
        assert len(cut) > STARTS
        for worker in cut:
            simulation.starting.remove(worker)
            simulation.tell(v.WorkerGone(worker, Failure("lost", "the connection broke")))
    assert to_the_end(simulation) == v.Finish("succeeded")


def test_a_worker_that_cannot_start_on_one_host_is_started_on_another_and_both_are_named_when_none_can() -> None:
    two = v.HostPlan(Share(4000, 4000), 2)
    steps = {step.name: step for step in linear("start", "end")}
    simulation = Simulation(v.Plan("F", "1", steps, "p", 4, hosts={"a": two, "b": two}), succeed())
    simulation.tell(v.Begin())
    tried: list[str] = []
    while simulation.finished is None:
        number = next(each.number for each in simulation.core.workers.values() if each.step == "start")
        tried.append(simulation.hosts[number])
        simulation.starting.remove(number)
        simulation.tell(v.WorkerGone(number, Failure("lost", f"no room on {tried[-1]}")))
    assert sorted(tried) == ["a"] * STARTS + ["b"] * STARTS
    reason = "step start cannot start: on `a`: no room on a; on `b`: no room on b"
    assert simulation.finished == v.Finish("failed", reason)


# ---- gangs


def gang(hosts: dict[str, v.HostPlan], share: Share, **said: object) -> v.Plan:
    steps = (
        v.StepPlan("start", ("node",), gang=True),
        v.StepPlan("node", ("join",), share=share, lost_retries=2, **said),  # type: ignore[arg-type]
        v.StepPlan("join", ("end",), join=True),
        v.StepPlan("end", ()),
    )
    return v.Plan("F", "1", {step.name: step for step in steps}, "p", 8, hosts=hosts)


def of_size(size: int) -> Outcome:
    def outcome(task: RunTask) -> TaskResult:
        transition = Transition(("node",), None, size, True) if task.step == "start" else None
        return TaskResult(task.step, task.task_id, task.attempt, ok=True, manifest="m", transition=transition)

    return outcome


def test_a_gang_runs_on_one_host_that_has_room_for_all_of_it() -> None:
    hosts = {"small": v.HostPlan(Share(4000, 1000), 4), "large": v.HostPlan(Share(4000, 2000), 4)}
    for seed in range(20):
        simulation = Simulation(gang(hosts, Share(memory=500)), of_size(3), random.Random(seed))
        assert simulation.run() == v.Finish("succeeded")
        assert hosts_of(simulation, "node") == ["large"] * 3


def test_a_gang_that_a_host_lost_runs_on_another_as_a_whole() -> None:
    two = v.HostPlan(Share(4000, 2000), 4)
    simulation = Simulation(gang({"a": two, "b": two}, Share(memory=500)), of_size(3))
    until(simulation, "node", 3)
    (first,) = set(hosts_of(simulation, "node"))
    simulation.lose(first)
    assert to_the_end(simulation) == v.Finish("succeeded")
    assert len(set(hosts_of(simulation, "node")[3:])) == 1
    assert first not in hosts_of(simulation, "node")[3:]


def test_a_gang_that_no_host_has_room_for_fails_the_task_before_it() -> None:
    hosts = {"a": v.HostPlan(Share(4000, 1000, 4)), "b": v.HostPlan(Share(4000, 2000, 0))}
    said = {
        Share(
            memory=900
        ): "the gang of `node` has 3 tasks of 900 MiB of memory each, and no host has more than 2,000 MiB",
        Share(gpus=2): "the gang of `node` has 3 tasks of 2 GPUs each, and no host has more than 4",
        Share(memory=500, gpus=1): (
            "the gang of `node` has 3 tasks of 500 MiB of memory and 1 GPU each, and no host has both for all of them"
        ),
    }
    for share, message in said.items():
        simulation = Simulation(gang(hosts, share), of_size(3))
        assert simulation.run() == v.Finish("failed", f"task start/1 failed: {message}")


def test_a_gang_whose_only_host_is_given_up_fails_and_does_not_begin_where_it_has_no_room() -> None:
    hosts = {"small": v.HostPlan(Share(4000, 1000), 4), "large": v.HostPlan(Share(4000, 2000), 4)}
    simulation = Simulation(gang(hosts, Share(memory=500)), of_size(3))
    until(simulation, "node", 3)
    simulation.lose("large")
    assert to_the_end(simulation) == v.Finish(
        "failed", "step node cannot start: the host `large` does not answer: no answer"
    )


# ---- adoption

RUNNING = v.Running("dockerflow-F-0-start-7", "a", "17", 2)


def adopting(**said: object) -> Simulation:
    two = v.HostPlan(Share(4000, 4000), 2)
    steps = {step.name: replace(step, **said) for step in linear("start", "end")}  # type: ignore[arg-type]
    running = {v.Counterpart("start", (), 0): RUNNING}
    plan = v.Plan("F", "1", steps, "p", 4, hosts={"a": two, "b": two}, origin_run_id="0", running=running)
    simulation = Simulation(plan, succeed())
    simulation.tell(v.Begin())
    return simulation


def test_an_attempt_that_goes_on_is_adopted_as_the_first_of_its_task() -> None:
    simulation = adopting()
    created, started, adopted = simulation.history[:3]
    assert created == v.Write(TaskCreated(0.0, "start", "1"))
    assert started == v.Write(AttemptStarted(0.0, "start", "1", 0, container="1"))
    assert adopted == v.Adopt(1, RunTask("F", "1", "start", "1", 0, True, "p", (), origin_run_id="0"), RUNNING)
    assert simulation.core.hosts.there["a"].busy == 1


def test_what_an_adopted_attempt_returns_is_its_tasks_result_and_its_worker_gets_no_other() -> None:
    simulation = adopting()
    task = simulation.working.pop(1)
    simulation.tell(v.TaskReturned(1, succeed()(task)))
    assert v.StopWorker(1) in simulation.history
    (ended,) = simulation.records(AttemptFinished)
    assert (ended.task_id, ended.attempt, ended.ok) == ("1", 0, True)
    assert to_the_end(simulation) == v.Finish("succeeded")
    assert not simulation.assigned("start")


def test_a_task_whose_adopted_attempt_is_lost_is_tried_again_though_its_step_allows_no_other() -> None:
    simulation = adopting(lost_retries=0)
    del simulation.working[1]
    simulation.tell(v.WorkerGone(1, LOST))
    assert to_the_end(simulation) == v.Finish("succeeded")
    assert [(task.attempt, task.last_attempt) for task in simulation.assigned("start")] == [(1, True)]


def test_an_attempt_on_a_host_that_the_run_does_not_use_is_not_adopted() -> None:
    running = {v.Counterpart("start", (), 0): replace(RUNNING, host="elsewhere")}
    steps = {step.name: step for step in linear("start", "end")}
    simulation = Simulation(v.Plan("F", "1", steps, "p", 4, running=running), succeed())
    assert simulation.run() == v.Finish("succeeded")
    assert len(simulation.assigned("start")) == 1


def test_only_what_would_receive_the_same_is_adopted() -> None:
    """`end` follows a task that runs, so nobody knows yet what it receives."""
    running = {v.Counterpart("end", (), 0): replace(RUNNING, host=v.LOCAL)}
    steps = {step.name: step for step in linear("start", "end")}
    simulation = Simulation(v.Plan("F", "1", steps, "p", 4, running=running), succeed())
    assert simulation.run() == v.Finish("succeeded")
    assert not any(isinstance(command, v.Adopt) for command in simulation.history)


def test_tasks_of_gangs_are_not_adopted() -> None:
    two = v.HostPlan(Share(4000, 2000), 4)
    before = AttemptFinished(0.0, "start", "1", 0, True, True, "s", transition=Transition(("node",), None, 2, True))
    running = {v.Counterpart("node", (index,), 0): replace(RUNNING, task_id=str(index + 2)) for index in range(2)}
    plan = replace(
        gang({"a": two}, Share()), origin={v.Counterpart("start", (), 0): before}, running=running, origin_run_id="0"
    )
    simulation = Simulation(plan, of_size(2))
    assert simulation.run() == v.Finish("succeeded")
    assert not any(isinstance(command, v.Adopt) for command in simulation.history)
    assert len(simulation.assigned("node")) == 2


def test_tasks_of_a_foreach_are_adopted_beside_those_that_are_taken_over_and_those_that_run() -> None:
    one = v.HostPlan(Share(4000, 4000), 4)
    start = AttemptFinished(0.0, "start", "1", 0, True, True, "s", transition=Transition(("work",), "xs", 3))
    done = AttemptFinished(0.0, "work", "2", 0, True, True, "w", transition=Transition(("join",)))
    origin = {v.Counterpart("start", (), 0): start, v.Counterpart("work", (0,), 0): done}
    running = {v.Counterpart("work", (1,), 0): replace(RUNNING, task_id="3")}
    plan = replace(wide({"a": one}), origin=origin, running=running, origin_run_id="0")
    simulation = Simulation(plan, succeed())
    assert simulation.run() == v.Finish("succeeded")
    adopted = [each.task.foreach[-1].index for each in simulation.history if isinstance(each, v.Adopt)]
    taken = [each.task.step for each in simulation.history if isinstance(each, v.TakeOver)]
    assert (taken, adopted) == (["start", "work"], [1])
    assert [task.foreach[-1].index for task in simulation.assigned("work")] == [2]
