"""A scheduler killed with SIGKILL at many moments: what it leaves must be readable, and the next run must work."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from dockerflow.client import Run
from dockerflow.store import history, journal, log, runs
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.history import RunHistory

FLOW = """
import time
from dockerflow import FlowSpec, step

class Killed(FlowSpec):
    @step
    def start(self):
        self.xs = list(range(30))
        self.large = bytes(200_000)
        self.next(self.work, foreach="xs")

    @step
    def work(self):
        self.y = self.input
        self.block = bytes([self.input]) * 100_000
        print("line", self.y)
        self.next(self.join)

    @step
    def join(self, inputs):
        self.ys = [task.y for task in inputs]
        self.next(self.end)

    @step
    def end(self):
        pass
"""

LAUNCH = """
import sys
from pathlib import Path
from dockerflow.config import load_config
from dockerflow.flow.loading import load
from dockerflow.scheduler.launch import RunRequest, launch
from dockerflow.store.directory import DirectoryStore

folder = Path(sys.argv[1])
store, flow = DirectoryStore(folder / ".dockerflow"), load(folder / "flow.py")
outcome = launch(RunRequest(flow, {}, load_config(folder), store, "ada", max_workers=2, engine="process"))
sys.exit(outcome.status != "succeeded")
"""


def start(folder: Path, flow: str = FLOW) -> subprocess.Popen:
    (folder / "flow.py").write_text(textwrap.dedent(flow))
    return subprocess.Popen([sys.executable, "-c", LAUNCH, str(folder)], start_new_session=True)


def kill(child: subprocess.Popen) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(child.pid, signal.SIGKILL)
    child.wait()


def wait_for_records(store: DirectoryStore, child: subprocess.Popen, count: int) -> RunHistory | None:
    """Wait until a new run's journal has `count` records, and return what it told then; None if it ended before."""
    known = set(runs.run_ids(store, "Killed"))
    while child.poll() is None:
        for run_id in runs.run_ids(store, "Killed"):
            if run_id not in known and len(journal.read(store, "Killed", run_id)) >= count:
                return history.read(store, "Killed", run_id)
    return None


def check_readable(store: DirectoryStore) -> list[str]:
    """Read everything that the store names; returns the status of every run."""
    for blob in (store.root / "blobs").glob("??/*"):
        store.blobs.verify(blob.name)
    found = []
    for run_id in runs.run_ids(store, "Killed"):
        past = history.read(store, "Killed", run_id)
        found.append(history.status_now(store, "Killed", run_id, past))
        for task in past.tasks.values():
            result = task.result
            if result is not None and result.manifest is not None:
                assert store.blobs.has(result.manifest)
    return found


@pytest.mark.parametrize("seed", range(4))
def test_the_store_is_readable_whenever_the_scheduler_was_killed(seed, tmp_path):
    """At random moments: while it starts, runs tasks, writes its journal, ends."""
    rng = random.Random(seed)
    store = DirectoryStore(tmp_path / ".dockerflow")
    for _ in range(5):
        child = start(tmp_path)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(timeout=rng.uniform(0.2, 1.5))
        kill(child)
        check_readable(store)
    assert start(tmp_path).wait(timeout=60) == 0
    statuses = check_readable(store)
    assert statuses[0] == "succeeded"
    assert set(statuses) <= {"succeeded", "killed"}


@pytest.mark.parametrize("records", [1, 4, 20, 60])
def test_what_the_journal_told_before_the_kill_is_there_after_it(records, tmp_path):
    """In the middle of the run, by what its journal holds: every task that had ended has its result and its log."""
    store = DirectoryStore(tmp_path / ".dockerflow")
    child = start(tmp_path)
    before = wait_for_records(store, child, records)
    kill(child)
    assert before is not None, "the run ended before it could be killed"
    (run_id,) = runs.run_ids(store, "Killed")
    while runs.is_alive(store, "Killed", run_id):
        pass  # a process that the scheduler had just forked shares its lock until it is another program
    after = history.read(store, "Killed", run_id)
    for task_id, task in before.tasks.items():
        if task.result is not None:
            assert after.tasks[task_id].result == task.result
            assert store.blobs.has(task.result.manifest)
            if task.created.step == "work":
                number = after.tasks[task_id].created.foreach[-1][2]
                printed = list(log.of_attempt(store, "Killed", run_id, task_id, task.attempts[-1]))
                assert [line.text for line in printed] == [f"line {number}"]
    assert check_readable(store) == ["killed"]


def test_what_a_task_had_printed_outlives_its_scheduler(tmp_path):
    store = DirectoryStore(tmp_path / ".dockerflow")
    child = start(tmp_path, FLOW.replace('print("line", self.y)', 'print("line", self.y, flush=True); time.sleep(600)'))
    printed: list = []
    while not printed:
        assert child.poll() is None
        for run_id in runs.run_ids(store, "Killed"):
            for task in history.read(store, "Killed", run_id).tasks.values():
                for attempt in task.attempts[-1:]:
                    printed += log.of_attempt(store, "Killed", run_id, task.created.task_id, attempt)
    kill(child)
    tasks = Run(f"Killed/{run_id}", store=store, _namespace_check=False)["work"]
    assert "line" in "".join(task.stdout for task in tasks)
