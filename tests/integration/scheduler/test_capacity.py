"""Runs on hosts that have not room for everything at once."""

from __future__ import annotations

import os
import textwrap
from pathlib import Path

import pytest

from dockerflow import progress
from dockerflow.config import load_config
from dockerflow.engines.process import ProcessHost
from dockerflow.flow.loading import load
from dockerflow.scheduler.errors import RunError
from dockerflow.scheduler.launch import RunOutcome, RunRequest, launch
from dockerflow.store import journal
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.records import AttemptFinished, AttemptStarted

FLOW = """
from dockerflow import FlowSpec, resources, step

class Asking(FlowSpec):
    @step
    def start(self):
        self.xs = [1, 2, 3, 4]
        self.next(self.work, foreach="xs")

    @resources({resources})
    @step
    def work(self):
        self.next(self.join)

    @step
    def join(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        pass
"""


def run(folder: Path, resources: str, engine: str, notify: progress.Notify = progress.ignore) -> RunOutcome:
    file = folder / "flow.py"
    file.write_text(textwrap.dedent(FLOW.format(resources=resources)))
    store = DirectoryStore(folder / ".dockerflow")
    return launch(RunRequest(load(file), {}, load_config(folder), store, "ada", max_workers=4, engine=engine), notify)


def at_once(folder: Path, outcome: RunOutcome, step: str) -> int:
    """How many attempts of the step ran at the same time, by the journal."""
    running, most = 0, 0
    for record in journal.read(DirectoryStore(folder / ".dockerflow"), outcome.flow, outcome.run_id):
        if isinstance(record, (AttemptStarted, AttemptFinished)) and record.step == step:
            running += 1 if isinstance(record, AttemptStarted) else -1
            most = max(most, running)
    return most


@pytest.mark.parametrize("resources", ["memory={half}", "cpu={cpus}", "cpu=10_000"])
def test_tasks_that_need_more_than_half_of_the_host_run_one_after_the_other(tmp_path: Path, resources: str) -> None:
    half = (ProcessHost().memory >> 20) // 2 + 1
    outcome = run(tmp_path, resources.format(half=half, cpus=os.cpu_count()), "process")
    assert outcome.status == "succeeded"
    assert at_once(tmp_path, outcome, "work") == 1


def test_a_run_with_a_step_that_never_fits_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    told: list[progress.Event] = []
    with pytest.raises(
        RunError, match=r"step `work` \(.*flow.py:12\) asks for 900,000,000 MiB of memory, and the host"
    ):
        run(tmp_path, "memory=900_000_000", "docker", told.append)
    assert told == []
    assert DirectoryStore(tmp_path / ".dockerflow").children("runs") == []
