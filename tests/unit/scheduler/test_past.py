"""A task of a past run is given again what it was given: told by what the tasks themselves wrote down."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dockerflow.flow.view import FOREACH_STACK
from dockerflow.runtime.messages import ForeachFrame
from dockerflow.scheduler.errors import RunError
from dockerflow.scheduler.past import NEW, first_of, task_after, task_again
from dockerflow.store import history, manifest, runs
from dockerflow.store.directory import DirectoryStore
from tests.unit.cli.commands import dockerflow

FLOW = """
from dockerflow import FlowSpec, step


class Nested(FlowSpec):
    @step
    def start(self):
        self.letters = "ab"
        self.next(self.outer, foreach="letters")

    @step
    def outer(self):
        self.numbers = {3, 4}
        self.next(self.one, self.two)

    @step
    def one(self):
        self.next(self.inner, foreach="numbers")

    @step
    def inner(self):
        self.found = self.foreach_stack()
        self.next(self.gather)

    @step
    def gather(self, inputs):
        self.next(self.both)

    @step
    def two(self):
        self.next(self.both)

    @step
    def both(self, inputs):
        self.next(self.all)

    @step
    def all(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        pass
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder: Path = tmp_path_factory.mktemp("nested")
    (folder / "nested.py").write_text(FLOW)
    answer = dockerflow("run", "nested.py", "--engine", "process", cwd=folder)
    assert answer.code == 0, answer
    store = DirectoryStore(folder / ".dockerflow")
    [run_id] = runs.run_ids(store, "Nested")
    return store, history.read(store, "Nested", run_id)


def test_every_task_gets_its_foreaches_and_its_inputs_again(run):
    store, seen = run
    for task in seen.tasks.values():
        again = task_again(seen, task)
        kept = manifest.read(store.blobs, task.result.manifest).artifacts.get(FOREACH_STACK)
        frames = manifest.load(store.blobs, kept) if kept else []
        assert again.foreach == tuple(ForeachFrame(*frame) for frame in frames), task
        assert [each.task_id for each in again.inputs] == list(task.created.inputs)
        assert [each.manifest for each in again.inputs] == [seen.tasks[i].result.manifest for i in task.created.inputs]
        assert (again.step, again.task_id, again.last_attempt) == (task.created.step, task.created.task_id, False)


@pytest.mark.parametrize("step", ["outer", "one", "inner", "gather", "both", "all", "end"])
def test_a_task_that_the_run_did_not_come_to_gets_what_it_would_have_got(run, flow, step):
    _, seen = run
    before = [task for name in flow.preceding()[step] for task in seen.tasks_by_step[name]]
    made = task_after(flow, step, first_of(before), before, 0)
    there = min(seen.tasks_by_step[step], key=lambda task: task.created.foreach)
    assert (made.created.foreach, made.created.inputs) == (there.created.foreach, there.created.inputs)
    assert task_again(seen, made).foreach == task_again(seen, there).foreach
    assert made.created.task_id == NEW


@pytest.mark.parametrize("join", ["gather", "both", "all"])
def test_a_join_gets_its_inputs_in_order_whichever_ended_first(run, flow, join):
    _, seen = run
    before = [task for name in flow.preceding()[join] for task in seen.tasks_by_step[name]]
    for order in (before, before[::-1]):
        made = {task_after(flow, join, first, order, 0).created.inputs for first in order}
        assert made == {each.created.inputs for each in seen.tasks_by_step[join]}


def test_the_first_of_tasks_is_the_first_of_its_foreach_whichever_began_first(run):
    _, seen = run
    tasks = seen.tasks_by_step["inner"]
    first = (("start", "letters", 0, 2), ("one", "numbers", 0, 2))
    assert {first_of(each).created.foreach for each in (tasks, tasks[::-1])} == {first}


def test_a_join_after_a_loop_gets_its_last_turn(run, flow):
    _, seen = run
    turns = [
        replace(task, created=replace(task.created, task_id=f"turn-{n}"))
        for n in (1, 2)
        for task in seen.tasks_by_step["two"]
    ]
    before = [*turns, *seen.tasks_by_step["gather"]]
    made = task_after(flow, "both", turns[0], before, 0)
    assert [each for each in made.created.inputs if each.startswith("turn")] == ["turn-2"]


def test_an_index_that_a_foreach_has_not_is_told(run, flow):
    _, seen = run
    with pytest.raises(RunError, match="split into 2: there is no index 2"):
        task_after(flow, "outer", *seen.tasks_by_step["start"], [], 2)


@pytest.fixture(scope="module")
def flow(tmp_path_factory):
    from dockerflow.flow.loading import load  # noqa: PLC0415

    folder = tmp_path_factory.mktemp("nested_flow")
    (folder / "nested_of_a_test.py").write_text(FLOW)
    return load(folder / "nested_of_a_test.py").flow
