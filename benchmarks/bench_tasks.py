"""How long small flows take here and with Metaflow, side by side in one run.

    make bench

The flows do nothing, so what is measured is what the tool itself costs: ours in containers, Metaflow's in bare
processes. Both write to a directory on the same disk. The two take turns; the table shows medians, and the ratio of the
medians. Images are made before the clock starts.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 3
WORKERS = 4

LINEAR = """
from {package} import FlowSpec, step

class Linear(FlowSpec):
    @step
    def start(self):
        self.x = 1
        self.next(self.middle)

    @step
    def middle(self):
        self.x += 1
        self.next(self.end)

    @step
    def end(self):
        self.x += 1

if __name__ == "__main__":
    Linear()
"""

WIDE = """
from {package} import FlowSpec, step

class Wide(FlowSpec):
    @step
    def start(self):
        self.xs = list(range(WIDTH))
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

FLOWS = {
    "3 steps in a line": LINEAR,
    "foreach of 100 tasks": WIDE.replace("WIDTH", "100"),
}


def main() -> None:
    print(f"{'flow':<24}{'dockerflow':>14}{'metaflow':>14}{'ratio':>10}")
    with tempfile.TemporaryDirectory() as folder:
        for name, source in FLOWS.items():
            ours, theirs = prepare(Path(folder) / "ours", source), prepare(Path(folder) / "theirs", source)
            timed(ours)
            rounds = [(timed(ours), timed(theirs)) for _ in range(ROUNDS)]
            mine, other = (statistics.median(times) for times in zip(*rounds, strict=True))
            print(f"{name:<24}{mine:>12.2f} s{other:>12.2f} s{other / mine:>9.1f}x", flush=True)


def prepare(folder: Path, source: str) -> tuple[list[str], Path]:
    """The command that runs the flow, and where."""
    folder.mkdir(exist_ok=True)
    ours = folder.name == "ours"
    (folder / "flow.py").write_text(source.format(package="dockerflow" if ours else "metaflow"))
    if ours:
        command = [str(Path(sys.executable).with_name("dockerflow")), "run", "flow.py"]
    else:
        command = [sys.executable, "flow.py", "--quiet", "run", "--max-num-splits", "1000"]
    return [*command, "--max-workers", str(WORKERS)], folder


def timed(prepared: tuple[list[str], Path]) -> float:
    """Seconds of one run, from the command's start to its end."""
    command, folder = prepared
    variables = {**os.environ, "METAFLOW_USER": "bench", "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(folder)}
    began = time.perf_counter()
    subprocess.run(command, cwd=folder, env=variables, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
