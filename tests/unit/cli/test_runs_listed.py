"""`runs list` over runs as the scheduler leaves them, also when it was killed; by parameters and results."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from dockerflow.store import runs
from dockerflow.store.directory import DirectoryStore, create
from dockerflow.store.journal import JournalWriter
from dockerflow.store.records import RunFinished, RunStarted
from tests.unit.cli.commands import Answer, dockerflow, refused
from tests.unit.client.runs_by_hand import FLOW, RunByHand


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    return create(tmp_path)


def listed(store: DirectoryStore) -> dict[str, str]:
    """The status of each run, by its id."""
    answer = dockerflow("runs", "list", "--json", cwd=store.root.parent)
    assert (answer.code, answer.stderr) == (0, "")
    return {line["run"].partition("/")[2]: line["status"] for line in json.loads(answer.stdout)}


def test_a_run_that_never_began_is_not_listed(store: DirectoryStore) -> None:
    runs.new_run_id(store, FLOW)
    begun = RunByHand(store, runs.new_run_id(store, FLOW))
    begun.finish()
    assert listed(store) == {begun.run_id: "succeeded"}


def test_a_run_is_running_while_its_scheduler_lives_and_killed_then(store: DirectoryStore) -> None:
    run = RunByHand(store, runs.new_run_id(store, FLOW))
    with runs.hold(store, FLOW, run.run_id):
        assert listed(store) == {run.run_id: "running"}
    assert listed(store) == {run.run_id: "killed"}


# ---- by parameters and results

TUNE = """
from dockerflow import FlowSpec, Parameter, step


class Tune(FlowSpec):
    depth = Parameter("depth", type=int, default=3)
    kind = Parameter("kind", default="forest")

    @step
    def start(self):
        self.next(self.fit, foreach="folds")

    folds = (1, 2)

    @step
    def fit(self):
        self.score = self.depth / 10 + self.input / 100
        self.next(self.join)

    @step
    def join(self, inputs):
        self.accuracy = max(each.score for each in inputs)
        self.best = self.depth if self.depth > 5 else None
        self.weights = bytes(20_000)
        assert self.depth < 9
        self.next(self.end)

    @step
    def end(self):
        self.note = "two\\nlines"
"""

RUNS = (("ada", 3, "forest"), ("bob", 7, "tree"), ("ada", 5, "forest"), ("eve", 9, "tree"))


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four runs of three people, of which the last has failed."""
    folder = tmp_path_factory.mktemp("lab")
    (folder / "tune.py").write_text(TUNE)
    create(folder)
    for user, depth, kind in RUNS:
        words = ("--depth", str(depth), "--kind", kind, "--tag", f"of {user}")
        dockerflow("run", "tune.py", "--engine", "process", *words, cwd=folder, DOCKERFLOW_USER=user)
    return folder


def asked(lab: Path, *words: str) -> list[int]:
    """The depths of the runs that are listed."""
    answer = dockerflow("runs", "list", "--json", "--columns", "depth", *words, cwd=lab)
    assert (answer.code, answer.stderr) == (0, "")
    return [line["columns"]["depth"] for line in json.loads(answer.stdout)]


@pytest.mark.parametrize(
    ("words", "depths"),
    [
        ([], [9, 5, 7, 3]),
        (["--sort", "depth"], [3, 5, 7, 9]),
        (["--sort", "-accuracy"], [7, 5, 3, 9]),
        (["--sort", "accuracy", "--limit", "2"], [3, 5]),
        (["--limit", "1"], [9]),
        (["--status", "failed"], [9]),
        (["--status", "failed", "--status", "running"], [9]),
        (["--user", "ada"], [5, 3]),
        (["--tag", "of bob"], [7]),
        (["--tag", "user:bob", "--tag", "of bob"], [7]),
        (["--since", "1h", "--flow", "Tune"], [9, 5, 7, 3]),
        (["--since", "2999-01-01"], []),
        (["--where", "accuracy > 0.5"], [5, 7]),
        (["--where", "accuracy>0.5", "--where", "kind = forest"], [5]),
        (["--where", "kind ~ ore", "--where", "user = ada"], [5, 3]),
        (["--where", "fit.score > 0.9"], [9]),
        (["--where", "best = none"], [5, 3]),
        (["--where", "best != none"], [7]),
        (["--where", "tags ~ 'of eve'"], [9]),
        (["--where", "weights != 0"], [5, 7, 3]),
        (["--where", "start.kind = tree"], [9, 7]),
    ],
)
def test_runs_are_chosen_by_what_they_were_given_and_what_came_out(
    lab: Path, words: list[str], depths: list[int]
) -> None:
    listed = asked(lab, *words)
    assert listed == depths if {"--sort", "--limit"} & {*words} else sorted(listed) == sorted(depths)


