"""What a run that resumes another takes over, runs again, and records."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from dockerflow.runtime.messages import RunTask, TaskResult
from dockerflow.scheduler import values as v
from dockerflow.scheduler.resumed import from_step, reusable
from dockerflow.store.history import RunHistory
from dockerflow.store.records import AttemptFinished, Failure, Record, TaskCreated, Transition
from tests.unit.scheduler.random_flows import RandomFlow
from tests.unit.scheduler.simulate import Outcome, Simulation, linear, plan

FOREACH = {
    "start": v.StepPlan("start", ("work",), foreach="xs"),
    "work": v.StepPlan("work", ("after",)),
    "after": v.StepPlan("after", ("join",)),
    "join": v.StepPlan("join", ("end",), join=True),
    "end": v.StepPlan("end", ()),
}
LOOP = {
    "start": v.StepPlan("start", ("loop",)),
    "loop": v.StepPlan("loop", ("loop", "end"), condition="again"),
    "end": v.StepPlan("end", ()),
}


def records(simulation: Simulation) -> list[Record]:
    """The journal."""
    found: list[Record] = []
    for command in simulation.history:
        if isinstance(command, v.Write):
            found.append(command.record)
        elif isinstance(command, v.TakeOver):
            found += [command.task, command.result]
    return found


def doing(steps: dict[str, v.StepPlan], sizes: dict[str, int] | None = None, fail: str = "") -> Outcome:
    """Tasks do what their step says; those of `fail` (`step` or `step/index`) fail."""

    def outcome(task: RunTask) -> TaskResult:
        step = steps[task.step]
        place = "".join(f"/{frame.index}" for frame in task.foreach)
        if fail and f"{task.step}{place}" == fail:
            failure = Failure("exception", "asked to")
            return TaskResult(task.step, task.task_id, task.attempt, ok=False, failure=failure)
        transition = Transition(step.next, step.foreach, (sizes or {}).get(task.step)) if step.next else None
        manifest = f"{task.step}{place}"
        return TaskResult(task.step, task.task_id, task.attempt, ok=True, manifest=manifest, transition=transition)

    return outcome


def ran(steps: dict[str, v.StepPlan], outcome: Outcome, seed: int = 0, workers: int = 3) -> Simulation:
    simulation = Simulation(v.Plan("F", "1", steps, "parameters", workers), outcome, random.Random(seed))
    simulation.run()
    return simulation


def resumed(
    origin: Simulation, outcome: Outcome, steps: dict[str, v.StepPlan] | None = None, first: str | None = None, **more
) -> Simulation:
    """A run that resumes another, maybe of a flow that was edited, maybe from a step on."""
    steps = steps or dict(origin.plan.steps)
    again = from_step(steps, first) if first else frozenset()
    found = reusable(RunHistory.of(records(origin)), again)
    whole = v.Plan("F", "2", steps, "parameters", 3, origin_run_id="1", origin=found, **more)
    simulation = Simulation(whole, outcome)
    simulation.run()
    return simulation


def taken(simulation: Simulation) -> list[str]:
    return [command.task.step for command in simulation.history if isinstance(command, v.TakeOver)]


def run_again(simulation: Simulation) -> list[str]:
    return sorted(command.task.step for command in simulation.history if isinstance(command, v.Assign))


def test_what_succeeded_is_taken_over_and_the_rest_runs():
    steps = plan(*linear("start", "a", "b", "end")).steps
    again = resumed(ran(dict(steps), doing(steps, fail="b")), doing(steps))
    assert again.finished == v.Finish("succeeded")
    assert taken(again) == ["start", "a"]
    assert run_again(again) == ["b", "end"]


def test_a_task_that_is_taken_over_says_of_which_it_is_and_has_its_result_as_its_only_attempt():
    steps = plan(*linear("start", "end")).steps

    def second_time(task: RunTask) -> TaskResult:
        result = doing(steps, fail="end")(task)
        return replace(result, ok=task.attempt == 1) if task.step == "start" else result

    origin = Simulation(
        v.Plan("F", "1", {**steps, "start": replace(steps["start"], retries=1)}, "parameters", 1), second_time
    )
    origin.run()
    (start,) = (each for each in origin.ended() if each.ok)
    again = resumed(origin, doing(steps))
    (took,) = (command for command in again.history if isinstance(command, v.TakeOver))
    assert took.task == TaskCreated(0.0, "start", "1", (), (), origin_task_id="1")
    assert took.result == replace(start, attempt=0, log=None)
    assert start.attempt == 1


def test_a_task_that_follows_receives_the_manifest_of_the_origin_under_the_new_task_id():
    origin = ran(FOREACH, doing(FOREACH, {"start": 3}, fail="join"))
    again = resumed(origin, doing(FOREACH))
    (join,) = again.assigned("join")
    assert [i.manifest for i in join.inputs] == ["after/0", "after/1", "after/2"]
    ids = {command.task.task_id for command in again.history if isinstance(command, v.TakeOver)}
    assert {i.task_id for i in join.inputs} <= ids
    assert join.origin_run_id == "1"


def test_of_a_foreach_only_the_tasks_that_failed_run_again_and_what_follows_them():
    origin = ran(FOREACH, doing(FOREACH, {"start": 3}, fail="work/2"), workers=1)
    again = resumed(origin, doing(FOREACH, {"start": 3}))
    assert again.finished == v.Finish("succeeded")
    assert Counter(taken(again))["work"] == 2
    assert [frame.index for task in again.assigned("work") for frame in task.foreach] == [2]
    assert all(frame.manifest == "start" for task in again.assigned("work") for frame in task.foreach)


def test_a_named_step_runs_again_and_all_that_follow_it_though_they_had_succeeded():
    origin = ran(FOREACH, doing(FOREACH, {"start": 3}))
    again = resumed(origin, doing(FOREACH, {"start": 3}), first="after")
    assert Counter(taken(again)) == {"start": 1, "work": 3}
    assert run_again(again) == ["after"] * 3 + ["end", "join"]


def test_a_run_that_succeeded_is_taken_over_as_a_whole_without_a_container():
    again = resumed(ran(FOREACH, doing(FOREACH, {"start": 3})), doing(FOREACH))
    assert again.finished == v.Finish("succeeded")
    assert run_again(again) == []
    assert not any(isinstance(command, v.StartWorker) for command in again.history)


def test_a_branch_that_succeeded_is_taken_over_beside_one_that_failed():
    steps = {
        "start": v.StepPlan("start", ("a", "b")),
        "a": v.StepPlan("a", ("join",)),
        "b": v.StepPlan("b", ("join",)),
        "join": v.StepPlan("join", ("end",), join=True),
        "end": v.StepPlan("end", ()),
    }
    again = resumed(ran(steps, doing(steps, fail="b")), doing(steps))
    assert run_again(again) == ["b", "end", "join"]
    (join,) = again.assigned("join")
    assert [i.step for i in join.inputs] == ["a", "b"]


def rounds(count: int, fail_at: int = -1) -> Outcome:
    """`loop` runs `count` times; one of its tasks fails."""

    def outcome(task: RunTask) -> TaskResult:
        (before,) = (i.manifest for i in task.inputs) if task.inputs else ("0",)
        if task.step != "loop":
            transition = Transition(("loop",)) if task.step == "start" else None
            return TaskResult(task.step, task.task_id, 0, ok=True, manifest="0", transition=transition)
        round_ = int(before) + 1
        if round_ == fail_at:
            return TaskResult(task.step, task.task_id, 0, ok=False, failure=Failure("exception", "asked to"))
        chosen = Transition(("loop",) if round_ < count else ("end",))
        return TaskResult(task.step, task.task_id, 0, ok=True, manifest=str(round_), transition=chosen)

    return outcome


def test_a_recursion_goes_on_in_the_round_that_failed():
    again = resumed(ran(LOOP, rounds(5, fail_at=4)), rounds(5))
    assert taken(again) == ["start", "loop", "loop", "loop"]
    assert run_again(again) == ["end", "loop", "loop"]


def test_thousands_of_rounds_of_a_recursion_are_taken_over():
    again = resumed(ran(LOOP, rounds(5_000, fail_at=5_000)), rounds(5_000))
    assert len(taken(again)) == 5_000
    assert run_again(again) == ["end", "loop"]


def test_a_step_that_was_put_in_between_makes_run_again_what_follows_it():
    steps = plan(*linear("start", "a", "b", "end")).steps
    edited = plan(*linear("start", "new", "a", "b", "end")).steps
    again = resumed(ran(dict(steps), doing(steps, fail="b")), doing(edited), dict(edited))
    assert again.finished == v.Finish("succeeded")
    # `start` as it was asked for `a`, so it runs again too
    assert run_again(again) == ["a", "b", "end", "new", "start"]


def test_a_foreach_that_would_be_wider_than_allowed_is_not_taken_over():
    origin = ran(FOREACH, doing(FOREACH, {"start": 3}, fail="work/1"))
    again = resumed(origin, doing(FOREACH, {"start": 3}), max_num_splits=2)
    assert taken(again) == []
    assert again.finished is not None
    assert "there may be 1 to 2" in again.finished.reason


def test_a_switch_is_taken_over_with_what_it_chose():
    steps = {
        "start": v.StepPlan("start", ("a", "b"), condition="kind"),
        "a": v.StepPlan("a", ("end",)),
        "b": v.StepPlan("b", ("end",)),
        "end": v.StepPlan("end", ()),
    }

    def chose(task: RunTask) -> TaskResult:
        result = doing(steps, fail="end")(task)
        return replace(result, transition=Transition(("b",))) if task.step == "start" else result

    again = resumed(ran(steps, chose), doing(steps))
    assert taken(again) == ["start", "b"]
    without_b = {**steps, "start": replace(steps["start"], next=("a", "c")), "c": v.StepPlan("c", ("end",))}
    del without_b["b"]

    def chooses_a(task: RunTask) -> TaskResult:
        result = doing(without_b)(task)
        return replace(result, transition=Transition(("a",))) if task.step == "start" else result

    edited = resumed(ran(steps, chose), chooses_a, without_b)
    assert (taken(edited), run_again(edited)) == ([], ["a", "end", "start"])


def test_a_caught_failure_is_a_success_and_taken_over_as_one():
    steps = {**plan(*linear("start", "end")).steps}

    def caught(task: RunTask) -> TaskResult:
        result = doing(steps, fail="end")(task)
        failure = Failure("exception", "caught")
        return replace(result, caught=True, failure=failure) if task.step == "start" else result

    again = resumed(ran(steps, caught), doing(steps))
    (took,) = (command for command in again.history if isinstance(command, v.TakeOver))
    assert took.result.caught


def gang(count: int, fail: int = -1) -> Simulation:
    """The journal of a run in which a gang of three has `count` tasks that ended, one of them badly."""
    origin = ran({"start": FOREACH["end"]}, doing({"start": FOREACH["end"]}))
    origin.history = [
        v.Write(TaskCreated(0.0, "start", "1")),
        v.Write(AttemptFinished(0.0, "start", "1", 0, True, True, "s", transition=Transition(("w",), None, 3, True))),
    ]
    for index in range(count):
        foreach = (("start", "", index, 3),)
        origin.history.append(v.Write(TaskCreated(0.0, "w", str(index + 2), ("1",), foreach)))
        ok = index != fail
        origin.history.append(v.Write(AttemptFinished(0.0, "w", str(index + 2), 0, ok, True, "w")))
    return origin


def test_a_gang_is_taken_over_as_a_whole_or_not_at_all():
    for origin, expected in ((gang(3), {"start": 1, "w": 3}), (gang(2), {"start": 1}), (gang(3, fail=1), {"start": 1})):
        found = reusable(RunHistory.of(records(origin)))
        assert Counter(counterpart.step for counterpart in found) == expected
    lost = reusable(RunHistory.of(records(gang(3))), good=lambda result: result.ok and result.task_id != "3")
    assert Counter(counterpart.step for counterpart in lost) == {"start": 1}


@settings(deadline=None)  # how long it takes says nothing here
@given(st.integers(0, 100_000), st.integers(0, 1_000), st.integers(0, 60))
def test_a_flow_of_any_shape_that_failed_anywhere_is_completed_and_nothing_is_done_twice(shape, order, failing):
    flow = RandomFlow(shape)
    expected = ran(flow.steps, flow.behaviour())
    origin = ran(flow.steps, _failing(flow.behaviour(), {str(failing)}), order)
    again = resumed(origin, flow.behaviour())
    assert again.finished == v.Finish("succeeded")
    assert manifests(again) == manifests(expected)
    succeeded = Counter(each.manifest for each in origin.ended() if each.ok)
    assert Counter(c.result.manifest for c in again.history if isinstance(c, v.TakeOver)) == succeeded


@settings(deadline=None)  # how long it takes says nothing here
@given(st.integers(0, 100_000), st.integers(0, 1_000), st.integers(0, 40), st.integers(0, 40))
def test_a_run_that_resumes_a_run_that_resumed_one_has_what_both_have_done(shape, order, first, second):
    flow = RandomFlow(shape)
    origin = ran(flow.steps, _failing(flow.behaviour(), {str(first)}), order)
    between = resumed(origin, _failing(flow.behaviour(), {str(first + second)}))
    again = resumed(between, flow.behaviour())
    assert manifests(again) == manifests(ran(flow.steps, flow.behaviour()))
    assert len(taken(again)) == sum(r.ok for r in records(between) if isinstance(r, AttemptFinished))


@settings(deadline=None)  # how long it takes says nothing here
@given(st.integers(0, 100_000), st.integers(0, 10_000))
def test_from_any_step_on_exactly_what_may_follow_it_runs_again(shape, number):
    flow = RandomFlow(shape)
    first = sorted(flow.steps)[number % len(flow.steps)]
    origin = ran(flow.steps, flow.behaviour())
    again = resumed(origin, flow.behaviour(), first=first)
    assert manifests(again) == manifests(origin)
    assert not set(taken(again)) & from_step(flow.steps, first)
    assert set(run_again(again)) <= from_step(flow.steps, first)


def _failing(outcome: Outcome, tasks: set[str]) -> Outcome:
    def failed(task: RunTask) -> TaskResult:
        result = outcome(task)
        if task.task_id not in tasks:
            return result
        return TaskResult(task.step, task.task_id, task.attempt, ok=False, failure=Failure("exception", "asked to"))

    return failed


def manifests(simulation: Simulation) -> Counter[str | None]:
    return Counter(each.manifest for each in records(simulation) if isinstance(each, AttemptFinished))
