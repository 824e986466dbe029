"""A task of a past run is given again what it was given: told by what the tasks themselves wrote down."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockerflow.flow.view import FOREACH_STACK
from dockerflow.runtime.messages import ForeachFrame
from dockerflow.scheduler.errors import RunError
from dockerflow.scheduler.past import NEW, task_after, task_again
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
    made = task_after(flow, step, before, 0)
    there = seen.tasks_by_step[step][0]
    assert (made.created.foreach, set(made.created.inputs)) == (there.created.foreach, set(there.created.inputs))
    assert task_again(seen, made).foreach == task_again(seen, there).foreach
    assert made.created.task_id == NEW


def test_an_index_that_a_foreach_has_not_is_told(run, flow):
    _, seen = run
    with pytest.raises(RunError, match="split into 2: there is no index 2"):
        task_after(flow, "outer", seen.tasks_by_step["start"], 2)


@pytest.fixture(scope="module")
def flow(tmp_path_factory):
    from dockerflow.flow.loading import load  # noqa: PLC0415

    folder = tmp_path_factory.mktemp("nested_flow")
    (folder / "nested_of_a_test.py").write_text(FLOW)
    return load(folder / "nested_of_a_test.py").flow
