"""Steps with `@cache` in the core: their tasks wait until it is known whether an earlier run has left a result."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from dockerflow.runtime.messages import ForeachFrame, Input
from dockerflow.scheduler import values as v
from dockerflow.scheduler.core import advance
from dockerflow.scheduler.state import Run
from dockerflow.store.records import AttemptFinished, TaskCreated, Transition
from tests.unit.scheduler.simulate import Simulation, linear, plan, succeed


def cached(whole: v.Plan, *names: str) -> v.Plan:
    """The plan with `@cache` on these steps."""
    steps = {name: replace(step, looked_up=name in names) for name, step in whole.steps.items()}
    return replace(whole, steps=steps)


def left(step: str, transition: Transition | None = None, manifest: str = "old") -> AttemptFinished:
    return AttemptFinished(
        5.0, step, "77", 2, ok=True, final=True, manifest=manifest, log="printed", transition=transition
    )


def knowing(*results: AttemptFinished):
    """What looks up tasks, and finds these results of run 9."""
    by_step = {each.step: each for each in results}
    return lambda asked: v.LookedUp(asked.task_id, by_step.get(asked.step), "9")


def looked_up(simulation: Simulation) -> list[str]:
    return [command.step for command in simulation.history if isinstance(command, v.LookUp)]


def taken(simulation: Simulation) -> list[str]:
    return [command.task.step for command in simulation.history if isinstance(command, v.TakeOver)]


LINE = plan(*linear("start", "a", "b", "end"))


def test_a_task_is_in_no_journal_and_no_queue_until_it_has_been_looked_up() -> None:
    run = Run(cached(LINE, "start"))
    assert advance(run, v.Begin(), 0.0)[0] == v.LookUp("1", "start", (), ())
    assert not run.queued
    commands = advance(run, v.LookedUp("1"), 0.0)
    assert commands[0] == v.Write(TaskCreated(0.0, "start", "1"))


def test_a_result_that_is_found_is_taken_over_with_its_run_and_what_follows_runs() -> None:
    simulation = Simulation(cached(LINE, "a"), succeed(), known=knowing(left("a", Transition(("b",)))))
    assert simulation.run() == v.Finish("succeeded")
    (took,) = (command for command in simulation.history if isinstance(command, v.TakeOver))
    assert took.task == TaskCreated(0.0, "a", "2", ("1",), (), origin_task_id="77", origin_run_id="9")
    assert (took.result.task_id, took.result.attempt, took.result.log) == ("2", 0, None)
    assert simulation.created() == ["start", "b", "end"]
    (b,) = simulation.assigned("b")
    assert b.inputs == (Input("a", "2", "old"),)


def test_a_result_that_is_not_found_is_computed() -> None:
    simulation = Simulation(cached(LINE, "a", "b"), succeed())
    assert simulation.run() == v.Finish("succeeded")
    assert looked_up(simulation) == ["a", "b"]
    assert taken(simulation) == []
    assert simulation.created() == ["start", "a", "b", "end"]


def test_what_is_looked_up_is_told_what_it_receives_and_where_it_is() -> None:
    whole = plan(
        v.StepPlan("start", ("work",), foreach="xs"),
        v.StepPlan("work", ("join",)),
        v.StepPlan("join", ("end",), join=True),
        v.StepPlan("end", ()),
    )
    simulation = Simulation(cached(whole, "work", "join"), succeed({"start": 2}))
    assert simulation.run() == v.Finish("succeeded")
    asked = [command for command in simulation.history if isinstance(command, v.LookUp)]
    frames = [ForeachFrame("start", "xs", index, 2, "m1") for index in range(2)]
    assert [(each.step, each.inputs, each.foreach) for each in asked[:2]] == [
        ("work", (Input("start", "1", "m1"),), (frame,)) for frame in frames
    ]
    assert asked[2].step == "join"
    assert [each.step for each in asked[2].inputs] == ["work", "work"]


def test_a_run_of_which_all_is_known_starts_no_container() -> None:
    every = (left(name, Transition(step.next) if step.next else None) for name, step in LINE.steps.items())
    simulation = Simulation(cached(LINE, *LINE.steps), succeed(), known=knowing(*every))
    assert simulation.run() == v.Finish("succeeded")
    assert taken(simulation) == ["start", "a", "b", "end"]
    assert not [command for command in simulation.history if isinstance(command, v.StartWorker)]


@pytest.mark.parametrize(
    "transition", [None, Transition(("b", "c")), Transition(("b",), "xs", 3), Transition(("b",), gang=True, size=2)]
)
def test_a_result_that_asks_for_what_cannot_follow_is_none(transition: Transition | None) -> None:
    simulation = Simulation(cached(LINE, "a"), succeed(), known=knowing(left("a", transition)))
    assert simulation.run() == v.Finish("succeeded")
    assert taken(simulation) == []


def test_a_foreach_that_would_make_too_many_tasks_here_is_none() -> None:
    whole = plan(
        v.StepPlan("start", ("work",), foreach="xs"),
        v.StepPlan("work", ("join",)),
        v.StepPlan("join", ("end",), join=True),
        v.StepPlan("end", ()),
    )
    found = knowing(left("start", Transition(("work",), "xs", 50)))
    limited = replace(cached(whole, "start"), max_num_splits=49)
    simulation = Simulation(limited, succeed({"start": 2}), known=found)
    simulation.run()
    assert taken(simulation) == []
    simulation = Simulation(replace(limited, max_num_splits=50), succeed(), known=found)
    simulation.run()
    assert taken(simulation) == ["start"]
    assert len(simulation.assigned("work")) == 50


def test_tasks_of_a_gang_are_not_looked_up() -> None:
    whole = plan(
        v.StepPlan("start", ("work",), gang=True),
        v.StepPlan("work", ("join",)),
        v.StepPlan("join", ("end",), join=True),
        v.StepPlan("end", ()),
    )

    def outcome(task):
        transition = Transition(("work",), size=2, gang=True) if task.step == "start" else None
        return replace(succeed()(task), transition=transition)

    simulation = Simulation(cached(whole, "work"), outcome)
    assert simulation.run() == v.Finish("succeeded")
    assert looked_up(simulation) == []


def test_an_answer_after_the_run_has_failed_is_kept_and_not_followed() -> None:
    whole = plan(
        v.StepPlan("start", ("a", "b", "c")),
        *(v.StepPlan(name, ("join",)) for name in "abc"),
        v.StepPlan("join", ("end",), join=True),
        v.StepPlan("end", ()),
        max_workers=2,
    )
    simulation = Simulation(cached(whole, "c"), succeed())
    simulation.tell(v.Begin())
    while "a" not in [task.step for task in simulation.working.values()] or not simulation.asked:
        simulation.turn()
    asked = simulation.asked.pop()
    simulation.tell(v.StoreLost("away"))
    simulation.tell(v.LookedUp(asked.task_id, left("c", Transition(("join",))), "9"))
    assert taken(simulation) == ["c"]
    while simulation.finished is None:
        simulation.turn()
    assert simulation.finished == v.Finish("failed", "away")


def test_a_run_that_is_stopped_waits_for_no_answer() -> None:
    run = Run(cached(LINE, "start"))
    advance(run, v.Begin(), 0.0)
    assert advance(run, v.StopRequested("Ctrl-C"), 1.0)[-1] == v.Finish("stopped", "Ctrl-C")
    assert advance(run, v.LookedUp("1", left("start", Transition(("a",))), "9"), 2.0) == []


def test_what_was_looked_up_counts_as_other_than_the_origins_in_a_resumed_run() -> None:
    """A task after it receives something else than the origin's did, so the origin's result does not hold for it."""
    whole = replace(
        cached(LINE, "a"),
        origin_run_id="1",
        origin={v.Counterpart("b", (), 0): left("b", Transition(("end",)), "origin's")},
    )
    simulation = Simulation(whole, succeed(), known=knowing(left("a", Transition(("b",)))))
    assert simulation.run() == v.Finish("succeeded")
    assert taken(simulation) == ["a"]
    assert len(simulation.assigned("b")) == 1


@pytest.mark.parametrize("seed", range(20))
def test_whatever_comes_first_every_step_is_done_once(seed: int) -> None:
    whole = plan(
        v.StepPlan("start", ("work",), foreach="xs"),
        v.StepPlan("work", ("after",)),
        v.StepPlan("after", ("join",)),
        v.StepPlan("join", ("end",), join=True),
        v.StepPlan("end", ()),
        max_workers=3,
    )
    rng = random.Random(seed)

    def known(asked: v.LookUp) -> v.LookedUp:
        following = Transition(whole.steps[asked.step].next)
        return v.LookedUp(asked.task_id, left(asked.step, following) if rng.random() < 0.5 else None, "9")

    simulation = Simulation(cached(whole, "work", "after", "join"), succeed({"start": 7}), rng, known=known)
    assert simulation.run() == v.Finish("succeeded")
    done = [*taken(simulation), *(each.step for each in simulation.ended())]
    assert sorted(done) == sorted(["start", *["work"] * 7, *["after"] * 7, "join", "end"])
    ids = [each.task_id for each in simulation.records(TaskCreated)]
    ids += [command.task.task_id for command in simulation.history if isinstance(command, v.TakeOver)]
    assert len(ids) == len(set(ids)) == 17
