"""`inspect` over runs as they are made, as older versions have recorded them, and as they are when blobs are lost."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from dockerflow.store import history, manifest, runs
from dockerflow.store.directory import DirectoryStore, create
from dockerflow.store.journal import JournalWriter
from dockerflow.store.records import AttemptFinished, Failure, RunStarted, StepRecord, TaskCreated
from tests.unit.cli.commands import Answer, dockerflow, refused
from tests.unit.client.runs_by_hand import FLOW, RunByHand, successful_run

FILMS = '''
import os
import signal

from dockerflow import FlowSpec, IncludeFile, JSONType, Parameter, catch, current, retry, step


class Films(FlowSpec):
    limit = Parameter("limit", default=2)
    note = Parameter("note", default="x" * 500)
    options = Parameter("options", type=JSONType, default='{"deep": [1, null]}')
    names = IncludeFile("names", default="names.txt")

    @step
    def start(self):
        self.films = self.names.split()[: self.limit]
        self.next(self.each, foreach="films")

    @retry(times=1, minutes_between_retries=0)
    @step
    def each(self):
        """Measure a film."""
        self.length = len(self.input)
        if self.index == 1 and current.retry_count == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self.next(self.join)

    @step
    def join(self, inputs):
        self.total = sum(each.length for each in inputs)
        self.next(self.risky)

    @catch(var="why")
    @step
    def risky(self):
        if self.total:
            raise ValueError("asked to fail")
        self.next(self.end)

    @step
    def end(self):
        os._exit(3)
'''


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder with a flow in a git repository, and the pathspec of its run, which has failed."""
    folder = tmp_path_factory.mktemp("films")
    (folder / "films.py").write_text(FILMS)
    (folder / "names.txt").write_text("Alien\nBrasília\nCube\n")
    git = ["git", "-c", "user.name=ada", "-c", "user.email=ada@example.org"]
    (folder / ".gitignore").write_text("id\n")
    for words in (["init", "-q", "-b", "trunk"], ["add", "."], ["commit", "-q", "-m", "first"]):
        subprocess.run([*git, *words], cwd=folder, check=True)
    done = dockerflow("run", "films.py", "--engine", "process", "--run-id-file", "id", "--tag", "a", cwd=folder)
    assert done.code == 1, done.stderr
    return folder, f"Films/{(folder / 'id').read_text()}"


def inspected(project: tuple[Path, str], *path: str) -> Any:
    folder, run = project
    answer = dockerflow("inspect", "/".join([run, *path]), "--json", cwd=folder)
    assert (answer.code, answer.stderr) == (0, "")
    return json.loads(answer.stdout)


def shown(project: tuple[Path, str], *path: str) -> Answer:
    folder, run = project
    answer = dockerflow("inspect", "/".join([run, *path]), cwd=folder)
    assert (answer.code, answer.stderr) == (0, "")
    return answer


def named(documents: list[Any], name: str) -> Any:
    return next(each for each in documents if each["name"] == name)


# ---- what a run leaves


def test_a_run_has_its_commit_its_machine_and_its_command(project: tuple[Path, str]) -> None:
    run = inspected(project)
    commit = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=project[0], text=True).strip()
    assert run["git"] == {"commit": commit, "branch": "trunk", "dirty": False, "remote": ""}
    assert run["machine"]["python"].startswith("3.")
    assert all(run["machine"].values())
    assert run["command"] == ["dockerflow", "run", "films.py", *run["command"][3:]]
    assert (run["status"], run["user"], run["tags"], run["dockerflow"]) == ("failed", "ada", ["a"], "0.1.0")


def test_a_run_has_its_parameters_with_their_values(project: tuple[Path, str]) -> None:
    values = {each["name"]: each["value"] for each in inspected(project)["parameters"]}
    assert values == {"limit": 2, "note": "x" * 500, "options": {"deep": [1, None]}, "names": None}


