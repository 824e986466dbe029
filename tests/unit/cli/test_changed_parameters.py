"""`resume` with other parameters, by whole commands: allowed where nothing that is reused has read them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dockerflow.client import Run
from dockerflow.comparing.artifacts import DIFFERS, Side, compare
from dockerflow.store import history, runs
from dockerflow.store.directory import DirectoryStore
from tests.unit.cli.commands import Answer, dockerflow, refused

FLOW = """
import os
from dockerflow import FlowSpec, IncludeFile, JSONType, Parameter, current, step


class Changed(FlowSpec):
    size = Parameter("size", default=3)
    alpha = Parameter("the-alpha", default=1)
    late = Parameter("late", default=1, help="how late")
    table = IncludeFile("table", default="table.txt")
    options = Parameter("options", type=JSONType, default='{"b": 1, "a": 2}')
    # MORE

    @step
    def start(self):
        self.items = list(range(self.size))
        self.next(self.work, foreach="items")

    @step
    def work(self):
        if self.input == 2 and os.path.exists("FOLDER/fail"):
            raise ValueError("asked to fail")
        self.square = self.input ** 2 * self.alpha
        self.next(self.join)

    @step
    def join(self, inputs):
        self.total = sum(each.square for each in inputs)
        self.lates = [each.late for each in inputs]
        self.next(self.look)

    @step
    def look(self):
        self.before = len(list(current.run))
        self.next(self.end)

    @step
    def end(self):
        self.seen = [self.late, self.table, self.options]
"""

RESUME = "dockerflow resume flow.py"


class Project:
    """A flow's file, and the store with a run that failed in the last task of its foreach."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = DirectoryStore(folder / ".dockerflow")

    def command(self, *words: str) -> Answer:
        return dockerflow(words[0], "flow.py", *words[1:], "--engine", "process", "--max-workers", "1", cwd=self.folder)

    def resumed(self, *words: str) -> Run:
        answer = self.command("resume", *words)
        assert answer.code == 0, answer
        return self.latest

    @property
    def latest(self) -> Run:
        run_id = runs.run_ids(self.store, "Changed")[0]
        return Run(f"Changed/{run_id}", store=self.store, _namespace_check=False)

    def refused(self, *words: str, error: str, hint: str, code: int = 2) -> None:
        before = runs.run_ids(self.store, "Changed")
        refused("resume", "flow.py", *words, code=code, error=error, hint=hint, cwd=self.folder)
        assert runs.run_ids(self.store, "Changed") == before


def _written(folder: Path) -> Project:
    (folder / "flow.py").write_text(FLOW.replace("FOLDER", str(folder)))
    (folder / "table.txt").write_text("first")
    return Project(folder)


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("origin")
    (folder / ".dockerflow").mkdir()
    (folder / "fail").touch()
    assert _written(folder).command("run").code == 1
    return folder


@pytest.fixture
def project(origin: Path, tmp_path: Path) -> Project:
    shutil.copytree(origin / ".dockerflow", tmp_path / ".dockerflow")
    return _written(tmp_path)


