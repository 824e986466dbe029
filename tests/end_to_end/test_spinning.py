"""`dockerflow spin`: one step again on past inputs, with the code as it is now, without a run."""

from __future__ import annotations

import os
import re

import pytest

FLOW = """
from dockerflow import FlowSpec, Parameter, conda, step


class Prices(FlowSpec):
    rate = Parameter("rate", default=0)

    @step
    def start(self):
        self.prices = [6, 8]
        self.next(self.convert, foreach="prices")

    @conda(libraries={"pandas": "1.5.3"})
    @step
    def convert(self):
        import pandas

        print("converting", self.input)
        self.version = pandas.__version__
        self.price = self.input / self.rate
        self.next(self.total)

    @step
    def total(self, inputs):
        self.total_price = sum(each.price for each in inputs)
        self.next(self.end)

    @step
    def end(self):
        print(self.total_price)
"""
MENDED = FLOW.replace("self.input / self.rate", "self.input / (self.rate or 2)")


def run_of(done):
    return re.search(r"(Prices|Halves)/\d+", done.stdout).group()


@pytest.mark.parametrize("place", ["folder", "bucket"])
def test_the_step_that_failed_is_tried_with_the_file_that_was_mended(
    place, dockerflow, tmp_path, request, variables, monkeypatch
):
    if place == "bucket":
        request.getfixturevalue("use_bucket")(request.getfixturevalue("minio_bucket"))
        for name in [name for name in os.environ if name.startswith("DOCKERFLOW_")]:
            monkeypatch.setitem(variables, name, os.environ[name])
    flow = tmp_path / "prices.py"
    flow.write_text(FLOW)
    run = run_of(dockerflow("run", flow, "--max-workers", 1, code=1))

    again = dockerflow("spin", flow, "convert", code=1)
    assert f"step `convert` on the inputs of {run}/convert/2" in again.stderr
    assert "ZeroDivisionError: division by zero" in again.stderr
    assert re.search(r"^converting 6$", again.stdout, re.MULTILINE)
    assert re.search(r"version +str .* same$", again.stdout, re.MULTILINE)

    flow.write_text(MENDED)
    mended = dockerflow("spin", flow, "convert", "--from", run)
    assert re.search(r"price +float .* 3\.0 +new$", mended.stdout, re.MULTILINE)
    assert re.search(r"version +str .* '1\.5\.3' +same$", mended.stdout, re.MULTILINE)
    assert "step `convert` done in " in mended.stdout
    assert "; `total` would follow" in mended.stdout
    listed = dockerflow("runs", "list").stdout
    assert listed.count("Prices/") == 1
    assert "failed" in listed


@pytest.fixture
def process(dockerflow, tmp_path):
    """The flow's mended file without a library, which ran in processes; `spin` with these words."""
    flow = tmp_path / "prices.py"
    flow.write_text(re.sub(r".*pandas.*\n", "", MENDED))
    run = run_of(dockerflow("run", flow, "--engine", "process"))
    return flow, run, lambda *words, code=0: dockerflow("spin", flow, *words, "--engine", "process", code=code)


def test_a_step_is_spun_for_the_task_that_is_named(process, tmp_path):
    _, run, spin = process
    assert "converting 6" in spin("convert").stdout
    assert "converting 8" in spin("convert", "--index", 1).stdout
    assert "converting 8" in spin(f"{run}/convert/3").stdout
    assert "converting 8" in spin(run.partition("/")[2] + "/convert/3").stdout
    assert re.search(r"total_price +float .* 7\.0 +same$", spin("total").stdout, re.MULTILINE)
    (tmp_path / "changed.py").write_text("ARTIFACTS = {'total_price': 41, 'more': [1]}\n")
    assert re.search(r"^41$", spin("end", "--artifacts-module", "changed.py").stdout, re.MULTILINE)


def test_a_step_that_no_run_had_gets_what_those_before_it_left(process):
    flow, run, spin = process
    text = flow.read_text().replace("self.next(self.end)", "self.next(self.taxed)")
    flow.write_text(
        text + "\n    @step\n    def taxed(self):\n        self.tax = self.total_price * 2\n"
        "        self.next(self.end)\n"
    )
    done = spin("taxed")
    assert f"step `taxed` after total/4 of {run}" in done.stderr
    assert re.search(r"tax +float .* 14\.0", done.stdout)
    assert "; `end` would follow" in done.stdout
    assert "converting 8" in spin("convert", "--from", f"{run}/start/1", "--index", 1).stdout


HALVES = """
from dockerflow import FlowSpec, step

class Halves(FlowSpec):
    @step
    def start(self):
        self.numbers = [2, 0]
        self.next(self.half, foreach="numbers")

    @step
    def half(self):
        self.value = 1 / self.input
        self.next(self.join)

    @step
    def join(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        pass
"""


def test_a_join_says_whose_results_it_lacks(dockerflow, tmp_path):
    """It may well be wanted, and must not be taken for the whole."""
    flow = tmp_path / "halves.py"
    flow.write_text(HALVES)
    run = run_of(dockerflow("run", flow, "--engine", "process", "--max-workers", "1", code=1))
    for words in ((), ("--from", f"{run}/half")):
        said = dockerflow("spin", flow, "join", "--engine", "process", *words).stderr
        assert f"step `join` after half/2 of {run}, without half/3, which did not succeed" in said


MISTAKES = [
    (("nothing",), "there is no step `nothing` in flow `Prices`"),
    (("convert", "--index", 2), "has no task of step `convert` with index 2"),
    (("convert", "--from", "Prices/1"), "there is no run `1` in flow `Prices`"),
    (("Prices/1",), "`Prices/1` names no step"),
    (("Prices/1/convert", "--from", "1"), "both say whose inputs"),
    (("end", "--artifacts-module", "nothing.py"), "`nothing.py` does not exist"),
    (("start", "--artifacts-module", "prices.py"), "has no dictionary ARTIFACTS"),
    (("convert", "--host", "nowhere"), "`--engine process` and `--host` exclude each other"),
]


def test_what_cannot_be_spun_is_told(process):
    _, _, spin = process
    for words, said in MISTAKES:
        done = spin(*words, code=8 if said.startswith("there is no") else 2)
        assert said in done.stderr
        assert "Traceback" not in done.stderr
