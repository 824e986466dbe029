"""What the tool itself costs for each task and for each step, here and with Metaflow, side by side in one run.

    python benchmarks/bench_tasks.py [--rounds 3] [--tasks 1000] [--many 10000] [--only wide] [--plot docs/tasks.svg]

The flows do nothing, so what is measured is the tool: whole commands, from their start to their end, 4 tasks at a
time. Ours run in containers, Metaflow's in bare processes. All write to one disk. The sides take turns; a table has the
medians of the rounds. Images are made before the clock starts, and lines of steps have run before, as whatever is run a
second time.

- **wide**: a foreach and its join. A store in a directory, in MinIO, and with a container for each task; Metaflow; and
  `docker run` of the same image, 4 at a time, which starts Python and ends.
- **many**: a foreach of ten times as many, here alone: the rate of the first and of the last thousand tasks by the
  times of their results, and the most memory that the scheduler's process had.
- **lines**: flows of 2 and of 10 steps, and one of 3 steps with an environment each.
- **pandas**: a foreach of tasks of a flow that imports pandas.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from chart import bars

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT))  # the tests' channel and object server

from dockerflow.store import journal  # noqa: E402
from dockerflow.store.directory import DirectoryStore  # noqa: E402
from dockerflow.store.records import AttemptFinished, RunStarted  # noqa: E402
from tests.channel import PANDAS_NEW, PYTHON, local_channel  # noqa: E402
from tests.object_servers import ObjectServer, running  # noqa: E402

WORKERS = 4
PART = 1000  # of many tasks, whose rates are compared

WIDE = """
{libraries}
from {package} import {names}

{base}
class Bench(FlowSpec):
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
    Bench()
"""

STEP = """
    {mark}
    @step
    def {name}(self):
        self.x = {number}
        {end}
"""

LINE = """
from {package} import {names}

{base}
class Bench(FlowSpec):
{steps}

if __name__ == "__main__":
    Bench()
