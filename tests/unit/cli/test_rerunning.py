"""`rerun` by whole commands, each task a plain process: what is run again, and what the report says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dockerflow.store import history, runs
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.history import RunHistory
from tests.unit.cli.commands import Answer, dockerflow

FLOW = """
import random
import helper
from dockerflow import Config, FlowSpec, IncludeFile, Parameter, catch, conda, current, step

class Again(FlowSpec):
    count = Parameter("count", type=int, default=2)
    chance = Parameter("chance", type=bool, default=False)
    fails = Parameter("fails", type=bool, default=False)
    text = IncludeFile("text", default="text.txt")
    config = Config("config", default_value={"factor": 3})

    @conda(file="environment.yml")
    @step
    def start(self):
        print("this runs")
        self.origin = current.origin_run_id
        self.luck = random.random() if self.chance else 0.5
        self.numbers = list(range(self.count))
        self.next(self.each, foreach="numbers")

    @step
    def each(self):
        self.result = helper.twice(self.input) * self.config.factor
        self.next(self.join)

    @step
    def join(self, inputs):
        self.total = sum(each.result for each in inputs)
        self.words = self.text.split()
        if self.fails:
            raise ValueError("asked to fail")
        self.next(self.end)

    @step
    def end(self):
        self.twice = helper.twice(self.total)
