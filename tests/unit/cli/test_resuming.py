"""`resume` by whole commands, each task a plain process: what is reused, what is kept, what is refused."""

from __future__ import annotations

import json
import os
import pickle
import shlex
import signal
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from dockerflow.store import history, run_tags, runs
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.history import RunHistory
from tests.unit.cli.commands import PROGRAM, Answer, dockerflow, environment, refused

FLOW = """
import os
import threading

from dockerflow import FlowSpec, Parameter, Run, current, step


class Mended(FlowSpec):
    count = Parameter("count", type=int, default=3)
    # MORE PARAMETERS

    @step
    def start(self):
        with open(os.environ["SEEN"] + "/id") as file:
            self.id_before_the_first_task = file.read()
        self.numbers = list(range(self.count))
        self.next(self.work, foreach="numbers")

    @step
    def work(self):
        print("working on", self.input)
        if self.input == 1 and os.path.exists(os.environ["SEEN"] + "/fail"):
            raise ValueError("asked to fail")
        self.square = self.input ** 2
        self._hidden = "private"
        self.next(self.join)

    @step
    def join(self, inputs):
        seen = Run(current.flow_name + "/" + current.run_id)
        self.finished_before = sorted(task.finished for task in seen["work"])
        self.squares = [each.square for each in inputs]
        if os.path.exists(os.environ["SEEN"] + "/hang"):
            print("hanging", flush=True)
            threading.Event().wait(100)
        self.next(self.end)

    @step
    def end(self):
        self.version = 1
"""

# The step and id of its first task, as pathspecs of a run have them.
FIRST_OF_WORK = "work/2"


class Project:
    """A flow's file, its store, and the runs that commands have left there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "flow.py").write_text(FLOW)
        self.store = DirectoryStore(folder / ".dockerflow")
        self.store.root.mkdir()

    def command(self, *words: str) -> tuple[Answer, str]:
        """A `run` or `resume` with its answer and the new run's id."""
        file = self.folder / "id"
        file.unlink(missing_ok=True)
        engine = ("--engine", "process", "--max-workers", "1", "--run-id-file", "id")
        answer = dockerflow(words[0], "flow.py", *words[1:], *engine, cwd=self.folder, SEEN=str(self.folder))
        return answer, file.read_text() if file.exists() else ""

    def failed(self, *words: str) -> str:
        """The id of a run whose second task of `work` failed."""
        (self.folder / "fail").touch()
        answer, run_id = self.command("run", *words)
        assert answer.code == 1, answer
        (self.folder / "fail").unlink()
        return run_id

    def edit(self, before: str, after: str) -> None:
        text = (self.folder / "flow.py").read_text()
        assert before in text
        (self.folder / "flow.py").write_text(text.replace(before, after))

    def seen(self, run_id: str) -> RunHistory:
        return history.read(self.store, "Mended", run_id)

    def reused(self, run_id: str) -> Counter[str]:
        tasks = self.seen(run_id).tasks.values()
        return Counter(task.created.step for task in tasks if task.created.origin_task_id)

    def artifact(self, run_id: str, step: str, name: str) -> str:
        words = ("dump", f"Mended/{run_id}/{step}", "--include", name, "--json")
        (task,) = json.loads(dockerflow(*words, cwd=self.folder).stdout)
        return task["artifacts"][0]["value"]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_a_run_that_failed_is_resumed_with_its_parameters_and_the_code_of_now(project: Project) -> None:
    origin = project.failed("--count", "4", "--tag", "first")
    project.edit("self.version = 1", "self.version = 2")
    answer, run_id = project.command("resume", "--tag", "two words")
    assert (answer.code, answer.stderr) == (0, "")
    assert project.reused(run_id) == {"start": 1, "work": 1}
    assert project.artifact(run_id, "join", "squares") == "[0, 1, 4, 9]"
    assert project.artifact(run_id, "end", "version") == "2"
    started = project.seen(run_id).started
    assert started is not None
    assert (started.origin_run_id, started.tags) == (origin, ("two words",))
    assert int(run_id) > int(origin)
    assert any(line.endswith(f"] run Mended/{run_id} begins, resuming run {origin}: 4 steps") for line in answer.lines)
    assert any(line.endswith("/start] 1 task reused") for line in answer.lines)
    assert f"resumed run {origin}: 2 tasks reused" in answer.lines


def test_what_a_failed_run_says_last_goes_on_with_it(project: Project) -> None:
    (project.folder / "fail").touch()
    answer, _ = project.command("run")
    (project.folder / "fail").unlink()
    (line,) = [line for line in answer.lines if line.startswith("resume: ")]
    program, *words = shlex.split(line.partition(":")[2])
    assert program == "dockerflow"
    assert words == ["resume", "flow.py", "--engine", "process"]
    resumed = dockerflow(*words, cwd=project.folder, SEEN=str(project.folder))
    assert resumed.code == 0
    assert not any(line.startswith("resume: ") for line in resumed.lines)


