"""Steps with the same image and limits run in the same containers, and find nothing of each other there."""

from __future__ import annotations

FLOW = """
import os
from dockerflow import FlowSpec, conda_base, resources, step

FOLDERS = [os.path.expanduser("~"), os.path.dirname(os.path.abspath(__file__)), "/tmp", "/dev/shm"]


def left():
    return sorted(name for folder in FOLDERS for name in os.listdir(folder) if not name.startswith("task-"))


@conda_base(python="3.11")
class Line(FlowSpec):
    @step
    def start(self):
        self.found = left()
        for folder in FOLDERS:
            os.makedirs(folder + "/left/closed")
            open(folder + "/left/closed/file", "w").close()
            os.chmod(folder + "/left/closed", 0)
            os.chmod(folder + "/left", 0)
            os.symlink("/dockerflow", folder + "/link")
        self.xs = [1, 2]
        self.next(self.each, foreach="xs")

    @step
    def each(self):
        self.found = left()
        open(f"/tmp/of-{self.input}", "w").close()
        self.next(self.join)

    @step
    def join(self, inputs):
        self.found = left()
        self.each = [task.found for task in inputs]
        self.next(self.limited)

    @resources(memory=300)
    @step
    def limited(self):
        self.found = left()
        self.next(self.end)

    @step
    def end(self):
        self.found = left()
"""


def test_a_step_finds_what_its_own_tasks_left_in_a_container_and_nothing_of_others(dockerflow, tmp_path, results):
    (tmp_path / "flow.py").write_text(FLOW)
    dockerflow("run", "flow.py", "--max-workers", "1")
    run = results.Flow("Line").latest_run
    tasks = {name: run[name].task for name in ("start", "join", "limited", "end")}
    hosts = {name: task.metadata_dict["container"] for name, task in tasks.items()}
    assert hosts["start"] == hosts["join"] == hosts["end"] != hosts["limited"]
    fresh = tasks["start"].data.found
    assert {name: task.data.found for name, task in tasks.items()} == dict.fromkeys(tasks, fresh)
    assert tasks["join"].data.each == [fresh, sorted([*fresh, "of-1"])]
