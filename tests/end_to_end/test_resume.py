"""A run that failed, or was killed, in containers goes on in containers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from docker.errors import NotFound

from dockerflow.store import history, runs
from dockerflow.store.directory import DirectoryStore

FLOW = """
import os

from dockerflow import FlowSpec, conda_base, current, step


@conda_base(python="3.11")
class Resumed(FlowSpec):
    @step
    def start(self):
        self.numbers = [1, 2, 3]
        self.next(self.work, foreach="numbers")

    @step
    def work(self):
        if self.input == 3 and current.origin_run_id is None:
            os.kill(os.getpid(), 9)
        self.square = self.input ** 2
        self.next(self.join)

    @step
    def join(self, inputs):
        self.squares = [each.square for each in inputs]
        self.more = "again"
        self.rounds = 0
        self.next(self.loop)

    @step
    def loop(self):
        self.rounds += 1
        self.more = "again" if self.rounds < 3 else "done"
        self.next({"again": self.loop, "done": self.end}, condition="more")

    @step
    def end(self):
        self.origin = current.origin_run_id
"""


def test_a_foreach_that_was_killed_in_part_is_completed_and_a_recursion_uses_its_container_again(
    dockerflow, results, tmp_path, docker_client
):
    (tmp_path / "flow.py").write_text(FLOW)
    words = ("flow.py", "--max-workers", "1", "--run-id-file", "id")
    dockerflow("run", *words, code=1)
    origin = (tmp_path / "id").read_text()
    told = dockerflow("resume", *words).stdout
    run_id = (tmp_path / "id").read_text()
    run = results.Run(f"Resumed/{run_id}", _namespace_check=False)
    assert (run.data.squares, run.data.rounds, run.data.origin) == ([1, 4, 9], 3, origin)
    assert "/work] 2 tasks reused" in told
    reused = [task.origin_pathspec for task in run["work"] if task.origin_pathspec]
    assert len(reused) == 2
    step = "work"
    assert all(pathspec.startswith(f"Resumed/{origin}/{step}/") for pathspec in reused)
    assert len({task._task.attempts[-1].started.container for task in run["loop"]}) == 1
    for left in docker_client.containers.list(all=True, filters={"label": [f"dockerflow.run={run_id}"]}):
        with suppress(NotFound):  # the engine is removing it
            left.wait(condition="removed", timeout=30)


NESTED = """
import threading
from multiprocessing import Pipe, get_context

from dockerflow import FlowSpec, Parameter, conda_base, current, step

CODE = 1


@conda_base(python="3.11")
class Nested(FlowSpec):
    factor = Parameter("factor", default=2)
    late = Parameter("late", default="early")
    never = Parameter("never", default="")

    @step
    def start(self):
        self.rows = [10, 20]
        self.next(self.row, foreach="rows")

    @step
    def row(self):
        self.columns = [self.input + 1, self.input + 2]
        self.next(self.cell, foreach="columns")

    @step
    def cell(self):
        if self.input == 22 and current.origin_run_id is None:
            print("hanging", flush=True)
            threading.Event().wait(100)
        here, there = Pipe()
        process = get_context("fork").Process(target=lambda: there.send(self.input * self.factor))
        process.start()
        self.value, self.code = here.recv(), CODE
        process.join()
        self.next(self.columns_join)

    @step
    def columns_join(self, inputs):
        self.values = [(each.value, each.code) for each in inputs]
        self.next(self.rows_join)

    @step
    def rows_join(self, inputs):
        self.values = [each.values for each in inputs]
        self.next(self.end)

    @step
    def end(self):
        self.said = self.late
"""


def wait_until_written(folder: Path, cells: int) -> None:
    """A result is heard of a moment before it is in the journal."""
    store, deadline = DirectoryStore(folder), time.monotonic() + 60
    (run_id,) = runs.run_ids(store, "Nested")
    while sum(each.result is not None for each in history.read(store, "Nested", run_id).tasks_by_step["cell"]) < cells:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_nested_foreaches_whose_scheduler_was_killed_go_on_with_other_code_and_another_parameter(
    dockerflow, variables, results, tmp_path
):
    (tmp_path / "flow.py").write_text(NESTED)
    command = [Path(sys.executable).with_name("dockerflow"), "run", "flow.py", "--max-workers", "1"]
    with subprocess.Popen(command, cwd=tmp_path, env=variables, stdout=subprocess.PIPE, text=True) as running:
        assert any(line.endswith("hanging\n") for line in running.stdout)
        wait_until_written(tmp_path / ".dockerflow", 3)
        os.kill(running.pid, signal.SIGKILL)
    (tmp_path / "flow.py").write_text(NESTED.replace("CODE = 1", "CODE = 2"))
    refused = dockerflow("resume", "flow.py", "--factor", "3", code=2).stderr
    assert "parameter `factor` cannot be changed: 3 tasks of step `cell` have read it, and their results" in refused
    assert "`dockerflow resume flow.py cell --factor 3`" in refused
    dockerflow("resume", "flow.py", "--late", "late", "--run-id-file", "id")
    run = results.Run(f"Nested/{(tmp_path / 'id').read_text()}", _namespace_check=False)
    assert (run.data.values, run.data.said) == ([[(22, 1), (24, 1)], [(42, 1), (44, 2)]], "late")
    assert sum(task.origin_pathspec is not None for task in run["cell"]) == 3
    seen = history.read(DirectoryStore(tmp_path / ".dockerflow"), "Nested", run.id)
    read = {step: {task.result.read for task in tasks} for step, tasks in seen.tasks_by_step.items()}
    assert read == {**{step: {()} for step in read}, "cell": {("factor",)}, "end": {("late",)}}