def test_a_step_that_runs_again_for_its_self_next_is_told(project: Project) -> None:
    project.failed()
    project.edit('foreach="numbers"', 'foreach="others"')
    project.edit("self.numbers = list(", "self.others = list(")
    answer, run_id = project.command("resume", "join")
    told = "step `start` asks for something else in its `self.next` now: it runs again, and all that follow it"
    assert sum(line.endswith(told) for line in answer.lines) == 1
    assert project.reused(run_id) == {}


def test_a_step_finds_in_its_own_run_all_tasks_that_it_follows(project: Project) -> None:
    project.failed("--count", "5")
    _, run_id = project.command("resume")
    assert project.artifact(run_id, "join", "finished_before") == "[True, True, True, True, True]"


def test_the_file_with_the_runs_id_is_there_before_the_first_task_also_of_a_run_that_fails(project: Project) -> None:
    origin = project.failed()
    assert project.artifact(origin, "start", "id_before_the_first_task") == repr(origin)
    _, run_id = project.command("resume", "start")
    assert project.artifact(run_id, "start", "id_before_the_first_task") == repr(run_id)


def test_a_run_whose_command_was_killed_is_resumed_with_what_it_had_finished(project: Project) -> None:
    (project.folder / "hang").touch()
    words = ("run", "flow.py", "--engine", "process", "--max-workers", "1", "--run-id-file", "id")
    with subprocess.Popen(
        [*PROGRAM, *words],
        cwd=project.folder,
        env=environment(SEEN=str(project.folder)),
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ) as running:
        assert running.stdout is not None
        next(line for line in running.stdout if line.endswith("hanging\n"))
        os.kill(running.pid, signal.SIGKILL)
    (project.folder / "hang").unlink()
    answer, run_id = project.command("resume")
    assert answer.code == 0, answer
    assert project.reused(run_id) == {"start": 1, "work": 3}


def test_a_named_step_runs_again_with_what_follows_it_and_a_resumed_run_is_resumed_itself(project: Project) -> None:
    origin = project.failed()
    _, second = project.command("resume")
    answer, third = project.command("resume", "join")
    assert answer.code == 0
    assert project.reused(third) == {"start": 1, "work": 3}
    started = project.seen(third).started
    assert started is not None
    assert started.origin_run_id == second
    _, fourth = project.command("resume", "work", "--origin-run-id", origin)
    assert project.reused(fourth) == {"start": 1}
    listed = json.loads(dockerflow("runs", "list", "--json", cwd=project.folder).stdout)
    assert [(line["run"], line["origin"]) for line in listed] == [
        (f"Mended/{fourth}", origin),
        (f"Mended/{third}", second),
        (f"Mended/{second}", origin),
        (f"Mended/{origin}", None),
    ]


def test_a_result_whose_blobs_are_gone_is_not_reused(project: Project) -> None:
    origin = project.failed()
    done = next(task.result for task in project.seen(origin).tasks.values() if task.created.step == "work")
    assert done is not None
    assert done.manifest is not None
    project.store.blobs.path(done.manifest).unlink()
    answer, run_id = project.command("resume")
    assert answer.code == 0, answer
    assert project.reused(run_id) == {"start": 1}


def test_a_parameter_that_the_flow_has_got_since_has_its_default(project: Project) -> None:
    project.failed("--count", "2")
    project.edit("# MORE PARAMETERS", 'added = Parameter("added", default="new")')
    project.edit("self.version = 1", "self.version = self.added")
    answer, run_id = project.command("resume")
    assert answer.code == 0, answer
    assert project.artifact(run_id, "end", "version") == "'new'"
    assert project.artifact(run_id, "join", "squares") == "[0, 1]"


def test_a_required_parameter_that_the_origin_had_not_is_an_error(project: Project) -> None:
    origin = project.failed()
    project.edit("# MORE PARAMETERS", 'added = Parameter("added", required=True)')
    answer, _ = project.command("resume")
    assert answer.code == 2
    assert answer.stderr.startswith(f"error: parameter `added` is required, and run `Mended/{origin}` had none\n")


def test_what_cannot_be_resumed_is_said_before_anything_runs(project: Project) -> None:
    folder = project.folder
    hint = "run it first; another store can be named with `--store`"
    message = f"there is no run of flow `Mended` to resume in the store `{project.store.root}`"
    refused("resume", "flow.py", cwd=folder, code=2, error=message, hint=hint)
    origin = project.failed()
    message, hint = "there is no step `wrok` in flow `Mended`", "did you mean `work`?"
    refused("resume", "flow.py", "wrok", cwd=folder, code=8, error=message, hint=hint)
    message, hint = "there is no run `17` in flow `Mended`", f"there is `{origin}`"
    refused("resume", "flow.py", "--origin-run-id", "17", cwd=folder, code=8, error=message, hint=hint)
    message = f"`Other/{origin}` is a run of flow `Other`, and this is flow `Mended`"
    hint = "name a run of `Mended`; `dockerflow runs list Mended` lists them"
    refused("resume", "flow.py", "--origin-run-id", f"Other/{origin}", cwd=folder, code=2, error=message, hint=hint)
    message, hint = "`dockerflow resume flow.py` has no option `--cuont`", "did you mean `--count`?"
    refused("resume", "flow.py", "--cuont", "7", cwd=folder, code=2, error=message, hint=hint)
    assert runs.run_ids(project.store, "Mended") == [origin]


