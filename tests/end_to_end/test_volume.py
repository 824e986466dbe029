"""Many tasks, many lines, and whose turn it is: nothing is lost and nothing is out of order."""

from __future__ import annotations

import shutil
import subprocess
import sys
import textwrap

import pytest

LINES = """
import sys
from dockerflow import FlowSpec, conda_base, step

@conda_base(python="3.11")
class Lines(FlowSpec):
    @step
    def start(self):
        self.numbers = list(range(32))
        self.next(self.prints, foreach="numbers")

    @step
    def prints(self):
        for line in range(10_000):
            print(f"{self.input} {line}")
            print(f"{self.input} {line} e", file=sys.stderr)
        self.next(self.join)

    @step
    def join(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        pass
"""

WIDE = """
from dockerflow import FlowSpec, conda_base, current, step

@conda_base(python="3.11")
class Wide(FlowSpec):
    @step
    def start(self):
        self.numbers = range(1200)
        self.next(self.each, foreach="numbers")

    @step
    def each(self):
        self.number, self.task_id = self.input, current.task_id
        self.next(self.join)

    @step
    def join(self, inputs):
        self.all = [i.number for i in inputs]
        self.ids = [int(i.task_id) for i in inputs]
        self.next(self.end)

    @step
    def end(self):
        pass
"""

BACKWARDS = """
import os
import time
from dockerflow import FlowSpec, Parameter, step

class Backwards(FlowSpec):
    folder = Parameter("folder")

    @step
    def start(self):
        self.numbers = [5, 3, 8, 1]
        self.next(self.each, foreach="numbers")

    @step
    def each(self):
        # Each waits for the file of the next one, which it has made when it was about to end.
        while self.index < 3 and not os.path.exists(f"{self.folder}/{self.index + 1}"):
            time.sleep(0.01)
        open(f"{self.folder}/{self.index}", "w").close()
        self.number, self.ended = self.input, time.time()
        self.next(self.join)

    @step
    def join(self, inputs):
        self.all = [i.number for i in inputs]
        self.ends = [i.ended for i in inputs]
        self.next(self.end)

    @step
    def end(self):
        pass
"""


def _written(folder, text: str) -> str:
    (folder / "flow.py").write_text(textwrap.dedent(text))
    return "flow.py"


def test_no_line_of_many_tasks_is_lost_or_out_of_order(dockerflow, results, tmp_path):
    dockerflow("run", _written(tmp_path, LINES), "--run-id-file", "id")
    tasks = {task.index: task for task in results.Run(f"Lines/{(tmp_path / 'id').read_text()}")["prints"]}
    assert sorted(tasks) == list(range(32))
    for number, task in tasks.items():
        assert task.stdout == "".join(f"{number} {line}\n" for line in range(10_000))
        assert task.stderr == "".join(f"{number} {line} e\n" for line in range(10_000))


def test_of_a_limited_log_head_and_tail_are_kept(dockerflow, results, tmp_path):
    text = LINES.replace("range(32)", "range(1)").replace("10_000", "200_000")
    dockerflow("run", _written(tmp_path, text), "--engine", "process", "--max-log-size", 1, "--run-id-file", "id")
    stdout = results.Run(f"Lines/{(tmp_path / 'id').read_text()}")["prints"].task.stdout
    assert 1_000_000 < len(stdout) < 1_100_000
    assert stdout.startswith("0 0\n0 1\n")
    assert stdout.endswith("0 199998\n0 199999\n")
    (left_out,) = (line for line in stdout.splitlines() if not line.startswith("0 "))
    lost = int(left_out.split()[1].replace(",", ""))
    assert lost == 200_000 - (len(stdout.splitlines()) - 1)


NEVER_SILENT = """
import os
import sys
from dockerflow import FlowSpec, Parameter, step

class NeverSilent(FlowSpec):
    folder = Parameter("folder")

    @step
    def start(self):
        self.next(self.prints, self.split)

    @step
    def prints(self):
        lines = 0
        # No fewer than 40 MB, and on and on until all neighbours are done.
        while lines < 400_000 or not os.path.exists(f"{self.folder}/done"):
            for _ in range(1000):
                lines += 1
                print(f"{lines:099d}")
            sys.stderr.write(f"\\r{lines} lines")
        self.lines = lines
        self.next(self.join)

    @step
    def split(self):
        self.numbers = range(20)
        self.next(self.each, foreach="numbers")

    @step
    def each(self):
        print("number", self.input)
        self.next(self.collect)

    @step
    def collect(self, inputs):
        open(f"{self.folder}/done", "w").close()
        self.next(self.join)

    @step
    def join(self, inputs):
        self.lines = inputs.prints.lines
        self.next(self.end)

    @step
    def end(self):
        pass
"""


