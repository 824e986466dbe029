"""A run that failed in containers goes on in containers."""

from __future__ import annotations

from contextlib import suppress

from docker.errors import NotFound

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
