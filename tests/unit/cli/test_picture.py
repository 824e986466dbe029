"""The fold from events to counts, alone: lists of events in, pictures out, times given."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockerflow import progress as p
from dockerflow.cli.picture import Picture, StepPicture, after, at_rest
from dockerflow.store.records import Failure

BROKEN = Failure("exception", "no", "ValueError", "Traceback …\nValueError: no")


def began(step: str, task: str, attempt: int = 0) -> p.AttemptBegan:
    return p.AttemptBegan(step, task, attempt)


def ended(
    step: str, task: str, *, ok: bool = True, caught: bool = False, retry_in: float | None = None
) -> p.AttemptEnded:
    return p.AttemptEnded(step, task, 0, ok, caught, None if ok else BROKEN, 1.0, retry_in)


def picture_of(*events: p.Event) -> Picture:
    """The picture after these events, one second apart, the first at 0."""
    picture = Picture()
    for moment, event in enumerate(events):
        picture = after(picture, event, float(moment))
    return picture


def step_of(*events: p.Event) -> StepPicture:
    return picture_of(p.RunBegan("F", "1", ("a",)), *events).steps["a"]


def test_steps_stand_in_the_order_of_the_graph() -> None:
    assert list(picture_of(p.RunBegan("F", "1", ("start", "b", "a", "end"))).steps) == ["start", "b", "a", "end"]


def test_a_step_waits_then_starts_a_container_then_runs_then_is_done() -> None:
    events: list[p.Event] = []
    states = []
    for event in (
        p.TasksCreated("a", 2),
        p.ContainerStarting("a", "c"),
        began("a", "1"),
        ended("a", "1"),
        began("a", "2"),
        ended("a", "2"),
    ):
        events.append(event)
        states.append(step_of(*events).state)
    assert states == ["waiting", "starting", "running", "running", "running", "done"]


def test_an_attempt_that_is_repeated_is_neither_done_nor_failed() -> None:
    step = step_of(p.TasksCreated("a", 1), began("a", "1"), ended("a", "1", ok=False, retry_in=5.0))
    assert (step.done, step.failed, step.retried, step.running, step.state) == (0, 0, 1, (), "running")


def test_a_caught_failure_counts_as_done() -> None:
    step = step_of(p.TasksCreated("a", 1), began("a", "1"), ended("a", "1", ok=False, caught=True))
    assert (step.done, step.caught, step.failed, step.state) == (1, 1, 0, "done")


def test_the_first_task_that_fails_for_good_is_remembered() -> None:
    run = p.RunBegan("F", "1", ("a", "b"))
    tries = [began("a", "1"), ended("a", "1", ok=False, retry_in=1.0), began("a", "2"), ended("a", "2", ok=False)]
    picture = picture_of(run, p.TasksCreated("a", 3), *tries, began("b", "3"), ended("b", "3", ok=False))
    assert picture.failed == "a/2"
    assert picture.steps["a"].state == "failed"


def test_running_tasks_are_told_with_the_moment_of_their_beginning() -> None:
    step = step_of(p.TasksCreated("a", 3), began("a", "1"), began("a", "2"), ended("a", "1"))
    assert [(task.task_id, task.began) for task in step.running] == [("2", 3.0)]


def test_a_steps_time_goes_from_its_first_beginning_to_its_last_end() -> None:
    step = step_of(p.TasksCreated("a", 2), began("a", "1"), began("a", "2"), ended("a", "1"), ended("a", "2"))
    assert step.seconds(now=100.0) == 3.0


def test_a_steps_time_goes_on_while_a_task_runs() -> None:
    step = step_of(p.TasksCreated("a", 2), began("a", "1"), began("a", "2"), ended("a", "1"))
    assert step.seconds(now=100.0) == 98.0


def test_tasks_may_begin_before_they_are_announced() -> None:
    step = step_of(began("a", "1"), p.TasksCreated("a", 1), ended("a", "1"))
    assert (step.total, step.done, step.state) == (1, 1, "done")


def test_an_event_of_a_step_that_was_not_announced_is_kept() -> None:
    assert picture_of(began("a", "1")).steps["a"].state == "running"


def test_an_unknown_event_changes_nothing_but_the_beginning() -> None:
    assert after(Picture(began=1.0), p.Event(), 5.0) == Picture(began=1.0)


def test_an_environment_is_prepared_when_its_image_is_there() -> None:
    steps = ("a", "b")
    locked = p.EnvironmentLocked(steps, "store", 3, 0.0)
    ready = p.ImageReady(steps, "r", 5, 0, 0, 0, 0.1)
    assert not picture_of(p.EnvironmentSolving(steps), locked).prepared
    picture = picture_of(p.EnvironmentSolving(steps), locked, ready)
    assert picture.prepared
    assert not picture.environments[steps].solved
    assert not picture.environments[steps].built


def test_a_package_is_forgotten_once_it_is_complete() -> None:
    picture = picture_of(p.PackageFetching("x", 1, 3), p.PackageFetching("y", 1, None), p.PackageFetching("x", 3, 3))
    assert list(picture.fetching) == ["y"]


def test_containers_started_ahead_do_not_show_after_the_end() -> None:
    picture = picture_of(p.RunBegan("F", "1", ("a",)), p.ContainerStarting("a", "c"))
    assert at_rest(picture).steps["a"].state == "waiting"


TASKS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["ok", "caught", "failed", "retried"])), max_size=40)


@given(TASKS)
@pytest.mark.timeout(60)
def test_every_task_is_counted_once(tasks: list[tuple[str, str]]) -> None:
    picture = Picture()
    for number, (step, how) in enumerate(tasks):
        task = str(number)
        events: list[p.Event] = [p.TasksCreated(step, 1), began(step, task)]
        if how == "retried":
            events += [ended(step, task, ok=False, retry_in=0.0), began(step, task)]
        events.append(ended(step, task, ok=how in ("ok", "retried"), caught=how == "caught"))
        for event in events:
            picture = after(picture, event, 0.0)
    for name, step in picture.steps.items():
        hows = [how for where, how in tasks if where == name]
        assert (step.total, step.done + step.failed) == (len(hows), len(hows))
        assert (step.failed, step.caught, step.retried) == tuple(map(hows.count, ("failed", "caught", "retried")))
        assert step.running == ()


def test_a_task_that_was_stopped_counts_as_stopped_alone() -> None:
    stopped = p.AttemptEnded("a", "1", 0, False, False, Failure("stopped", "by Ctrl-C"), 0.0)
    picture = picture_of(p.RunBegan("F", "1", ("a",)), p.TasksCreated("a", 1), began("a", "1"), stopped)
    step = picture.steps["a"]
    assert (step.done, step.failed, step.stopped, step.running, step.state) == (0, 0, 1, (), "stopped")
    assert picture.failed is None


def test_the_attempt_in_which_catch_acts_after_a_crash_is_no_retry() -> None:
    crash = Failure("exit", "left with 3")
    step = step_of(
        p.TasksCreated("a", 1),
        *(p.AttemptEnded("a", "1", attempt, False, False, crash, 1.0, 0.0) for attempt in range(3)),
        p.AttemptEnded("a", "1", 3, True, True, crash, 1.0),
    )
    assert (step.done, step.caught, step.retried) == (1, 1, 2)


def test_compiling_is_seen_until_its_own_layer_is_there() -> None:
    steps = ("a",)
    compiling = [p.Compiling(steps, 7, "bytecode of a"), p.Compiling(steps, 5, "bytecode of b")]
    layers = [p.LayerReady(steps, title, 2, 3, 1, reused=False) for title in ("c", "bytecode of a", "bytecode of b")]
    told = [
        dict(picture_of(*compiling, *layers[:count]).environments[steps].compiling) for count in range(len(layers) + 1)
    ]
    assert told == [{"bytecode of a": 7, "bytecode of b": 5}] * 2 + [{"bytecode of b": 5}, {}]