def test_an_included_file_has_the_hash_that_others_compute(project: tuple[Path, str]) -> None:
    content = (project[0] / "names.txt").read_bytes()
    names = named(inspected(project)["parameters"], "names")
    assert names["file"] == {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def test_each_input_is_what_another_task_left(project: tuple[Path, str]) -> None:
    tasks = {task["pathspec"]: task for step in inspected(project)["steps"] for task in step["tasks"]}
    inputs = [(each, task) for task in tasks.values() for each in task["inputs"]]
    assert len(inputs) == 6
    assert all(each["manifest"] == tasks[each["task"]]["manifest"] for each, _ in inputs)


def test_equal_artifacts_have_equal_hashes_wherever_they_are(project: tuple[Path, str]) -> None:
    [start] = inspected(project, "start")["tasks"]
    made = named(start["outputs"], "films")
    for task in inspected(project, "each")["tasks"]:
        passed_on = named(task["outputs"], "films")
        assert (passed_on["sha256"], passed_on["step"], passed_on["libraries"]) == (
            made["sha256"],
            "start",
            made["libraries"],
        )
        assert named(task["outputs"], "limit")["is_parameter"]


def test_an_attempt_says_how_its_process_ended(project: tuple[Path, str]) -> None:
    tried = next(task for task in inspected(project, "each")["tasks"] if len(task["attempts"]) == 2)
    killed, succeeded = (attempt["exit"] for attempt in tried["attempts"])
    assert (killed["kind"], killed["status"], killed["ok"]) == ("signal", 137, False)
    assert (succeeded["kind"], succeeded["status"], succeeded["ok"]) == ("ok", None, True)
    assert tried["attempts"][1]["peak_memory"] > 0
    [left] = inspected(project, "end")["tasks"]
    assert (left["attempts"][0]["exit"]["kind"], left["attempts"][0]["exit"]["status"]) == ("exit", 3)
    [caught] = inspected(project, "risky")["tasks"]
    assert (caught["attempts"][0]["exit"]["caught"], caught["attempts"][0]["exit"]["type"]) == (
        True,
        "builtins.ValueError",
    )


def test_an_artifact_alone_is_as_its_task_has_it(project: tuple[Path, str]) -> None:
    [task] = inspected(project, "start")["tasks"]
    number = task["pathspec"].rpartition("/")[2]
    artifact = inspected(project, "start", number, "films")
    assert artifact == {
        "kind": "artifact",
        "pathspec": f"{task['pathspec']}/films",
        **named(task["outputs"], "films"),
    }
    assert f"dump {task['pathspec']} --include films" in shown(project, "start", number, "films").stdout


# ---- for people


def test_a_run_is_laid_out_for_people(project: tuple[Path, str]) -> None:
    lines = shown(project).lines
    assert lines[0].startswith(f"{project[1]}  failed after ")
    assert any(line.startswith("  git: ") and line.endswith(" on `trunk`") for line in lines)
    assert f"  note     str     '{'x' * 119}… (502 characters)" in lines
    assert "  each   2 succeeded  " in "\n".join(lines)
    assert lines[-2] == "failed"
    assert lines[-1].endswith("  the process exited with status 3 before the step had ended")


def test_a_task_is_laid_out_for_people(project: tuple[Path, str]) -> None:
    task = next(task for task in inspected(project, "each")["tasks"] if len(task["attempts"]) == 2)
    lines = shown(project, "each", task["pathspec"].rpartition("/")[2]).lines
    assert "  index:       1 in `films` of `start`, which has 2" in lines
    assert f"  {task['inputs'][0]['task']}  {task['inputs'][0]['manifest']}" in lines
    made = [line.split()[0] for line in lines[lines.index("outputs") + 2 : lines.index("passed on") - 1]]
    assert made == ["length"]
    assert [line for line in lines if line.endswith("  signal (status 137)")]
    assert lines[-1] == "  the process was killed by SIGKILL"


def test_a_step_is_laid_out_for_people(project: tuple[Path, str]) -> None:
    lines = shown(project, "each").lines
    assert lines[:2] == [f"{project[1]}/each  2 tasks", "  what:  Measure a film."]
    assert [line.split()[:4] for line in lines[-2:]] == [["2", "0", "succeeded", "1"], ["3", "1", "succeeded", "2"]]


# ---- runs that know less


def test_a_run_of_an_older_version_is_shown_with_what_it_has(tmp_path: Path) -> None:
    store = create(tmp_path)
    made = tmp_path, f"{FLOW}/{successful_run(store)}"
    run = inspected(made)
    assert (run["git"], run["machine"], run["parameters"], run["status"]) == (None, None, [], "succeeded")
    assert run["steps"][1]["environments"][0]["packages"] is None  # its lock is nowhere
    assert "  git:" not in shown(made).stdout
    assert "  packages:  the lock is not in the store" in shown(made, "each").lines
    assert shown(made, "each", "2").lines[0] == f"{made[1]}/each/2  succeeded in 2.5 s"


def test_a_task_that_was_reused_names_its_origin(project: tuple[Path, str]) -> None:
    folder, run = project
    origin = run.partition("/")[2]
    words = ("--engine", "process", "--origin-run-id", origin, "--run-id-file", "id2")
    assert dockerflow("resume", "films.py", *words, cwd=folder).code == 1
    resumed = folder, f"Films/{(folder / 'id2').read_text()}"
    again = inspected(resumed)
    assert again["resumes"] == run
    assert named(again["parameters"], "names")["file"] is not None
    assert again["steps"][0]["tasks"][0]["origin"].startswith(f"{run}/start/")
    assert "  start  1 reused" in shown(resumed).stdout


def test_what_is_lost_is_told_and_the_rest_is_shown(tmp_path: Path) -> None:
    store = create(tmp_path)
    made = tmp_path, f"{FLOW}/{successful_run(store)}"
    [task] = (task for task in history.read(store, *made[1].split("/")).tasks_by_step["join"])
    assert task.result is not None
    assert task.result.manifest is not None
    forget(store, task.result.manifest)
    [join] = inspected(made, "join")["tasks"]
    assert join["outputs"] is None
    assert " is not in " in join["unreadable"]
    assert "  cannot be read: " in shown(made, "join", "4").stdout
    assert named(inspected(made)["steps"], "end")["tasks"][0]["outputs"]


def test_a_reused_task_has_the_parameters_of_its_own_run(tmp_path: Path) -> None:
    """Its manifest is that of the earlier run, where a parameter that it has not read had another value."""
    store = create(tmp_path)
    earlier = manifest.write(store.blobs, {"alpha": 1}, {})
    parameters = manifest.write(store.blobs, {"alpha": Trap()}, {})
    run_id = runs.new_run_id(store, FLOW)
    journal = JournalWriter(store, FLOW, run_id)
    journal.append(RunStarted(1.0, FLOW, run_id, "ada", parameters, "", (StepRecord("start", ()),), origin_run_id="1"))
    journal.append(TaskCreated(1.0, "start", "1", (), (), origin_task_id="7"))
    journal.append(AttemptFinished(2.0, "start", "1", 0, True, True, manifest=earlier))
    journal.close()
    made = tmp_path, f"{FLOW}/{run_id}"
    [given] = inspected(made)["parameters"]
    assert (given["value"], given["text"]) == (None, "<posix.mkdir>"), "it is looked at, and not loaded"
    assert not (tmp_path / "trapped").exists()
    [output] = inspected(made, "start", "1")["outputs"]
    assert (output["sha256"], output["is_parameter"]) == (given["sha256"], True)
    assert inspected(made, "start", "1", "alpha")["sha256"] == given["sha256"]


class Trap:
    def __reduce__(self) -> Any:
        return os.mkdir, ("trapped",)


def forget(store: DirectoryStore, sha256: str) -> None:
    [path] = store.root.rglob(f"*{sha256[2:]}")
    path.unlink()


def test_a_run_that_goes_on_is_shown_so_far(tmp_path: Path) -> None:
    store = create(tmp_path)
    run = RunByHand(store, runs.new_run_id(store, FLOW))
    run.create("start", "1")
    with runs.hold(store, FLOW, run.run_id):
        answer = inspected((tmp_path, f"{FLOW}/{run.run_id}"))
    assert (answer["status"], answer["finished"]) == ("running", None)
    assert answer["steps"][0]["tasks"][0]["attempts"] == []


def test_nothing_is_said_to_run_in_a_run_that_was_killed(tmp_path: Path) -> None:
    store = create(tmp_path)
    run = RunByHand(store, runs.new_run_id(store, FLOW))
    run.create("start", "1")
    run.attempt("start", "1", {}, failure=Failure("lost", "gone"), final=False)
    run.create("each", "2", ("1",), 0)
    made = tmp_path, f"{FLOW}/{run.run_id}"
    assert shown(made).lines[0] == f"{made[1]}  killed"
    assert "  start  1 cut off  " in shown(made).stdout
    assert shown(made, "each", "2").lines[0] == f"{made[1]}/each/2  not begun"


# ---- mistakes


def test_a_wrong_pathspec_is_told_as_elsewhere(project: tuple[Path, str]) -> None:
    folder, run = project
    steps = "there is `start`, `each`, `join`, `risky`, `end`"
    refused("inspect", f"{run}/x", code=8, error=f"there is no step `x` in run `{run}`", hint=steps, cwd=folder)
    answer = dockerflow("inspect", f"{run}/start/1/film", cwd=folder)
    assert answer.stderr == (
        f"error: there is no artifact `film` in task `{run}/start/1`\n\nhint: did you mean `films`?\n"
    )
    assert dockerflow("inspect", f"{run}/a/b/c/d", cwd=folder).code == 2
    assert dockerflow("inspect", "Films", cwd=folder).stderr.startswith("error: `Films` names no run\n")
