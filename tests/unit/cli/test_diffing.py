"""`diff`: what it says of two runs, and what it exits with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dockerflow.cli.errors import DIFFERENT
from dockerflow.store.directory import create
from tests.unit.cli.commands import Answer, dockerflow, refused

FLOW = """
from dockerflow import FlowSpec, IncludeFile, Parameter, step


class Fit(FlowSpec):
    text = IncludeFile("text", default="data.txt")
    depth = Parameter("depth", default=3)
    wide = Parameter("wide", default=8)

    @step
    def start(self):
        import numpy

        self.folds = list(range(self.wide))
        self.weights = numpy.arange(6.0).reshape(2, 3)
        self.weights[1, 1] = self.depth
        self.model = Model(self.depth)
        self.next(self.fit, foreach="folds")

    @step
    def fit(self):
        self.score = self.depth + self.input
        self.next(self.join)

    @step
    def join(self, inputs):
        self.same = "same"
        if self.depth == 7:
            raise ValueError("asked to fail")
        self.next(self.end)

    @step
    def end(self):
        if self.depth == 5:
            self.extra = 1


class Model:
    def __init__(self, depth):
        self.depth = depth
        self.name = "m"
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """Runs of a flow whose file and parameters change: with 3, with 5 and other files, with 7, which fails."""
    folder = tmp_path_factory.mktemp("lab")
    create(folder)
    (folder / "fit.py").write_text(FLOW)
    (folder / "data.txt").write_text("one\ntwo\n")
    words = ("run", "fit.py", "--engine", "process")
    assert dockerflow(*words, cwd=folder).code == 0
    (folder / "fit.py").write_text(FLOW.replace('"same"', '"other"'))
    (folder / "data.txt").write_text("one\nthree\n")
    (folder / "helper.py").write_text("X = 1\n")
    assert dockerflow(*words, "--depth", "5", "--with", "retry", cwd=folder).code == 0
    assert dockerflow(*words, "--depth", "7", cwd=folder, DOCKERFLOW_USER="bob").code == 1
    listed = json.loads(dockerflow("runs", "list", "--json", cwd=folder).stdout)
    return folder, [line["run"] for line in reversed(listed)]


def test_a_run_is_the_same_as_itself(lab: tuple[Path, list[str]]) -> None:
    folder, runs = lab
    answer = dockerflow("diff", runs[0], runs[0].partition("/")[2], cwd=folder)
    assert (answer.code, answer.stderr) == (0, "")
    assert answer.lines[:14] == [
        f"{runs[0]} → {runs[0]}", "", "run: the same", "", "code: the same", "", "parameters: the same", "",
        "locks: none: no step has one", "", "images: none: all steps ran as processes", "",
        "artifacts: all identical, 12 artifacts", "",
    ]  # fmt: skip


def test_every_part_tells_what_differs(lab: tuple[Path, list[str]]) -> None:
    folder, runs = lab
    answer = dockerflow("diff", runs[0], runs[1], "--only", "code,parameters,artifacts", cwd=folder)
    assert (answer.code, answer.stderr) == (DIFFERENT, "")
    lines = [" ".join(line.split()) for line in answer.lines]
    assert [line for line in lines if line.startswith(("code", "--with", "+ helper", "-  ", "+  ", "parameters"))] == [
        "code: 2 files of 2 differ, the command line added something else",
        "--with nothing → retry",
        "+ helper.py: only in the second, 1 line",
        "parameters: 2 of 3 differ",
    ]
    assert '  -        self.same = "same"' in answer.lines
    assert '  +        self.same = "other"' in answer.lines
    assert lines[lines.index("parameters: 2 of 3 differ") + 1 :] == [
        "depth 3 → 5 (+2)", "text 8 → 10 characters", "@@ -1,2 +1,2 @@", "one", "-two", "+three", "",
        "artifacts: 12 differences in 13 artifacts",
        "start model .depth: 3 → 5 (+2)",
        "start weights shape (2, 3), float64: 1 of 6 items differs, by 2 at most",
        *(f"fit[{fold}] score {fold + 3} → {fold + 5} (+2)" for fold in range(5)),
        "join same 'same' → 'other'",
        "end extra only in the second: int",
        "fit[…] score and in 3 tasks more: `--all` tells of each",
    ]  # fmt: skip


def test_of_a_run_that_failed_it_says_where(lab: tuple[Path, list[str]]) -> None:
    folder, runs = lab
    answer = dockerflow("diff", runs[1], runs[2], cwd=folder)
    lines = [" ".join(line.split()) for line in answer.lines]
    assert answer.code == DIFFERENT
    assert {"status succeeded → failed", "user ada → bob", "join succeeded → failed"} <= {*lines}
    assert "end only the first has the task" in lines
    assert any(line.startswith("end 1 → 0 ") for line in lines)