def test_dump_and_logs_say_of_a_reused_task_which_one_it_was(project: Project) -> None:
    origin = project.failed()
    _, run_id = project.command("resume")
    dumped = dockerflow("dump", f"Mended/{run_id}/start", cwd=project.folder)
    assert dumped.lines[0] == f"Mended/{run_id}/start/1  succeeded, reused from Mended/{origin}/start/1"
    logs = dockerflow("logs", f"Mended/{run_id}/start/1", cwd=project.folder)
    there = f"Mended/{origin}/start/1"
    assert logs == Answer(0, "", f"reused from {there}: see `dockerflow logs {there}`\n")


def test_logs_say_that_no_task_had_the_attempt(project: Project) -> None:
    run_id = project.failed()
    asked = f"Mended/{run_id}"
    logs = dockerflow("logs", asked, "--attempt", "5", cwd=project.folder)
    assert logs == Answer(0, "", f"no task of `{asked}` had an attempt 5\n")


def test_dump_shows_values_hides_large_and_private_ones_and_writes_them_into_a_file(project: Project) -> None:
    run_id = project.failed()
    task = f"Mended/{run_id}/{FIRST_OF_WORK}"
    rows = {line.split()[0]: line.split()[-1] for line in dockerflow("dump", task, cwd=project.folder).lines[1:]}
    assert (rows["square"], "_hidden" in rows) == ("0", False)
    dumped = dockerflow("dump", task, "--private", "--max-value-size", "0", cwd=project.folder)
    rows = {line.split()[0]: line.split()[-1] for line in dumped.lines[1:]}
    assert rows["_hidden"] == rows["square"] == "B"
    answer = dockerflow("dump", task, "--include", "square,count", "--file", "values.pickle", cwd=project.folder)
    assert (answer.code, answer.lines) == (0, ["values.pickle: the artifacts of 1 task"])
    values = pickle.loads((project.folder / "values.pickle").read_bytes())
    assert values == {f"{run_id}/{FIRST_OF_WORK}": {"count": 3, "square": 0}}


def test_one_attempt_of_a_log_is_shown_for_people_and_for_programs(project: Project) -> None:
    run_id = project.failed()
    task = f"Mended/{run_id}/{FIRST_OF_WORK}"
    assert dockerflow("logs", task, "--attempt", "0", cwd=project.folder).lines == ["working on 0"]
    (told,) = json.loads(dockerflow("logs", task, "--json", cwd=project.folder).stdout)
    assert (told["pathspec"], told["attempt"]) == (task, 0)
    assert [(line["stream"], line["text"]) for line in told["lines"]] == [("stdout", "working on 0")]
    message, hint = f"there is no attempt `1` in task `{task}`", "there is `0`"
    refused("logs", task, "--attempt", "1", cwd=project.folder, code=8, error=message, hint=hint)


def test_a_run_has_the_tags_of_its_user_and_those_of_the_system(project: Project) -> None:
    run_id = project.failed("--tag", "ünïcode and spaces", "--tag", "ünïcode and spaces")
    started = project.seen(run_id).started
    assert started is not None
    assert started.tags == ("ünïcode and spaces",)
    names = [tag.partition(":")[0] for tag in started.system_tags]
    assert names == ["date", "dockerflow_version", "python_version", "runtime", "user"]
    assert {"user:ada", "runtime:dev"} <= set(started.system_tags)
    assert run_tags.read(project.store, started) == {"ünïcode and spaces"}


@pytest.mark.parametrize("tag", ["", "x" * 501, b"\xff".decode(errors="surrogateescape")])
def test_what_is_no_tag_is_refused_before_a_run_begins(project: Project, tag: str) -> None:
    answer, run_id = project.command("run", "--tag", tag)
    assert (answer.code != 0, run_id) == (True, "")
    assert answer.stderr.startswith("error: ")
    assert runs.run_ids(project.store, "Mended") == []


def test_runs_that_begin_at_the_same_time_have_ids_of_their_own_that_sort(tmp_path: Path) -> None:
    DirectoryStore(tmp_path).root.mkdir(exist_ok=True)
    program = (
        "import sys; from dockerflow.store.directory import DirectoryStore; from dockerflow.store import runs; "
        "store = DirectoryStore(sys.argv[1]); sys.stdin.read(); "
        "[print(runs.new_run_id(store, 'F', lambda: 1.0)) for _ in range(20)]"
    )
    begun = [
        subprocess.Popen(
            [PROGRAM[0], "-c", program, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        for _ in range(4)
    ]
    for process in begun:
        assert process.stdin is not None
        process.stdin.close()  # all of them at once
    ids = []
    for process in begun:
        with process:
            ids.append([int(line) for line in process.stdout or ()])
    assert sorted(number for numbers in ids for number in numbers) == list(range(1_000_000, 1_000_080))
    assert all(numbers == sorted(numbers) for numbers in ids)
