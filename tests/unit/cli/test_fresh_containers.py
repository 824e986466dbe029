"""What is fresh for each task, by the command line and by a decorator; a process stands for a container here."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cli.commands import dockerflow

FLOW = """
import os

from dockerflow import FlowSpec, isolation, step


class Fresh(FlowSpec):
    @step
    def start(self):
        self.xs = [1, 2, 3]
        self.next(self.work, foreach="xs")

    DECORATOR
    @step
    def work(self):
        self.worker = os.getppid()
        self.next(self.join)

    @step
    def join(self, inputs):
        print("workers:", len({task.worker for task in inputs}))
        self.next(self.end)

    @step
    def end(self):
        pass
"""


@pytest.mark.parametrize(
    ("decorator", "words", "workers"),
    [
        ("", [], 1),
        ("", ["--fresh-containers"], 3),
        ("@isolation(level='container')", [], 3),
        ("", ["--with", "isolation:level=container"], 3),
    ],
)
def test_each_task_has_a_worker_of_its_own_where_that_is_asked_for(
    decorator: str, words: list[str], workers: int, tmp_path: Path
) -> None:
    (tmp_path / "flow.py").write_text(FLOW.replace("DECORATOR", decorator))
    answer = dockerflow("run", "flow.py", "--engine", "process", "--max-workers", "1", *words, cwd=tmp_path)
    assert (answer.code, answer.stderr) == (0, "")
    assert f"workers: {workers}\n" in answer.stdout
