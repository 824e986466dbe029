"""A run of any shape that failed, was killed or was stopped at any place goes on with what it had finished; one that
succeeded, from the step that is named. What comes of it is what a run that nothing disturbed computes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from dockerflow.scheduler.resumed import counted
from dockerflow.store import history, manifest, runs
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.history import RunHistory, TaskHistory
from tests.unit.cli.commands import PROGRAM, dockerflow, environment

HEAD = """
import os
import threading
from dockerflow import FlowSpec, Parameter, current, step

CODE = 1


class Shape(FlowSpec):
    factor = Parameter("factor", default=2)

    def here(self, number=0):
        place = "/".join([current.step_name, *(str(index) for index, _, _ in self.foreach_stack() or ())])
        place += f"#{number}" if number else ""
        self.code = CODE
        print("at", place, "of code", CODE, flush=True)
        if os.environ.get("TROUBLE") == f"fail {place}":
            raise ValueError("asked to fail")
        if os.environ.get("TROUBLE") == f"hang {place}":
            print("hanging", flush=True)
            threading.Event().wait(100)
"""

SHAPES = {
    "linear": """
    @step
    def start(self):
        self.here()
        self.result = [1]
        self.next(self.middle)

    @step
    def middle(self):
        self.here()
        self.result.append(self.factor)
        self.next(self.end)

    @step
    def end(self):
        self.here()
        self.result.append(3)
""",
    "branches": """
    @step
    def start(self):
        self.here()
        self.x = 1
        self.next(self.left, self.right)

    @step
    def left(self):
        self.here()
        self.y = self.x + 1
        self.next(self.join)

    @step
    def right(self):
        self.here()
        self.y = self.x + self.factor
        self.next(self.join)

    @step
    def join(self, inputs):
        self.here()
        self.merge_artifacts(inputs, include=["x"])
        self.ys = [each.y for each in inputs]
        self.next(self.end)

    @step
    def end(self):
        self.here()
        self.result = [self.x, self.ys, sorted(self.ys)]
""",
    "foreach": """
    @step
    def start(self):
        self.here()
        self.items = ["a", "b", "c"]
        self.next(self.work, foreach="items")

    @step
    def work(self):
        self.here()
        self.twice = self.input * self.factor
        self.next(self.after)

    @step
    def after(self):
        self.here()
        self.thrice = self.twice + self.input
        self.next(self.join)

    @step
    def join(self, inputs):
        self.here()
        self.result = [(each.index, each.input, each.thrice) for each in inputs]
        self.next(self.end)

    @step
    def end(self):
        self.here()
""",
    "nested": """
    @step
    def start(self):
        self.here()
        self.rows = [10, 20]
        self.next(self.row, foreach="rows")

    @step
    def row(self):
        self.here()
        self.columns = [self.input + 1, self.input + 2]
        self.next(self.cell, foreach="columns")

    @step
    def cell(self):
        self.here()
        self.value = self.input * self.factor
        self.next(self.columns_join)

    @step
    def columns_join(self, inputs):
        self.here()
        self.values = [each.value for each in inputs]
        self.next(self.rows_join)

    @step
    def rows_join(self, inputs):
        self.here()
        self.result = [each.values for each in inputs]
        self.next(self.end)

    @step
    def end(self):
        self.here()
""",
    "switch": """
    @step
    def start(self):
        self.here()
        self.kind = "long"
        self.next({"short": self.end, "long": self.way}, condition="kind")

    @step
    def way(self):
        self.here()
        self.way_taken = self.factor
        self.next(self.end)

    @step
    def end(self):
        self.here()
        self.result = [self.kind, self.way_taken]
""",
    "recursion": """
    @step
    def start(self):
        self.here()
        self.round, self.more = 0, "yes"
        self.next(self.again)

    @step
    def again(self):
        self.here(self.round)
        self.round += 1
        self.more = "yes" if self.round < 3 else "no"
        self.next({"yes": self.again, "no": self.end}, condition="more")

    @step
    def end(self):
        self.here()
        self.result = self.round * self.factor
