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

from dockerflow.store import history, runs
from dockerflow.store.directory import DirectoryStore

FLOW = """
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

folder = Path(sys.argv[1])
store, flow = folder / ".dockerflow", load(folder / "flow.py")
outcome = launch(RunRequest(flow, {}, load_config(folder), store, "ada", max_workers=2, engine="process"))
sys.exit(outcome.status != "succeeded")
"""


def start(folder: Path) -> subprocess.Popen:
    (folder / "flow.py").write_text(textwrap.dedent(FLOW))
    return subprocess.Popen([sys.executable, "-c", LAUNCH, str(folder)], start_new_session=True)


def kill_after(child: subprocess.Popen, seconds: float) -> None:
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(timeout=seconds)
    with contextlib.suppress(ProcessLookupError):
        os.kill(child.pid, signal.SIGKILL)
    child.wait()


def check_readable(store: DirectoryStore) -> list[str]:
    """Read everything that the store names; returns the status of every run."""
    for blob in (store.root / "blobs").glob("??/*"):
        store.blobs.verify(blob.name)
    found = []
    for run_id in runs.run_ids(store, "Killed"):
        past = history.read(store, "Killed", run_id)
        found.append(past.status)
        for task in past.tasks.values():
            result = task.result
            if result is not None and result.manifest is not None:
                assert store.blobs.has(result.manifest)
    return found


@pytest.mark.parametrize("seed", range(4))
def test_the_store_is_readable_whenever_the_scheduler_was_killed(seed, tmp_path):
    rng = random.Random(seed)
    store = DirectoryStore(tmp_path / ".dockerflow")
    for _ in range(5):
        kill_after(start(tmp_path), rng.uniform(0.2, 1.5))
        check_readable(store)
    assert start(tmp_path).wait(timeout=60) == 0
    statuses = check_readable(store)
    assert statuses[0] == "succeeded"
    assert set(statuses) <= {"succeeded", "running"}
