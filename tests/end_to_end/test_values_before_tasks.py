"""What a worker has made ready is shared by its tasks' processes, which make nothing of it again."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

FLOW = """
import os

from dockerflow import FlowSpec, lazy_dataclasses, step

finish = lazy_dataclasses._finish


def tell(what):
    with open(os.environ["TOLD"], "a") as file:
        file.write(f"{os.getpid()} {what}\\n")


def told(cls, frozen):
    tell(cls.__qualname__)
    finish(cls, frozen)


lazy_dataclasses._finish = told


class Told(FlowSpec):
    @step
    def start(self):
        tell("a task")
        self.x = [1, 2]
        self.next(self.each, foreach="x")

    @step
    def each(self):
        tell("a task")
        self.y = self.input
        self.next(self.join)

    @step
    def join(self, inputs):
        tell("a task")
        self.merge_artifacts(inputs, exclude=["y"])
        self.next(self.end)

    @step
    def end(self):
        tell("a task")
"""


def test_no_class_of_values_is_finished_in_a_tasks_process(tmp_path: Path) -> None:
    (tmp_path / "flow.py").write_text(FLOW)
    told = tmp_path / "told"
    command = [str(Path(sys.executable).with_name("dockerflow")), "run", "flow.py", "--engine", "process"]
    variables = {**os.environ, "TOLD": str(told)}
    subprocess.run(command, cwd=tmp_path, env=variables, check=True, capture_output=True)
    lines = [line.split(" ", 1) for line in told.read_text().splitlines()]
    tasks = {process for process, what in lines if what == "a task"}
    assert len(tasks) == 5
    assert [what for process, what in lines if process in tasks and what != "a task"] == []
