"""Steps with `@cache` in containers: what runs again after a change, what does not, and what is said of it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from dockerflow.cards import get_cards
from tests.object_servers import Bucket, UseBucket

FLOW = """
from dockerflow import Config, FlowSpec, Parameter, cache, card, catch, conda, environment, step

import helpers


class Cached(FlowSpec):
    alpha = Parameter("alpha", default=1)
    beta = Parameter("beta", default=1)
    settings = Config("settings", default_value='{"depth": 1}')

    @cache
    @step
    def start(self):
        self.xs = [1, 2]
        self.large = b"x" * 100_000
        self.next(self.work, foreach="xs")

    @card
    @cache
    @catch(var="failed")
    @conda(libraries={"packaging": "23.2"})
    @environment(vars={"MODE": "slow"})
    @step
    def work(self):
        self.y = helpers.double(self.input) * self.alpha
        if self.input == self.beta - 10:
            raise ValueError("as asked")
        self.next(self.join)

    @step
    def join(self, inputs):
        self.ys = [each.y for each in inputs]
        self.next(self.end)

    @cache
    @step
    def end(self):
        self.over = self.ys[0]
"""
HELPERS = "def double(x):\n    return 2 * x\n"

# What is said of a task: `work/3 cache hit: …`.
TOLD = re.compile(r"/(\w+)/\d+\] cache (hit|miss): (.*)")

Told = dict[str, str]  # of each step: `hit`, or why it was missed


class Project:
    """A user's folder. `run` returns what was said of each step's tasks, once where it is the same for all of them."""

    def __init__(self, folder: Path, variables: Mapping[str, str]) -> None:
        self.folder, self._variables = folder, variables
        self.flow, self.helpers = FLOW, HELPERS

    def command(self, *words: str) -> str:
        done = subprocess.run(
            [Path(sys.executable).with_name("dockerflow"), *words],
            cwd=self.folder,
            env=self._variables,
            capture_output=True,
            text=True,
            timeout=240,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    def run(self, *words: str) -> Told:
        (self.folder / "flow.py").write_text(self.flow)
        (self.folder / "helpers.py").write_text(self.helpers)
        self.said = self.command("run", "flow.py", "--explain-cache", "--run-id-file", "id", *words)
        found: dict[str, set[str]] = {}
        for step, what, why in TOLD.findall(self.said):
            found.setdefault(step, set()).add(what if what == "hit" else why)
        return {step: " and ".join(sorted(each)) for step, each in found.items()}

    @property
    def run_id(self) -> str:
        return (self.folder / "id").read_text()


HITS = {"start": "hit", "work": "hit", "end": "hit"}


@pytest.fixture
def project(variables: Mapping[str, str], tmp_path: Path) -> Project:
    return Project(tmp_path, variables)


def test_what_has_changed_runs_again_and_nothing_else(project: Project, results) -> None:
    """One change after the other, as one works on a flow."""

    def changed(old: str, new: str) -> None:
        assert old in project.flow
        project.flow = project.flow.replace(old, new)

    first = project.run()
    assert first == dict.fromkeys(HITS, "there is no earlier result to compare with")
    origin = project.run_id
    assert project.run("--max-workers", "1", "--tag", "later") == HITS
    assert "4 of 5 tasks were taken from the cache" in project.said
    run = results.Run(f"Cached/{project.run_id}", _namespace_check=False)
    assert run["end"].task.origin_pathspec == f"Cached/{origin}/end/5"
    assert run["join"].task.origin_pathspec is None
    assert (run.data.over, [task.data.failed for task in run["work"]]) == (2, [None, None])
    (page,) = get_cards(run["work"].task)
    assert "work" in page.get()
    changed("self.ys = ", "# in the same order\n        self.ys = ")
    project.flow = f"# a comment\n{project.flow}"
    project.helpers = f"# a comment\n{HELPERS}"
    changed('Parameter("alpha", default=1)', 'Parameter("alpha", default=5)')
    assert project.run("--alpha", "1", "--with", "retry:times=1") == HITS

    assert project.run("--alpha", "1", "--beta", "2") == {**HITS, "work": "parameters: `beta` differs"}
    assert project.run("--alpha", "3", "--beta", "2") == {
        "start": "hit", "work": "parameters: `alpha` differs", "end": "inputs: artifact `ys` of step `join` differs"
    }  # fmt: skip

    project.helpers = "def double(x):\n    return x + x\n"
    code = dict.fromkeys(HITS, "code: `helpers.py` differs")
    assert project.run("--alpha", "1") == code  # each can reach it
    changed('"packaging": "23.2"', '"packaging": "24.1"')
    assert project.run("--alpha", "1") == {**HITS, "work": "image: packaging 23.2 → 24.1"}
    changed('"MODE": "slow"', '"MODE": "fast"')
    assert project.run("--alpha", "1") == {**HITS, "work": "options: variable `MODE` of `@environment` differs"}
    changed("self.xs = [1, 2]", "self.xs = [1, 3]")
    assert project.run("--alpha", "1") == {
        "start": "code: step `start` differs",
        "work": "inputs: artifact `xs` of step `start` differs",
        "end": "inputs: artifact `ys` of step `join` differs",
    }


def test_a_failure_that_was_caught_is_not_reused(project: Project) -> None:
    project.run("--beta", "11")  # the first task fails
    assert project.run("--beta", "11") == {**HITS, "work": "hit and there is no earlier result to compare with"}


@pytest.fixture(params=["directory", "minio"])
def any_store(
    request: pytest.FixtureRequest, tmp_path: Path, variables: Mapping[str, str], use_bucket: UseBucket
) -> Mapping[str, str]:
    if request.param == "directory":
        return dict(variables)
    bucket: Bucket = request.getfixturevalue("minio_bucket")
    use_bucket(bucket)
    return dict(os.environ)


def test_a_hit_whose_blobs_are_gone_is_none_in_every_store(any_store: Mapping[str, str], tmp_path: Path) -> None:
    project = Project(tmp_path, any_store)
    project.run()
    first = project.run_id
    assert project.run("--tag", "good") == HITS
    second = project.run_id
    project.command("gc", f"Cached/{first}", "--delete", "--grace", "0")
    assert project.run() == dict.fromkeys(HITS, "the result is no longer in the store")
    assert project.command("dump", f"Cached/{second}/start")  # whoever has taken a result over keeps it