"""


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    """With a flow that has run in `there`, a folder that nobody needs any more."""
    there = tmp_path / "there"
    (there / ".dockerflow").mkdir(parents=True)
    (there / "flow.py").write_text(FLOW)
    (there / "helper.py").write_text("def twice(number):\n    return 2 * number\n")
    (there / "text.txt").write_text("some words")
    (there / "environment.yml").write_text("dependencies: [python]")
    return DirectoryStore(there / ".dockerflow")


def run(store: DirectoryStore, *words: str, code: int = 0) -> str:
    """The id of a run, whose files are gone when it has ended."""
    there = store.root.parent
    answer = dockerflow("run", "--engine", "process", "flow.py", *words, cwd=there)
    assert answer.code == code, answer
    for file in ("flow.py", "helper.py", "text.txt", "environment.yml"):
        (there / file).unlink()
    return newest(store)


def newest(store: DirectoryStore) -> str:
    return runs.run_ids(store, "Again")[0]


def rerun(store: DirectoryStore, run_id: str, *words: str, code: int = 0) -> Answer:
    elsewhere = store.root.parent.parent / "elsewhere"
    elsewhere.mkdir(exist_ok=True)
    answer = dockerflow("rerun", f"Again/{run_id}", "--store", str(store.root), *words, cwd=elsewhere)
    assert answer.code == code, answer
    return answer


def read(store: DirectoryStore, run_id: str) -> RunHistory:
    return history.read(store, "Again", run_id)


def report(answer: Answer) -> dict[str, Any]:
    return json.loads(answer.stdout)


def verdicts(found: dict[str, Any]) -> dict[str, str]:
    """Of what is not identical."""
    return {
        f"{task['step']}{task['indexes']}.{name}": each["verdict"]
        for task in found["tasks"]
        for name, each in task["artifacts"].items()
        if each["verdict"] != "identical"
    }


def test_a_run_is_run_again_without_its_files_and_is_identical(store: DirectoryStore) -> None:
    run_id = run(store, "--count", "3")
    answer = rerun(store, run_id, "--tag", "again")
    assert f"run Again/{newest(store)} begins, as run {run_id} did: 4 steps" in answer.stdout
    assert f"reproduction of Again/{run_id} by Again/{newest(store)}: all identical (14 artifacts)\n" in answer.stdout
    first, second = read(store, run_id).started, read(store, newest(store)).started
    assert first is not None
    assert second is not None
    assert second.reproduces == run_id
    assert second.origin_run_id is None
    assert (second.code, second.parameters, second.flow_file) == (first.code, first.parameters, "flow.py")
    assert second.tags == ("again",)
    assert second.files == first.files


def test_chance_is_reported_as_the_one_difference(store: DirectoryStore) -> None:
    run_id = run(store, "--chance", "true")
    answer = rerun(store, run_id, code=11)
    lines = [line.split() for line in answer.stdout.splitlines()]
    assert ["task", "artifact", "verdict", run_id, newest(store)] in lines
    assert [line[:3] for line in lines if "differs" in line[1:3]] == [["start", "luck", "differs"]]
    assert "not identical (12 identical, 1 differs; differences in 1 task)" in answer.stdout
    found = report(rerun(store, run_id, "--json", "-", code=11))
    assert verdicts(found) == {"start[].luck": "differs"}
    assert (found["identical"], found["first"]) == (False, f"Again/{run_id}")
    assert found["counts"] == {"identical": 12, "differs": 1, "only in the first": 0, "only in the second": 0}


def test_a_parameter_can_be_given_anew(store: DirectoryStore) -> None:
    run_id = run(store)
    found = report(rerun(store, run_id, "--param", "count=3", "--json", "-", code=11))
    assert verdicts(found) == {
        "start[].count": "differs",
        "start[].numbers": "differs",
        "each[2].result": "only in the second",
        "join[].total": "differs",
        "end[].twice": "differs",
    }
    (alone,) = [task for task in found["tasks"] if task["tasks"][0] is None]
    assert (alone["step"], alone["statuses"]) == ("each", [None, "succeeded"])


def test_a_run_is_run_again_from_a_step_on(store: DirectoryStore) -> None:
    run_id = run(store)
    answer = rerun(store, run_id, "--from", "join", "--json", "report.json")
    found = json.loads((store.root.parent.parent / "elsewhere" / "report.json").read_text())
    assert {task["step"]: task["reused"] for task in found["tasks"]} == {
        "start": True, "each": True, "join": False, "end": False,
    }  # fmt: skip
    assert "start  1 (1 reused)  " in answer.stdout
    second = read(store, newest(store))
    assert second.started is not None
    assert (second.started.origin_run_id, second.started.reproduces) == (run_id, run_id)
    assert answer.stdout.count("this runs") == 0


def test_what_is_reused_must_not_have_read_a_parameter_that_changes(store: DirectoryStore) -> None:
    run_id = run(store)
    answer = rerun(store, run_id, "--from", "join", "--param", "count=3", code=2)
    assert answer.stderr == (
        "error: parameter `count` cannot be changed: step `start` has read it, and its result would be reused\n\n"
        f"hint: `dockerflow rerun Again/{run_id} --from start` with the same parameters runs all that has read them\n"
    )
    found = report(rerun(store, run_id, "--from", "join", "--param", "fails=true", "--json", "-", code=1))
    assert [task["statuses"] for task in found["tasks"]][-2:] == [["succeeded", "failed"], ["succeeded", None]]
    started = read(store, run_id).started
    assert started is not None
    rerun(store, run_id, "--from", "join", "--param", "count=2")  # which it was
    assert read(store, newest(store)).started.parameters == started.parameters


def test_a_run_that_failed_fails_again_and_what_it_made_is_compared(store: DirectoryStore) -> None:
    run_id = run(store, "--fails", "true", code=1)
    answer = rerun(store, run_id, code=1)
    assert "all identical (" in answer.stdout
    assert f"rerun:     dockerflow rerun Again/{run_id} --store" in answer.stdout
    answer = rerun(store, run_id, "--param", "fails=false", code=11)
    assert ["join", "(the", "task)", "differs", "failed", "succeeded"] in [
        s.split() for s in answer.stdout.splitlines()
    ]
    assert ["end", "(the", "task)", "only", "in", "the", "second", "succeeded"] in [
        line.split() for line in answer.stdout.splitlines()
    ]


def test_json_on_stdout_is_all_there(store: DirectoryStore) -> None:
    run_id = run(store)
    answer = rerun(store, run_id, "--json", "-", "--quiet")
    assert report(answer)["identical"] is True
    assert "begins, as run" in answer.stderr


def test_a_report_that_finds_no_room_at_the_end_can_be_had_again(store: DirectoryStore) -> None:
    first = run(store)
    answer = rerun(store, first, "--json", "/dev/full", "--quiet", code=2)
    again = f"dockerflow diff Again/{first} Again/{newest(store)} --store {store.root}"
    assert answer.stderr.endswith(
        "error: the report cannot be written to `/dev/full`: No space left on device\n\n"
        f"hint: both runs are in the store: `{again}` compares them\n"
    )


def test_code_that_another_dockerflow_packed_runs_with_the_runtime_of_this_one(store: DirectoryStore) -> None:
    from tests.unit.store.code_packages import with_another_runtime  # noqa: PLC0415

    run_id = with_another_runtime(store, "Again", run(store))
    answer = rerun(store, run_id)
    assert "code: the same, with the runtime of dockerflow 0.1.0 in place of 0.0.9\n" in answer.stdout


# ---- what is refused


REFUSED = [
    (
        ["Again/{id}/join"],
        (2, "`Again/{id}/join` names more than a run"),
        "`dockerflow rerun Again/{id} --from join` runs it again from that step on",
    ),
    (["Again/{id}", "--from", "joint"], (8, "there is no step `joint` in run `Again/{id}`"), "did you mean `join`?"),
    (
        ["Again/{id}", "--param", "coun=3"],
        (2, "flow `Again` has no parameter `coun`"),
        "did you mean `--param count=…`?",
    ),
    (
        ["Again/{id}", "--param", "count"],
        (2, "`--param count` gives no parameter a value"),
        "write `--param NAME=VALUE`",
    ),
    (
        ["Again/{id}", "--json", "no/such/file"],
        (2, "the report cannot be written to `no/such/file`: there is no such folder"),
        "name another file",
    ),
    (["Agein/{id}"], (8, "there is no flow `Agein` in the store `{store}`"), "did you mean `Again`?"),
]


def test_what_cannot_be_run_again_is_said(store: DirectoryStore) -> None:
    run_id = run(store)
    names = {"id": run_id, "store": str(store.root)}
    for words, (code, error), hint in REFUSED:
        answer = dockerflow("rerun", *(word.format(**names) for word in words), cwd=store.root.parent)
        assert answer == Answer(code, "", f"error: {error.format(**names)}\n\nhint: {hint.format(**names)}\n")
    answer = rerun(store, run_id, "--param", "count=many", code=3)
    assert "parameter `count`" in answer.stderr
    assert newest(store) == run_id


def test_code_that_is_lost_is_said(store: DirectoryStore) -> None:
    run_id = run(store)
    started = read(store, run_id).started
    assert started is not None
    store.blobs.delete([started.code])
    answer = rerun(store, run_id, code=7)
    assert f"the code of run `Again/{run_id}` is lost: blob `{started.code}` is not in" in answer.stderr


def test_a_run_whose_journal_a_power_cut_has_emptied_has_no_beginning(store: DirectoryStore) -> None:
    run_id = run(store)
    (segment,) = (store.root / "runs" / "Again" / run_id / "journal").iterdir()
    segment.write_bytes(b"")
    pathspec = f"Again/{run_id}"
    for words in (("rerun", f"{pathspec}/"), ("inspect", pathspec), ("diff", pathspec, pathspec)):
        answer = dockerflow(*words, cwd=store.root.parent)
        assert answer.code == 7, answer
        assert answer.stderr.startswith(f"error: run `{pathspec}` has no beginning that could be read\n\nhint: a power")
        assert answer.stderr.endswith("`dockerflow runs list` lists more\n")