# The command, and its peak of memory in KiB: `ru_maxrss` would be that of these tests if they had taken more before.
MEASURED = """
import pathlib, re, sys
from dockerflow.cli.main import main
code = main(sys.argv[1:])
status = pathlib.Path("/proc/self/status").read_text()
pathlib.Path("peak").write_text(re.search("VmHWM:[^0-9]*([0-9]+)", status)[1])
sys.exit(code)
"""


@pytest.mark.parametrize("limit", [None, 1], ids=["everything is kept", "--max-log-size 1"])
def test_others_go_on_beside_a_task_that_prints_as_fast_as_it_can_and_memory_is_not_where_lines_wait(
    variables, results, tmp_path, limit
):
    """The command takes 60 MiB itself, and 400,000 lines as objects would be 95 MiB more."""
    words = ["run", _written(tmp_path, NEVER_SILENT), "--engine", "process", "--max-workers", "2"]
    words += ["--folder", tmp_path, "--run-id-file", "id", *(["--max-log-size", str(limit)] if limit else [])]
    with (tmp_path / "told").open("w") as told:
        command = [sys.executable, "-c", MEASURED, *words]
        done = subprocess.run(command, cwd=tmp_path, env=variables, stdout=told, stderr=told, timeout=240)
    assert done.returncode == 0, (tmp_path / "told").read_text()[-4000:]
    assert int((tmp_path / "peak").read_text()) < 110 << 10

    run = results.Run(f"NeverSilent/{(tmp_path / 'id').read_text()}")
    assert {task.stdout for task in run["each"]} == {f"number {number}\n" for number in range(20)}
    lines, task = run["end"].task.data.lines, run["prints"].task
    printed = task.stdout.splitlines()
    if limit:
        assert 1_000_000 < len(task.stdout) < 1_100_000
        (cut,) = (number for number, line in enumerate(printed) if line.startswith("[..."))
        left_out = int(printed.pop(cut).split()[1].replace(",", ""))
        kept = [*range(1, cut + 1), *range(cut + 1 + left_out, lines + 1)]
    else:
        kept = list(range(1, lines + 1))
    assert [int(line) for line in printed] == kept
    bars = task.stderr.splitlines()
    assert bars[-1] == f"{lines} lines"
    assert 2 <= len(bars) < lines / 1000


def test_a_join_of_1200_tasks_gets_them_in_order(dockerflow, results, tmp_path):
    dockerflow("run", _written(tmp_path, WIDE), "--run-id-file", "id")
    data = results.Run(f"Wide/{(tmp_path / 'id').read_text()}")["join"].task.data
    assert data.all == list(range(1200))
    assert data.ids == sorted(set(data.ids))


def test_a_join_gets_its_inputs_in_order_whatever_finished_first(dockerflow, results, tmp_path):
    (tmp_path / "made").mkdir()
    words = ("--engine", "process", "--max-workers", 4, "--folder", tmp_path / "made", "--run-id-file", "id")
    dockerflow("run", _written(tmp_path, BACKWARDS), *words)
    data = results.Run(f"Backwards/{(tmp_path / 'id').read_text()}")["join"].task.data
    assert data.all == [5, 3, 8, 1]
    assert data.ends == sorted(data.ends, reverse=True)


BIG = """
import numpy
from dockerflow import FlowSpec, step

SIZE = (4 << 30) + 4097

class Big(FlowSpec):
    @step
    def start(self):
        self.big = numpy.zeros(SIZE, dtype="u1")
        self.big[0], self.big[1 << 32], self.big[-1] = 3, 5, 7
        self.next(self.end)

    @step
    def end(self):
        self.size, self.seen = len(self.big), [int(self.big[i]) for i in (0, 1, 1 << 32, -1)]
"""


def test_an_artifact_above_4_gib_goes_from_step_to_step(dockerflow, results, tmp_path):
    """On processes, whose Python has numpy: its zeros take no memory. 13 s of processor, 4.1 GiB of disk."""
    try:
        dockerflow("run", _written(tmp_path, BIG), "--engine", "process", "--run-id-file", "id")
        data = results.Run(f"Big/{(tmp_path / 'id').read_text()}").data
        assert (data.size, data.seen) == ((4 << 30) + 4097, [3, 0, 5, 7])
    finally:
        shutil.rmtree(tmp_path / ".dockerflow")