"""


@dataclass(frozen=True)
class Side:
    """Who runs a flow: `store` is `directory` or `minio` here; Metaflow has its own."""

    name: str
    store: str = ""
    options: tuple[str, ...] = ()


DIRECTORY = Side("dockerflow, directory", "directory")
MINIO = Side("dockerflow, MinIO", "minio")
FRESH = Side("dockerflow --fresh-containers", "directory", ("--fresh-containers",))
METAFLOW = Side("Metaflow")
DOCKER = "docker run"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured (default: 3)")
    parser.add_argument("--tasks", type=int, default=1000, help="tasks of the wide foreach (default: 1000)")
    parser.add_argument("--many", type=int, default=10_000, help="tasks of the widest foreach (default: 10000)")
    parser.add_argument("--only", action="append", choices=["wide", "many", "lines", "pandas"], help="these alone")
    parser.add_argument("--plot", type=Path, help="write the rates of the wide foreach as bars into this SVG")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dockerflow-bench-") as name:
        folder = Path(name)
        with running("minio", folder / "server" / "data") as server:
            bench = Bench(folder, server, chosen.rounds)
            parts: dict[str, Callable[[], None]] = {
                "wide": lambda: bench.wide(chosen.tasks, chosen.plot),
                "many": lambda: bench.many(chosen.many),
                "lines": bench.lines,
                "pandas": lambda: bench.pandas(max(1, chosen.tasks // 10)),
            }
            for part in chosen.only or parts:
                parts[part]()


@dataclass(frozen=True)
class Bench:
    folder: Path
    server: ObjectServer
    rounds: int

    def wide(self, tasks: int, plot: Path | None) -> None:
        sides = [DIRECTORY, MINIO, FRESH, METAFLOW]
        sources = {side: wide_flow(side, tasks) for side in sides}
        image = self.image(wide_flow(DIRECTORY, 1))
        found: dict[str, list[float]] = {side.name: [] for side in sides} | {DOCKER: []}
        for _ in range(self.rounds):
            for side, source in sources.items():
                found[side.name].append(self.seconds(side, source))
            found[DOCKER].append(bare(image, tasks))
        medians = {name: statistics.median(seconds) for name, seconds in found.items()}
        head(
            f"A foreach of {tasks:,} tasks and its join, {WORKERS} at a time",
            "",
            "seconds",
            "tasks per second",
            "ratio",
        )
        for name, seconds in medians.items():
            ratio = seconds / medians[DIRECTORY.name]
            line(name, f"{seconds:.2f}", f"{tasks / seconds:.1f}", f"{ratio:.1f}x")
        if plot is not None:
            rates = {name: tasks / seconds for name, seconds in medians.items()}
            plot.write_text(bars(f"Tasks per second, a foreach of {tasks:,}, {WORKERS} at a time", "/s", rates))

    def many(self, tasks: int) -> None:
        source = wide_flow(DIRECTORY, tasks)
        self.image(wide_flow(DIRECTORY, 1))
        with self.prepared(DIRECTORY, source) as (command, folder, variables):
            began = time.perf_counter()
            peak = peak_of([*command, "--max-num-splits", str(tasks)], folder, variables)
            seconds = time.perf_counter() - began
            times = ended_at(folder)
        part = min(PART, len(times) // 2)
        first, last = part / (times[part] - times[0]), part / (times[-1] - times[-1 - part])
        head(
            f"A foreach of {tasks:,} tasks",
            "seconds",
            f"first {part:,}",
            f"last {part:,}",
            "ratio",
            "scheduler's memory",
        )
        line(f"{seconds:.1f}", f"{first:.1f}/s", f"{last:.1f}/s", f"{last / first:.2f}", f"{peak / 2**20:.0f} MiB")

    def lines(self) -> None:
        flows = {
            "2 steps": [""] * 2,
            "10 steps": [""] * 10,
            "3 steps, 3 environments": [f'@conda(libraries={{"{name}": "{of}"}})' for name, of in THREE],
        }
        head("Flows in a line", "flow", DIRECTORY.name, METAFLOW.name, "ratio")
        for name, marks in flows.items():
            self.compare(name, lambda side, marks=marks: line_flow(side, marks))

    def pandas(self, tasks: int) -> None:
        head(f"A foreach of {tasks:,} tasks of a flow that imports pandas", "", DIRECTORY.name, METAFLOW.name, "ratio")
        self.compare(f"{tasks:,} tasks", lambda side: wide_flow(side, tasks, pandas=True))

    def compare(self, name: str, source: Callable[[Side], str]) -> None:
        """One row: dockerflow and Metaflow in turn, each where it has run the flow before."""
        with ExitStack() as stack:
            sides = [stack.enter_context(self.prepared(side, source(side))) for side in (DIRECTORY, METAFLOW)]
            for side in sides:
                run(*side)  # makes locks and images
            found = [[timed(*side) for side in sides] for _ in range(self.rounds)]
        ours, theirs = (statistics.median(seconds) for seconds in zip(*found, strict=True))
        line(name, f"{ours:.2f} s", f"{theirs:.2f} s", f"{theirs / ours:.1f}x")

    def seconds(self, side: Side, source: str) -> float:
        with self.prepared(side, source) as (command, folder, variables):
            return timed(command, folder, variables)

    def image(self, source: str) -> str:
        """Have the image made; by what name the engine knows it."""
        with self.prepared(DIRECTORY, source) as (command, folder, variables):
            run(command, folder, variables)
            started = next(record for record in records(folder) if isinstance(record, RunStarted))
            return started.steps[0].image

    @contextmanager
    def prepared(self, side: Side, source: str) -> Iterator[tuple[list[str], Path, dict[str, str]]]:
        """The command, where it runs, and its variables."""
        with tempfile.TemporaryDirectory(prefix="flow-", dir=self.folder) as name:
            folder = Path(name)
            (folder / "flow.py").write_text(source)
            if not side.store:
                command = [sys.executable, "flow.py", "--quiet", "run", "--max-num-splits", "100000"]
            else:
                store = f"s3://{self.server.bucket()}" if side.store == "minio" else str(folder / "store")
                command = [str(Path(sys.executable).with_name("dockerflow")), "run", "flow.py", "--store", store]
            yield [*command, *side.options, "--max-workers", str(WORKERS)], folder, self.variables(folder)

    def variables(self, folder: Path) -> dict[str, str]:
        # All keep the bytecode of their modules, as installed programs do.
        left_out = ("DOCKERFLOW_", "METAFLOW_", "PYTHONDONTWRITEBYTECODE")
        others = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
        return {
            **others,
            "METAFLOW_USER": "bench",
            "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(folder),
            "DOCKERFLOW_CHANNELS": local_channel().url,
            "DOCKERFLOW_S3_ENDPOINT": self.server.endpoint,
            "DOCKERFLOW_S3_ACCESS_KEY": self.server.access_key,
            "DOCKERFLOW_S3_SECRET_KEY": self.server.secret_key,
        }


# Of the tests' channel: each gives a step an image of its own.
THREE = (("packaging", "23.2"), ("packaging", "24.1"), ("click", "8.1.7"))


def wide_flow(side: Side, width: int, pandas: bool = False) -> str:
    base = f'@conda_base(python="{PYTHON}"' + (f', libraries={{"pandas": "{PANDAS_NEW}"}})' if pandas else ")")
    return WIDE.format(
        package="dockerflow" if side.store else "metaflow",
        names="FlowSpec, conda_base, step" if side.store else "FlowSpec, step",
        base=base if side.store else "",
        libraries="import pandas" if pandas else "",
        width=width,
    )


def line_flow(side: Side, marks: list[str]) -> str:
    """As many steps as there are `marks`, which stand above them here and not with Metaflow."""
    names = ["start", *(f"step{number}" for number in range(1, len(marks) - 1)), "end"]
    ends = [*(f"self.next(self.{name})" for name in names[1:]), "pass"]
    steps = [
        STEP.format(mark=mark if side.store else "", name=name, number=number, end=end)
        for number, (mark, name, end) in enumerate(zip(marks, names, ends, strict=True))
    ]
    return LINE.format(
        package="dockerflow" if side.store else "metaflow",
        names="FlowSpec, conda, conda_base, step" if side.store else "FlowSpec, step",
        base=f'@conda_base(python="{PYTHON}")' if side.store else "",
        steps="".join(steps),
    )


def run(command: list[str], folder: Path, variables: dict[str, str]) -> None:
    ended = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{(ended.stdout + ended.stderr)[-3000:]}")


def timed(command: list[str], folder: Path, variables: dict[str, str]) -> float:
    began = time.perf_counter()
    run(command, folder, variables)
    return time.perf_counter() - began


def bare(image: str, tasks: int) -> float:
    """Seconds for so many containers, each of which starts Python and ends."""
    began = time.perf_counter()
    each = ["docker", "run", "--rm", image, "python", "-c", "pass"]
    numbers = "\n".join(map(str, range(tasks)))
    subprocess.run(["xargs", "-P", str(WORKERS), "-I{}", *each], input=numbers, text=True, check=True)
    return time.perf_counter() - began


def peak_of(command: list[str], folder: Path, variables: dict[str, str]) -> int:
    """Run a command to its end; the most memory that its own process had, in bytes."""
    with (folder / "said").open("w") as said:
        process = subprocess.Popen(command, cwd=folder, env=variables, stdout=said, stderr=said)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{(folder / 'said').read_text()[-3000:]}")
    return usage.ru_maxrss * 1024


def records(folder: Path) -> list[journal.Record]:
    store = DirectoryStore(folder / "store")
    (run_id,) = store.children("runs/Bench")
    return journal.read(store, "Bench", run_id)


def ended_at(folder: Path) -> list[float]:
    """When each task of the foreach ended, in seconds, in the order of time."""
    ends = (record for record in records(folder) if isinstance(record, AttemptFinished) and record.step == "work")
    return sorted(record.time for record in ends)


def head(title: str, *cells: str) -> None:
    print(f"\n{title}\n")
    line(*cells)
    line(*["---"] * len(cells))


def line(*cells: str) -> None:
    print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