""",
}

# Of trouble.
PLACES = [
    ("linear", "start"),
    ("linear", "middle"),
    ("branches", "left"),
    ("branches", "right"),
    ("branches", "join"),
    ("foreach", "work/1"),
    ("foreach", "after/2"),
    ("foreach", "join"),
    ("nested", "row/1"),
    ("nested", "cell/1/0"),
    ("nested", "columns_join/1"),
    ("nested", "rows_join"),
    ("switch", "way"),
    ("recursion", "again#1"),
]
STATES = ["failed", "killed", "stopped"]

# Steps to begin with, and those that then run again.
STEPS = [
    ("linear", "middle", {"middle", "end"}),
    ("branches", "right", {"right", "join", "end"}),
    ("branches", "join", {"join", "end"}),
    ("foreach", "start", {"start", "work", "after", "join", "end"}),
    ("foreach", "after", {"after", "join", "end"}),
    ("nested", "cell", {"cell", "columns_join", "rows_join", "end"}),
    ("nested", "columns_join", {"columns_join", "rows_join", "end"}),
    ("switch", "way", {"way", "end"}),
    ("recursion", "again", {"again", "end"}),
]


@dataclass(frozen=True)
class Project:
    """A flow of one shape. Tasks are named by their place, as `cell/1/0`; of a recursion the round stands behind it."""

    folder: Path

    @staticmethod
    def made(folder: Path, shape: str) -> Project:
        (folder / ".dockerflow").mkdir(parents=True)
        (folder / "flow.py").write_text(HEAD + SHAPES[shape])
        return Project(folder)

    @property
    def store(self) -> DirectoryStore:
        return DirectoryStore(self.folder / ".dockerflow")

    def runs(self) -> list[RunHistory]:
        """The newest first."""
        return [history.read(self.store, "Shape", run_id) for run_id in runs.run_ids(self.store, "Shape")]

    def words(self, *words: str) -> tuple[str, ...]:
        return (words[0], "flow.py", *words[1:], "--engine", "process", "--max-workers", "1")

    def run(self) -> None:
        answer = dockerflow(*self.words("run"), cwd=self.folder)
        assert answer.code == 0, answer

    def troubled(self, state: str, place: str) -> None:
        """A run that comes to an end at a place."""
        if state == "failed":
            assert dockerflow(*self.words("run"), cwd=self.folder, TROUBLE=f"fail {place}").code == 1
            return
        with subprocess.Popen(
            [*PROGRAM, *self.words("run")],
            cwd=self.folder,
            env=environment(TROUBLE=f"hang {place}"),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
        ) as running:
            assert running.stdout is not None
            assert any(line.endswith("hanging\n") for line in running.stdout)
            os.kill(running.pid, signal.SIGKILL if state == "killed" else signal.SIGTERM)

    def resume(self, *words: str) -> None:
        """With code that has been edited since."""
        file = self.folder / "flow.py"
        file.write_text(file.read_text().replace("CODE = 1", "CODE = 2"))
        answer = dockerflow(*self.words("resume", *words), cwd=self.folder)
        assert answer.code == 0, answer

    def result(self, run: RunHistory) -> object:
        (end,) = run.tasks_by_step["end"]
        return self.artifact(end, "result")

    def artifact(self, task: TaskHistory, name: str) -> object:
        assert task.result is not None
        assert task.result.manifest is not None
        return manifest.load(self.store.blobs, manifest.read(self.store.blobs, task.result.manifest).artifacts[name])


def places(run: RunHistory) -> Mapping[str, TaskHistory]:
    """The tasks, by step and place in the foreaches; those of a recursion by their round."""
    found = {}
    for place, task in counted(run):
        name = "/".join([place.step, *map(str, place.indexes)])
        found[f"{name}#{place.number}" if place.number else name] = task
    return found


def is_done(task: TaskHistory) -> bool:
    return task.result is not None and task.result.ok


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Project]:
    """A run of each shape that has succeeded."""
    projects = {shape: Project.made(tmp_path_factory.mktemp(shape), shape) for shape in SHAPES}
    for project in projects.values():
        project.run()
    return projects


def require_taken_over(project: Project, reused: set[str]) -> RunHistory:
    """That the newest run has taken these tasks over from the one before it by reference, and run the others with the
    code as it is now."""
    new, origin = project.runs()[:2]
    now, before = places(new), places(origin)
    assert new.status == "succeeded"
    assert {place for place, task in now.items() if task.created.origin_task_id} == reused
    for place in reused:
        taken, from_ = now[place].result, before[place].result
        assert taken is not None
        assert from_ is not None
        assert now[place].created.origin_task_id == before[place].created.task_id
        assert (taken.manifest, taken.log, taken.read) == (from_.manifest, None, from_.read)
        assert now[place].attempts[0].started is None
    assert {project.artifact(task, "code") for place, task in now.items() if place not in reused} <= {2}
    assert {project.artifact(task, "code") for place, task in now.items() if place in reused} <= {1}
    return new


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize(("shape", "place"), PLACES)
def test_a_run_that_came_to_an_end_goes_on_with_what_it_had_finished(
    undisturbed: Mapping[str, Project], tmp_path: Path, shape: str, place: str, state: str
) -> None:
    project = Project.made(tmp_path / "project", shape)
    project.troubled(state, place)
    origin = project.runs()[0]
    assert origin.status == {"failed": "failed", "killed": "running", "stopped": "stopped"}[state]
    done = {each for each, task in places(origin).items() if is_done(task)}
    whole = undisturbed[shape]
    assert place not in done
    assert done < set(places(whole.runs()[0]))
    project.resume()
    new = require_taken_over(project, done)
    assert set(places(new)) == set(places(whole.runs()[0]))
    assert project.result(new) == whole.result(whole.runs()[0])


@pytest.mark.parametrize(("shape", "step", "again"), STEPS)
def test_a_run_that_succeeded_runs_again_from_a_step_on(
    undisturbed: Mapping[str, Project], tmp_path: Path, shape: str, step: str, again: set[str]
) -> None:
    whole = undisturbed[shape]
    shutil.copytree(whole.folder, tmp_path / "project")
    project = Project(tmp_path / "project")
    project.resume(step)
    every = places(whole.runs()[0])
    new = require_taken_over(project, {place for place, task in every.items() if task.created.step not in again})
    assert set(places(new)) == set(every)
    assert project.result(new) == whole.result(whole.runs()[0])


def test_a_resumed_run_that_failed_itself_is_resumed(undisturbed: Mapping[str, Project], tmp_path: Path) -> None:
    project = Project.made(tmp_path / "project", "nested")
    project.troubled("failed", "cell/0/1")
    assert dockerflow(*project.words("resume"), cwd=project.folder, TROUBLE="fail columns_join/1").code == 1
    done = {each for each, task in places(project.runs()[0]).items() if is_done(task)}
    assert {"start", "row/0", "row/1", "cell/0/1", "cell/1/1"} <= done
    project.resume()
    new = require_taken_over(project, done)
    assert project.result(new) == undisturbed["nested"].result(undisturbed["nested"].runs()[0])


def test_a_killed_run_goes_on_with_a_parameter_that_what_was_done_has_not_read(tmp_path: Path) -> None:
    project = Project.made(tmp_path / "project", "branches")
    project.troubled("killed", "right")
    done = {each for each, task in places(project.runs()[0]).items() if is_done(task)}
    project.resume("--factor", "50")
    new = require_taken_over(project, done)
    assert project.result(new) == [1, [2, 51], [2, 51]]
    refused = dockerflow(*project.words("resume", "join", "--factor", "60"), cwd=project.folder)
    assert refused.code == 2
    assert refused.stderr.startswith("error: parameter `factor` cannot be changed: step `right` has read it, ")