def test_a_table_shows_what_is_asked_for(lab: Path) -> None:
    columns = "accuracy,fit.score,note,weights,best,duration,user"
    answer = dockerflow("runs", "list", "--columns", columns, "--sort", "-accuracy", cwd=lab)
    title, first, *_, failed = answer.lines
    assert title.split()[-7:] == ["tags", "accuracy", "fit.score", "note", "weights", "best", "duration"]
    assert " of bob  0.72      0.71, 0.72  'two\\nlines'  <bytes, 20 kB>  7 " in first
    assert "  failed  " in failed
    assert "0.91, 0.92" in failed
    assert answer.stderr == ""


def test_csv_is_what_a_spreadsheet_reads(lab: Path) -> None:
    answer = dockerflow("runs", "list", "--csv", "--columns", "depth,accuracy,note", "--sort", "depth", cwd=lab)
    rows = list(csv.DictReader(io.StringIO(answer.stdout)))
    assert [(row["user"], row["depth"], row["accuracy"], row["note"], row["tags"]) for row in rows[::3]] == [
        ("ada", "3", "0.32", "two\nlines", "of ada"),
        ("eve", "9", "", "", "of eve"),
    ]


def test_a_name_that_no_run_has_is_told(lab: Path) -> None:
    for words, said in {
        (
            "--where",
            "acuracy > 1",
        ): "none of 4 runs is so\nnote: none of these runs has `acuracy`; did you mean `accuracy`?\n",
        ("--columns", "fti.score", "--csv"): "note: none of these runs has `fti.score`; did you mean `fit.score`?\n",
        ("--columns", "fit.scroe", "--csv"): "note: none of these runs has `fit.scroe`; did you mean `fit.score`?\n",
    }.items():
        answer = dockerflow("runs", "list", *words, cwd=lab)
        assert (answer.code, answer.stderr) == (0, said)


def test_what_cannot_be_asked_is_refused(tmp_path: Path) -> None:
    words = "write `NAME OPERATOR VALUE`, as `accuracy > 0.9`; operators are `=`, `!=`, `<`, `<=`, `>`, `>=` and `~`"
    for option, error, hint in [
        (("--where", "x"), "`x` is no condition: there is no operator at its end", words),
        (("--status", "faild"), "`faild` is no status of a run", "did you mean `failed`?"),
        (("--json", "--csv"), "`--json` and `--csv` are two forms of one list", "leave one of them out"),
    ]:
        refused("runs", "list", *option, code=2, error=error, hint=hint, cwd=tmp_path)
    answer = dockerflow("runs", "list", "--since", "monday", cwd=tmp_path)
    assert answer.code == 2
    assert answer.stderr.startswith("error: `monday` is no time, which `--since` needs\n")
    assert dockerflow("runs", "list", "--columns", "a b", cwd=tmp_path).code == 2


def test_a_run_whose_results_are_lost_is_listed(store: DirectoryStore) -> None:
    run = RunByHand(store, runs.new_run_id(store, FLOW))
    run.create("end", "1")
    run.attempt("end", "1", {"accuracy": 1})
    run.finish()
    store.blobs.delete([each.sha256 for each in store.blobs.every()])
    answer = dockerflow("runs", "list", "--columns", "accuracy", cwd=store.root.parent)
    assert (answer.code, len(answer.lines)) == (0, 2)
    assert answer.stderr.startswith(f"note: results of `{FLOW}/{run.run_id}` cannot be read: ")


def test_the_reruns_of_a_run_are_found(store: DirectoryStore) -> None:
    RunByHand(store, runs.new_run_id(store, FLOW)).finish()
    again = runs.new_run_id(store, FLOW)
    journal = JournalWriter(store, FLOW, again)
    journal.append(RunStarted(1.0, FLOW, again, "anna", "", "", (), reproduces="17"))
    journal.append(RunFinished(2.0, "succeeded"))
    journal.close()
    answer = dockerflow("runs", "list", "--where", "reproduces = 17", "--columns", "reproduces", cwd=store.root.parent)
    assert (answer.code, answer.stderr, len(answer.lines)) == (0, "", 2)
    assert answer.lines[1].split()[0] == f"{FLOW}/{again}"


def test_a_damaged_journal_keeps_nobody_from_the_other_runs(store: DirectoryStore) -> None:
    whole, damaged = (RunByHand(store, runs.new_run_id(store, FLOW)) for _ in range(2))
    whole.finish()
    damaged.finish()
    for path in (store.root / "runs" / FLOW / damaged.run_id / "journal").iterdir():
        path.write_bytes(b'["RunStarted", nonsense\n')
    answer = dockerflow("runs", "list", "--json", cwd=store.root.parent)
    assert answer.code == 0
    assert [line["run"] for line in json.loads(answer.stdout)] == [f"{FLOW}/{whole.run_id}"]
    assert answer.stderr.startswith(f"note: run `{FLOW}/{damaged.run_id}` is not listed: ")


def test_a_store_without_runs_has_none_to_list(tmp_path: Path) -> None:
    answer = dockerflow("runs", "list", "--where", "accuracy > 1", cwd=tmp_path)
    assert answer == Answer(0, "", f"no runs in {tmp_path}/.dockerflow\n")
