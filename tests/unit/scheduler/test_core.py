"""The rules of the scheduler's core, as events and the commands expected."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dockerflow.runtime.messages import RunTask, TaskResult
from dockerflow.scheduler import values as v
from dockerflow.scheduler.core import STARTS, advance
from dockerflow.scheduler.state import Run
from dockerflow.store.records import AttemptFinished, AttemptStarted, Failure, RunFinished, TaskCreated
from tests.unit.scheduler.simulate import Simulation, linear, plan, succeed

FOREACH = plan(
    v.StepPlan("start", ("work",), foreach="xs"),
    v.StepPlan("work", ("join",)),
    v.StepPlan("join", ("end",), join=True),
    v.StepPlan("end", ()),
)


def crash(kind: str = "signal") -> Failure:
    return Failure(kind, f"it ended by {kind}")


def failing(step: str, failure: Failure, attempts: int = 1_000):
    """The first `attempts` attempts of each task of `step` fail; all else succeeds."""

    def outcome(task: RunTask) -> TaskResult:
        if task.step == step and task.attempt < attempts and task.fallback is None:
            return TaskResult(task.step, task.task_id, task.attempt, ok=False, failure=failure)
        return succeed({"start": 3} if step == "work" else {})(task)

    return outcome


def test_a_run_begins_with_one_task_of_start_a_worker_for_it_and_one_ahead_for_the_next_step():
    run = Run(plan(*linear("start", "end")))
    commands = advance(run, v.Begin(), now=7.0)
    assert commands == [
        v.Write(TaskCreated(7.0, "start", "1")),
        v.StartWorker(1, "start", "local"),
        v.StartWorker(2, "end", "local"),
    ]


def test_a_ready_worker_gets_the_task():
    run = Run(plan(*linear("start", "end")))
    advance(run, v.Begin(), now=0.0)
    commands = advance(run, v.WorkerReady(1), now=1.0)
    task = RunTask("F", "1", "start", "1", 0, True, "parameters", ())
    assert commands == [
        v.Write(AttemptStarted(1.0, "start", "1", 0, container="1")),
        v.Assign(1, task),
    ]


def test_a_linear_flow_ends_in_success():
    simulation = Simulation(plan(*linear("start", "middle", "end")), succeed())
    assert simulation.run() == v.Finish("succeeded")
    assert simulation.created() == ["start", "middle", "end"]
    assert simulation.outcome_record() == RunFinished(0.0, "succeeded")


def test_a_task_receives_the_manifest_of_the_one_before_it():
    simulation = Simulation(plan(*linear("start", "end")), succeed())
    simulation.run()
    (task,) = simulation.assigned("end")
    assert [(i.step, i.task_id, i.manifest) for i in task.inputs] == [("start", "1", "m1")]


def test_join_waits_until_every_branch_has_finished():
    steps = (
        v.StepPlan("start", ("a", "b")),
        v.StepPlan("a", ("join",)),
        v.StepPlan("b", ("join",)),
        v.StepPlan("join", ("end",), join=True),
        v.StepPlan("end", ()),
    )
    for seed in range(20):
        simulation = Simulation(plan(*steps), succeed(), random.Random(seed))
        simulation.run()
        (join,) = simulation.assigned("join")
        assert [i.step for i in join.inputs] == ["a", "b"]
        assert join.foreach == ()


@settings(deadline=None)  # how long it takes says nothing here
@given(st.integers(0, 10_000), st.integers(1, 6), st.integers(1, 30))
def test_join_receives_its_inputs_in_foreach_order_whatever_finished_first(seed, workers, size):
    simulation = Simulation(
        v.Plan("F", "1", FOREACH.steps, "parameters", workers), succeed({"start": size}), random.Random(seed)
    )
    assert simulation.run() == v.Finish("succeeded")
    (join,) = simulation.assigned("join")
    indexes = {task.task_id: task.foreach[-1].index for task in simulation.assigned("work")}
    assert [indexes[i.task_id] for i in join.inputs] == list(range(size))


@settings(deadline=None)  # how long it takes says nothing here
@given(st.integers(0, 10_000), st.integers(1, 8))
def test_no_more_attempts_run_at_once_than_max_workers(seed, workers):
    simulation = Simulation(
        v.Plan("F", "1", FOREACH.steps, "parameters", workers), succeed({"start": 12}), random.Random(seed)
    )
    simulation.run()
    assert simulation.busy_at_most <= workers


def test_nested_foreach_carries_its_stack_and_joins_level_by_level():
    steps = (
        v.StepPlan("start", ("outer",), foreach="xs"),
        v.StepPlan("outer", ("inner",), foreach="ys"),
        v.StepPlan("inner", ("join_inner",)),
        v.StepPlan("join_inner", ("join_outer",), join=True),
        v.StepPlan("join_outer", ("end",), join=True),
        v.StepPlan("end", ()),
    )
    simulation = Simulation(plan(*steps), succeed({"start": 3, "outer": 2}))
    assert simulation.run() == v.Finish("succeeded")
    stacks = [tuple((f.variable, f.index, f.size) for f in t.foreach) for t in simulation.assigned("inner")]
    assert sorted(stacks) == [(("xs", x, 3), ("ys", y, 2)) for x in range(3) for y in range(2)]
    assert [len(t.inputs) for t in simulation.assigned("join_inner")] == [2, 2, 2]
    assert [len(t.foreach) for t in simulation.assigned("join_inner")] == [1, 1, 1]
    assert [len(t.inputs) for t in simulation.assigned("join_outer")] == [3]


def test_a_failed_attempt_is_tried_again_after_its_pause():
    steps = (v.StepPlan("start", ("end",), retries=2, retry_seconds=30.0), v.StepPlan("end", ()))
    simulation = Simulation(plan(*steps), failing("start", crash("exception"), attempts=2))
    assert simulation.run() == v.Finish("succeeded")
    assert [(t.attempt, t.last_attempt) for t in simulation.assigned("start")] == [(0, False), (1, False), (2, True)]
    assert [r.final for r in simulation.ended() if r.step == "start"] == [False, False, True]
    assert [c.seconds for c in simulation.history if isinstance(c, v.WaitForRetry)] == [30.0, 30.0]


def test_without_retries_left_the_run_fails_and_says_which_task():
    simulation = Simulation(plan(*linear("start", "end")), failing("start", crash("exception")))
    assert simulation.run() == v.Finish("failed", "task start/1 failed: it ended by exception")
    assert simulation.created() == ["start"]


def test_after_a_failure_running_tasks_finish_and_no_new_one_starts():
    run = Run(FOREACH)
    advance(run, v.Begin(), 0.0)
    advance(run, v.WorkerReady(1), 0.0)
    advance(run, v.TaskReturned(1, succeed({"start": 5})(RunTask("F", "1", "start", "1", 0, True, "p", ()))), 0.0)
    workers = [w.number for w in run.workers.values() if w.step == "work"]
    commands = [c for w in workers for c in advance(run, v.WorkerReady(w), 0.0)]
    running = {c.worker: c.task for c in commands if isinstance(c, v.Assign)}
    assert len(running) == 4
    first, *others = running
    bad = TaskResult("work", running[first].task_id, 0, ok=False, failure=crash("exception"))
    assert not [c for c in advance(run, v.TaskReturned(first, bad), 0.0) if isinstance(c, v.Assign | v.StartWorker)]
    for worker in others:
        commands = advance(run, v.TaskReturned(worker, succeed()(running[worker])), 0.0)
        kept = [c.record for c in commands if isinstance(c, v.Write) and isinstance(c.record, AttemptFinished)]
        assert [r.ok for r in kept] == [True]
    assert commands[-1] == v.Finish("failed", f"task work/{running[first].task_id} failed: it ended by exception")


@pytest.mark.parametrize("kind", ["signal", "out_of_memory", "lost"])
def test_a_worker_that_lost_a_task_to_a_crash_is_not_used_again(kind):
    steps = (v.StepPlan("start", ("end",), retries=1), v.StepPlan("end", ()))
    simulation = Simulation(plan(*steps), failing("start", crash(kind), attempts=1))
    assert simulation.run() == v.Finish("succeeded")
    workers = [c.worker for c in simulation.history if isinstance(c, v.Assign) and c.task.step == "start"]
    assert len(set(workers)) == 2


LOSING = (v.StepPlan("start", ("end",), retries=1, retry_seconds=60, lost_retries=2), v.StepPlan("end", ()))


def test_attempts_that_were_lost_with_their_containers_cost_no_retry_and_no_pause():
    simulation = Simulation(plan(*LOSING), failing("start", crash("lost"), attempts=2))
    assert simulation.run() == v.Finish("succeeded")
    assert [task.last_attempt for task in simulation.assigned("start")] == [False, False, False]
    assert not [c for c in simulation.history if isinstance(c, v.WaitForRetry)]


def test_a_step_that_loses_its_containers_again_and_again_fails_when_its_retries_are_used_up_as_well():
    simulation = Simulation(plan(*LOSING), failing("start", crash("lost")))
    assert simulation.run().status == "failed"
    assert [task.last_attempt for task in simulation.assigned("start")] == [False, False, False, True]


def test_an_attempt_of_catch_that_is_lost_is_repeated_as_one_of_catch():
    steps = (v.StepPlan("start", ("end",), catches=True, lost_retries=1), v.StepPlan("end", ()))
    ends = iter([crash("signal"), crash("lost")])

    def outcome(task):
        failure = next(ends, None) if task.step == "start" else None
        return replace(succeed()(task), ok=failure is None, failure=failure)

    simulation = Simulation(plan(*steps), outcome)
    assert simulation.run() == v.Finish("succeeded")
    assert [t.fallback for t in simulation.assigned("start")] == [None, crash("signal"), crash("signal")]


def test_catch_acts_in_one_more_attempt_after_a_crash():
    steps = (v.StepPlan("start", ("end",), retries=1, catches=True), v.StepPlan("end", ()))
    simulation = Simulation(plan(*steps), failing("start", crash()))
    assert simulation.run() == v.Finish("succeeded")
    assert [t.fallback for t in simulation.assigned("start")] == [None, None, crash()]


def test_a_worker_that_goes_away_loses_only_its_own_task():
    steps = (v.StepPlan("start", ("end",), retries=1, retry_seconds=1.0), v.StepPlan("end", ()))
    run = Run(plan(*steps))
    advance(run, v.Begin(), 0.0)
    advance(run, v.WorkerReady(1), 0.0)
    commands = advance(run, v.WorkerGone(1, crash("lost"), log="abc"), 0.0)
    record = next(c.record for c in commands if isinstance(c, v.Write))
    assert (record.attempt, record.final, record.log) == (0, False, "abc")
    assert v.StartWorker(3, "start", "local") in advance(run, v.RetryDue("1"), 0.0)


def test_a_worker_that_never_becomes_ready_is_started_a_few_times_then_the_run_fails():
    run = Run(plan(*linear("start", "end")))
    commands = advance(run, v.Begin(), 0.0)
    starts = 0
    while starts_now := [c for c in commands if isinstance(c, v.StartWorker)]:
        starts += 1
        commands = advance(run, v.WorkerGone(starts_now[0].worker, crash("lost")), 0.0)
    assert starts == STARTS
    assert commands[-1] == v.Finish("failed", "step start cannot start: it ended by lost")


def test_a_flow_that_cannot_be_imported_in_its_container_fails_at_once():
    run = Run(plan(*linear("start", "end")))
    advance(run, v.Begin(), 0.0)
    failure = Failure("exception", "No module named 'numpy'")
    commands = advance(run, v.WorkerGone(1, failure, deterministic=True), 0.0)
    ended = next(c.record for c in commands if isinstance(c, v.Write) and isinstance(c.record, AttemptFinished))
    assert ended.failure == failure
    assert commands[-1] == v.Finish("failed", "step start cannot start: No module named 'numpy'")


def test_a_step_that_cannot_start_fails_the_run_only_when_it_has_a_task():
    run = Run(plan(*linear("start", "end")))
    advance(run, v.Begin(), 0.0)
    advance(run, v.WorkerReady(1), 0.0)
    assert advance(run, v.WorkerGone(2, crash(), deterministic=True), 0.0) == []
    result = succeed()(RunTask("F", "1", "start", "1", 0, True, "p", ()))
    assert advance(run, v.TaskReturned(1, result), 0.0)[-1] == v.Finish(
        "failed", "step end cannot start: it ended by signal"
    )


def test_a_stopped_run_kills_its_workers_and_says_so():
    run = Run(plan(*linear("start", "end")))
    advance(run, v.Begin(), 0.0)
    advance(run, v.WorkerReady(1), 0.0)
    commands = advance(run, v.StopRequested("Ctrl-C"), 3.0)
    assert v.KillWorker(1) in commands
    assert v.KillWorker(2) in commands
    ended = [c.record for c in commands if isinstance(c, v.Write) and isinstance(c.record, AttemptFinished)]
    assert [(r.ok, r.final) for r in ended] == [(False, True)]
    assert commands[-2:] == [v.Write(RunFinished(3.0, "stopped", "Ctrl-C")), v.Finish("stopped", "Ctrl-C")]
    assert advance(run, v.WorkerGone(1, crash()), 4.0) == []


def test_what_has_returned_while_a_run_is_stopped_is_a_result_like_any_other():
    run = Run(plan(*linear("start", "end")))
    advance(run, v.Begin(), 0.0)
    advance(run, v.WorkerReady(1), 0.0)
    result = succeed()(RunTask("F", "1", "start", "1", 0, True, "p", ()))
    commands = advance(run, v.StopRequested("Ctrl-C", {}, (v.TaskReturned(1, result, "log"),)), 3.0)
    ended = [c.record for c in commands if isinstance(c, v.Write) and isinstance(c.record, AttemptFinished)]
    assert [(r.ok, r.final, r.log) for r in ended] == [(True, True, "log")]
    assert not [c for c in commands if isinstance(c, v.Assign)]
    assert commands[-1] == v.Finish("stopped", "Ctrl-C")


def test_when_the_store_is_lost_nothing_begins_and_what_runs_may_end():
    run = Run(plan(v.StepPlan("start", ("a", "b")), v.StepPlan("a", ()), v.StepPlan("b", ()), max_workers=1))
    advance(run, v.Begin(), 0.0)
    commands = advance(run, v.WorkerReady(1), 0.0)
    assert all(isinstance(c, v.StopWorker) for c in advance(run, v.StoreLost("the store is away"), 1.0))
    (task,) = [c.task for c in commands if isinstance(c, v.Assign)]
    commands = advance(run, v.TaskReturned(1, succeed()(task)), 2.0)
    (ended,) = [c.record for c in commands if isinstance(c, v.Write) and isinstance(c.record, AttemptFinished)]
    assert ended.ok
    assert not [c for c in commands if isinstance(c, (v.Assign, v.StartWorker))]
    assert commands[-1] == v.Finish("failed", "the store is away")


def test_the_workers_of_a_step_end_when_no_task_can_reach_it_any_more():
    simulation = Simulation(plan(*linear("start", "middle", "end")), succeed())
    simulation.run()
    steps = {c.worker: c.step for c in simulation.history if isinstance(c, v.StartWorker)}
    stopped = {steps[c.worker] for c in simulation.history if isinstance(c, v.StopWorker)}
    assert {"start", "middle"} <= stopped


@pytest.mark.parametrize("size", [0, 1001, None])
def test_a_foreach_of_no_tasks_or_too_many_fails_its_task(size):
    wide = v.Plan("F", "1", FOREACH.steps, "parameters", 4, max_num_splits=1000)
    simulation = Simulation(wide, succeed({} if size is None else {"start": size}))
    finish = simulation.run()
    assert finish.status == "failed"
    assert "there may be 1 to 1,000" in finish.reason
    assert simulation.created() == ["start"]


def test_a_task_that_waits_for_a_retry_is_closed_when_the_run_fails():
    steps = (
        v.StepPlan("start", ("a", "b")),
        v.StepPlan("a", ("join",), retries=3, retry_seconds=600.0),
        v.StepPlan("b", ("join",)),
        v.StepPlan("join", ("end",), join=True),
        v.StepPlan("end", ()),
    )

    def outcome(task: RunTask) -> TaskResult:
        ok = task.step == "start"
        return TaskResult(task.step, task.task_id, task.attempt, ok=ok, failure=None if ok else crash("exception"))

    run = Simulation(plan(*steps), outcome)
    run.tell(v.Begin())
    while run.finished is None:
        run.waiting.clear()  # the pause never ends
        run.turn()
    last = {record.step: record.final for record in run.ended()}
    assert last == {"start": True, "a": True, "b": True}


def test_a_task_whose_next_attempt_was_due_and_had_no_worker_yet_is_closed_when_the_run_is_stopped():
    run = Run(plan(v.StepPlan("start", ("end",), retries=1), v.StepPlan("end", ())))
    advance(run, v.Begin(), 0.0)
    advance(run, v.WorkerReady(1), 0.0)
    failed = TaskResult("start", "1", 0, ok=False, failure=crash())  # its worker is not used again
    advance(run, v.TaskReturned(1, failed), 1.0)
    advance(run, v.RetryDue("1"), 1.0)
    commands = advance(run, v.StopRequested("Ctrl-C"), 2.0)
    written = [c.record for c in commands if isinstance(c, v.Write)]
    assert [(r.attempt, r.final, r.ok) for r in written if isinstance(r, AttemptFinished)] == [(0, True, False)]


@pytest.mark.parametrize(
    "event", [v.WorkerGone(1, crash("lost")), v.StopRequested("Ctrl-C")], ids=["worker gone", "stopped"]
)
def test_an_attempt_whose_worker_is_gone_took_the_time_that_has_passed(event):
    run = Run(plan(*linear("start", "end")))
    advance(run, v.Begin(), 0.0)
    advance(run, v.WorkerReady(1), 100.0)
    written = [c.record for c in advance(run, event, 107.5) if isinstance(c, v.Write)]
    assert [r.seconds for r in written if isinstance(r, AttemptFinished)] == [7.5]


def test_few_workers_wait_for_steps_that_are_still_to_come():
    names = ["start", *(f"step{i}" for i in range(10)), "end"]
    run = Run(plan(*linear(*names), max_workers=1))
    commands = advance(run, v.Begin(), 0.0)
    assert [c.step for c in commands if isinstance(c, v.StartWorker)] == ["start", "step0", "step1"]


def test_no_worker_is_started_ahead_while_queued_tasks_want_one():
    run = Run(FOREACH)
    advance(run, v.Begin(), 0.0)
    for worker in (1, 2, 3):
        advance(run, v.WorkerReady(worker), 0.0)
    start = RunTask("F", "1", "start", "1", 0, True, "p", ())
    commands = advance(run, v.TaskReturned(1, succeed({"start": 50})(start)), 0.0)
    assert {c.step for c in commands if isinstance(c, v.StartWorker)} == {"work"}


@settings(deadline=None)  # how long it takes says nothing here
@given(st.integers(0, 10_000), st.integers(0, 40))
def test_every_run_ends_whatever_crashes(seed, percent):
    rng = random.Random(seed)

    def outcome(task: RunTask) -> TaskResult:
        if rng.randrange(100) < percent:
            kind = rng.choice(["exception", "signal", "lost", "exit"])
            return TaskResult(task.step, task.task_id, task.attempt, ok=False, failure=crash(kind))
        return succeed({"start": 4, "work": 3})(task)

    steps = (
        v.StepPlan("start", ("work",), foreach="xs", retries=1),
        v.StepPlan("work", ("leaf",), foreach="ys", retries=2),
        v.StepPlan("leaf", ("inner",), retries=1, catches=True),
        v.StepPlan("inner", ("outer",), join=True),
        v.StepPlan("outer", ("end",), join=True, retries=3),
        v.StepPlan("end", ()),
    )
    simulation = Simulation(plan(*steps, max_workers=3), outcome, rng)
    finish = simulation.run()
    assert finish.status in ("succeeded", "failed")
    finals = [r.task_id for r in simulation.ended() if r.final]
    assert len(finals) == len(set(finals)), "a task ends once"
    if finish.status == "succeeded":
        assert sorted(finals) == sorted(r.task_id for r in simulation.records(TaskCreated))


def test_ten_thousand_tasks_in_one_foreach():
    simulation = Simulation(FOREACH, succeed({"start": 10_000}))
    assert simulation.run() == v.Finish("succeeded")
    assert len(simulation.assigned("join")[0].inputs) == 10_000


def fresh(width: int, max_workers: int = 4) -> Simulation:
    steps = [
        v.StepPlan("start", ("work",), foreach="xs", fresh_containers=True),
        v.StepPlan("work", ("join",), fresh_containers=True),
        v.StepPlan("join", ("end",), join=True, fresh_containers=True),
        v.StepPlan("end", (), fresh_containers=True),
    ]
    return Simulation(plan(*steps, max_workers=max_workers), succeed({"start": width}))


@given(seed=st.integers(0, 10**6), width=st.integers(1, 40), workers=st.integers(1, 5))
@settings(max_examples=60, deadline=None)
def test_a_fresh_container_has_one_task(seed, width, workers):
    simulation = fresh(width, workers)
    simulation.rng = random.Random(seed)
    assert simulation.run().status == "succeeded"
    served = [command.worker for command in simulation.history if isinstance(command, v.Assign)]
    assert len(served) == len(set(served)) == width + 3
    assert simulation.busy_at_most <= workers
    started = [command.worker for command in simulation.history if isinstance(command, v.StartWorker)]
    assert len(started) <= width + 3 + 4  # those that were started ahead for nothing are few


def test_fresh_containers_are_on_their_way_while_all_that_may_run_do():
    run = Run(fresh(9, 2).plan)
    advance(run, v.Begin(), 0.0)
    advance(run, v.WorkerReady(1), 0.0)
    (task,) = run.tasks.values()
    started = RunTask("F", "1", "start", task.task_id, 0, True, "parameters", ())
    advance(run, v.TaskReturned(1, succeed({"start": 9})(started)), 0.0)
    while coming := [worker.number for worker in run.workers.values() if worker.state == "starting"]:
        advance(run, v.WorkerReady(coming[0]), 0.0)
    states = sorted(worker.state for worker in run.workers.values() if worker.step == "work")
    assert states == ["busy", "busy", "idle", "idle"]