def test_json_has_every_part(lab: tuple[Path, list[str]]) -> None:
    folder, runs = lab
    answer = dockerflow("diff", runs[0], runs[1], "--json", "--all", cwd=folder)
    found = json.loads(answer.stdout)
    assert (answer.code, found["first"], found["second"], found["same"]) == (DIFFERENT, *runs[:2], False)
    parts = ["code", "parameters", "locks", "images", "artifacts"]
    assert [found[part]["same"] for part in parts] == [False, False, True, True, False]
    assert found["code"]["files"] == {"fit.py": "differs", "helper.py": "only in the second"}
    assert found["parameters"]["parameters"]["depth"] == {"text": "3 → 5 (+2)", "values": [3, 5], "difference": 2}
    by_name = {(each["step"], each["artifact"]): each for each in found["artifacts"]["differences"]}
    assert by_name["start", "weights"]["difference"] == {
        "shapes": [[2, 3], [2, 3]], "dtypes": ["float64", "float64"], "differing": 1, "largest": 2.0
    }  # fmt: skip
    assert len([each for each in found["artifacts"]["differences"] if each["artifact"] == "score"]) == 8
    assert list(found["timings"]["steps"]) == ["start", "fit", "join", "end", "(the run)"]


def test_artifacts_are_chosen_by_name(lab: tuple[Path, list[str]]) -> None:
    folder, runs = lab
    answer = dockerflow("diff", *runs[:2], "--artifacts", "start.weights,join.smae", cwd=folder)
    assert answer.lines[2].startswith(
        "artifacts: 1 difference in 1 artifact; no task has `join.smae`, did you mean `join.same`?"
    )
    assert len(answer.lines) == 4
    answer = dockerflow("diff", *runs[:2], "--artifacts", "fit.weights", "--json", cwd=folder)
    found = json.loads(answer.stdout)["artifacts"]
    assert found["compared"] == found["different"] > 1, "what a step was only passed is compared when it is asked for"


def test_values_of_processes_have_no_image_to_be_seen_in(lab: tuple[Path, list[str]]) -> None:
    folder, runs = lab
    answer = dockerflow("diff", *runs[:2], "--artifacts", "model", "--in-image", cwd=folder)
    assert "  start  model  .depth: 3 → 5 (+2)" in answer.lines
    assert "(not looked at in its image: step `Fit/" in answer.stdout


def test_a_run_of_another_store_is_named_with_it(lab: tuple[Path, list[str]], tmp_path: Path) -> None:
    folder, runs = lab
    other = create(tmp_path)
    assert dockerflow("store", "copy", str(folder / ".dockerflow"), other.name, runs[1], cwd=folder).code == 0
    answer = dockerflow("diff", runs[1], runs[1], "--other-store", other.name, cwd=folder)
    assert (answer.code, answer.stderr) == (0, "")
    answer = dockerflow("diff", runs[0], runs[1], "--other-store", "nowhere", cwd=folder)
    assert answer == Answer(
        7, "", f"error: there is no store at `{folder}/nowhere`\n\nhint: it was named by `--other-store`\n"
    )


def test_lost_code_is_told_and_the_rest_is_compared(lab: tuple[Path, list[str]], tmp_path: Path) -> None:
    folder, runs = lab
    copied = create(tmp_path)
    assert dockerflow("store", "copy", str(folder / ".dockerflow"), copied.name, cwd=folder).code == 0
    for blob in [each.sha256 for each in copied.blobs.every() if each.size > 100_000]:
        copied.blobs.delete([blob])
    answer = dockerflow("diff", *runs[:2], cwd=tmp_path)
    assert answer.code == 7
    assert answer.stderr.startswith(f"error: the code of run `{runs[0]}` is lost: ")
    assert answer.stderr.endswith("hint: compare the others: `--only parameters,locks,images,artifacts`\n")
    assert dockerflow("diff", *runs[:2], "--only", "parameters,locks,images,artifacts", cwd=tmp_path).code == DIFFERENT


def test_what_cannot_be_compared_is_refused(lab: tuple[Path, list[str]]) -> None:
    folder, runs = lab
    run_id = runs[0].partition("/")[2]
    for words, code, error, hint in [
        (("Fit", run_id), 2, "`Fit` is a flow, and names no run", f"the newest is `{runs[-1]}`"),
        ((f"{runs[0]}/start", run_id), 2, f"`{runs[0]}/start` names no run",
         f"write `Flow/ID`, or the run's ID alone; `{runs[0]}` is the run"),
        (("Fti/1", run_id), 8, f"there is no flow `Fti` in the store `{folder}/.dockerflow`", "did you mean `Fit`?"),
        ((*runs[:2], "--only", "lock"), 2, "`lock` is no part of what is compared", "did you mean `locks`?"),
        ((*runs[:2], "--only", "code", "--all"), 2, "`--all` is about artifacts, which `--only` leaves out",
         "leave one of the two out"),
    ]:  # fmt: skip
        refused("diff", *words, code=code, error=error, hint=hint, cwd=folder)
    assert dockerflow("diff", runs[0], "17", cwd=folder).code == 8
