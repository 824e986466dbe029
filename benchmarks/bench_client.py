"""How long it takes to read a run of 1,200 tasks here and with Metaflow's client, side by side in one run.

    make bench

The same flow is run once by each, in processes, with a store in a directory of the same disk. Then the same questions
are put to both clients, each round in a process of its own, the two taking turns; the table shows medians and their
ratio. What Metaflow looks for among all tasks each time is asked of a few tasks only, on both sides.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROUNDS = 3
WIDTH = 1200
WORKERS = 4

FLOW = """
from {package} import FlowSpec, step

class Wide(FlowSpec):
    @step
    def start(self):
        self.xs = list(range({width}))
        self.next(self.work, foreach="xs")

    @step
    def work(self):
        self.y = self.input
        self.next(self.join)

    @step
    def join(self, inputs):
        self.total = sum(task.y for task in inputs)
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    Wide()
"""

ASK = """
import importlib, json, sys, time
client = importlib.import_module(sys.argv[1])
took = {}

def ask(question, answer, expected):
    begin = time.perf_counter()
    found = answer()
    took[question] = time.perf_counter() - begin
    assert found == expected, (question, found)

width = int(sys.argv[2])
ids = []

def listed():
    ids.extend(task.id for task in client.Flow("Wide").latest_successful_run["work"])
    return len(ids)

ask("find the run, list its tasks", listed, width)
step = client.Flow("Wide").latest_successful_run["work"]
ask("find each task by its id", lambda: len([step[task_id].pathspec for task_id in ids]), width)
ask("whether each task succeeded", lambda: sum(task.successful for task in step), width)
ask("one artifact of each task", lambda: sum(task["y"].data for task in step), sum(range(width)))
ask("the metadata of each task", lambda: len([task.metadata_dict["attempt"] for task in step]), width)
few = [step[task_id] for task_id in ids[:3]]
ask("the tasks after 3 tasks", lambda: sum(len(list(task.child_tasks)) for task in few), 3)
ask("the tasks before the join", lambda: len(list(step.parent["join"].task.parent_tasks)), width)
print(json.dumps(took))
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for package in ("dockerflow", "metaflow"):
            (folder / f"{package}_wide.py").write_text(FLOW.format(package=package, width=WIDTH))
        (folder / "ask.py").write_text(ASK)
        program = str(Path(sys.executable).with_name("dockerflow"))
        (folder / ".dockerflow").mkdir()
        ours = [program, "run", "dockerflow_wide.py", "--engine", "process"]
        theirs = [sys.executable, "metaflow_wide.py", "--quiet", "--no-pylint", "run", "--max-num-splits", "2000"]
        for command in (ours, theirs):
            _called(folder, *command, "--max-workers", str(WORKERS))
        _print(_asked(folder, "dockerflow"), _asked(folder, "metaflow"))


def _print(ours: dict[str, float], theirs: dict[str, float]) -> None:
    print(f"{f'{WIDTH} tasks':<30}{'dockerflow':>14}{'metaflow':>14}{'ratio':>10}")
    for question, mine in ours.items():
        print(f"{question:<30}{mine:>13.3f}s{theirs[question]:>13.3f}s{theirs[question] / mine:>9.0f}x")


def _asked(folder: Path, package: str) -> dict[str, float]:
    """The median of each answer's time."""
    rounds = [json.loads(_called(folder, sys.executable, "ask.py", package, str(WIDTH))) for _ in range(ROUNDS)]
    return {question: statistics.median(each[question] for each in rounds) for question in rounds[0]}


def _called(folder: Path, *command: str) -> str:
    """Run a command to its end, for a user with settings of its own; what it printed."""
    environment = {
        **os.environ,
        "HOME": str(folder),
        "METAFLOW_USER": "bench",
        "DOCKERFLOW_USER": "bench",
        "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(folder),
        "DOCKERFLOW_STORE": str(folder / ".dockerflow"),
    }
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return done.stdout


if __name__ == "__main__":
    main()