@pytest.fixture(scope="module")
def finished(origin: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("finished")
    shutil.copytree(origin / ".dockerflow", folder / ".dockerflow")
    _written(folder).resumed()
    return folder


def _again(step: str, what: str, given: str) -> str:
    return f"run {what} again, with what else the earlier run was given: `{RESUME} {step} {given}`; or start a new run"


def test_parameters_that_nothing_reused_has_read_may_have_other_values(project: Project) -> None:
    (project.folder / "other.txt").write_text("second")
    before = project.latest
    run = project.resumed("--late", "7", "--table=other.txt", "--options", '{"c": 3}')
    assert (run.data.total, run.data.lates, run.data.seen) == (5, [7, 7, 7], [7, "second", {"c": 3}])
    assert [task.origin_pathspec is not None for task in reversed(list(run["work"]))].count(True) == 2
    reused = run["start"].task
    assert reused.origin_pathspec == f"{before.pathspec}/start/1"
    assert {task.data.late for step in run for task in step} == {7}
    assert before["start"].task.data.late == 1
    dumped = dockerflow("dump", f"{run.pathspec}/start", "--include", "late", cwd=project.folder)
    assert dumped.lines[1].split() == ["late", "int", "29", "B", "7"]
    first, second = (history.read(project.store, "Changed", each.id) for each in (before, run))
    compared = next(iter(compare(Side(project.store, first), Side(project.store, second))))
    assert {each.name for each in compared.made if each.verdict == DIFFERS} == {"late", "options", "table"}
    records = second.tasks_by_step
    assert [task.result and task.result.read for task in records["start"]] == [("size",)]
    # What was reused once is known as well when it is reused again.
    hint = _again("start", "everything", "--size 5")
    error = "parameter `size` cannot be changed: step `start` has read it, and its result would be reused"
    project.refused("join", "--size", "5", error=error, hint=hint)


def test_a_parameter_that_a_reused_task_has_read_may_not_and_the_step_to_begin_with_is_named(project: Project) -> None:
    why = "2 tasks of step `work` have read it, and their results would be reused"
    error = f"parameter `the-alpha` cannot be changed: {why}"
    hint = _again("work", "step `work` and all that follow it", "--the-alpha 10")
    project.refused("--the_alpha", "10", error=error, hint=hint)
    project.refused("join", "--the-alpha", "10", error=error, hint=hint)
    more = "parameter `size` cannot be changed: step `start` has read it, and its result would be reused"
    given = f"--size 4 --the-alpha 10 --origin-run-id {project.latest.id}"
    words = ("--size", "4", "--the-alpha=10", "--origin-run-id", project.latest.id)
    project.refused(*words, error=f"{error}\n{more}", hint=_again("start", "everything", given))
    run = project.resumed("work", "--the-alpha", "10", "--size", "3")  # which it was
    assert (run.data.total, run.data.alpha) == (50, 10)
    assert [len(list(step)) for step in run] == [1, 1, 1, 3, 1]


def test_equal_values_change_nothing(project: Project) -> None:
    run = project.resumed("--the-alpha", "1", "--size", "3", "--options", '{"b": 1, "a": 2}', "--late", "1")
    started = [history.read(project.store, "Changed", each).started for each in runs.run_ids(project.store, "Changed")]
    assert [each.parameters for each in started if each] == [started[0].parameters if started[0] else ""] * 2
    assert len([task for task in run["work"] if task.origin_pathspec]) == 2


def test_what_reads_past_runs_may_have_read_every_parameter(finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished / ".dockerflow", tmp_path / ".dockerflow")
    project = _written(tmp_path)
    project.refused(
        "end",
        "--late=3",
        error="parameter `late` cannot be changed: step `join` has read it, and its result would be reused",
        hint=_again("join", "step `join` and all that follow it", "--late 3"),
    )
    project.refused(
        "end",
        "--options",
        "[1]",
        error="parameter `options` cannot be changed: it is not known whether step `look` has read it, and its result "
        "would be reused (a step that reads past runs, or crashes, does not tell, nor does an older dockerflow)",
        hint=_again("look", "step `look` and all that follow it", "--options '[1]'"),
    )
    assert project.resumed("look", "--options", "[1]").data.seen == [1, "first", [1]]


def test_a_parameter_that_is_new_is_given_and_one_that_is_gone_is_forgotten(project: Project) -> None:
    file = project.folder / "flow.py"
    text = file.read_text().replace("# MORE", 'more = Parameter("more", required=True)').replace("[self.late,", "[0,")
    file.write_text(
        text.replace('    late = Parameter("late", default=1, help="how late")\n', "").replace("each.late", "0")
    )
    run_id = project.latest.id
    project.refused(
        error=f"parameter `more` is required, and run `Changed/{run_id}` had none",
        hint="give it with `--more VALUE`, or a default in the flow",
    )
    run = project.resumed("--more", "x")
    assert (run.data.more, "late" in run.end_task, "late" in run["join"].task) == ("x", False, False)


def test_what_is_typed_wrong_is_said_as_of_a_run(project: Project) -> None:
    project.refused(
        "--laet", "3", error="`dockerflow resume flow.py` has no option `--laet`", hint="did you mean `--late`?"
    )
    project.refused("--late", "x", error="parameter `late` is `x`; expected a whole number", hint="", code=3)
    shown = f"`{RESUME} --help` shows how it is used"
    project.refused("work", "--late", "3", "more", error="unexpected argument `more`", hint=shown)
    project.refused("--late", error="option `--late` requires an argument", hint=shown)
    project.refused(
        "wrok", "--late", "3", error="there is no step `wrok` in flow `Changed`", hint="did you mean `work`?", code=8
    )
    attached = "`--attach` goes on with tasks that have parameters as they were, and `late` has another value now"
    project.refused("--attach", "--late", "3", error=attached, hint="leave one of the two out")
    helped = dockerflow("resume", "flow.py", "--help", cwd=project.folder)
    assert (helped.code, helped.stderr) == (0, "")
    assert "  --late INTEGER       how late\n" in helped.stdout
    assert helped.stdout.startswith("Usage: dockerflow resume flow.py [OPTIONS] [STEP]\n")


def test_the_environment_does_not_change_what_is_resumed(project: Project) -> None:
    words = ("resume", "flow.py", "--engine", "process")
    assert dockerflow(*words, cwd=project.folder, DOCKERFLOW_RUN_LATE="9").code == 0
    assert project.latest.data.seen[0] == 1


CLASHING = """
from dockerflow import FlowSpec, Parameter, step

class Clashing(FlowSpec):
    attach = Parameter("attach", default="no")
    step_ = Parameter("step", default="no")

    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        self.seen = self.attach + self.step_
"""


def test_behind_the_file_an_option_is_a_parameter_first(tmp_path: Path) -> None:
    (tmp_path / "flow.py").write_text(CLASHING)
    process = ("--engine", "process")
    assert dockerflow("run", "flow.py", *process, cwd=tmp_path).code == 0
    answer = dockerflow("resume", "flow.py", "--attach", "yes", "end", "--step", "up", *process, cwd=tmp_path)
    assert answer.code == 0, answer
    run_id = runs.run_ids(DirectoryStore(tmp_path / ".dockerflow"), "Clashing")[0]
    dumped = dockerflow("dump", f"Clashing/{run_id}/end", "--include", "seen", cwd=tmp_path)
    assert dumped.lines[1].split()[-1] == "'yesup'"
