"""The largest memory that any process of a command had, and of its step containers, seen from outside.

The kernel keeps each process's own peak (VmHWM); it is read often, so that only what a process does in its very last
moment can be missed. Memory that is mapped from a file counts where it was touched.
"""

from __future__ import annotations

import subprocess
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

LOOK_EVERY = 0.01
# Containers come and go slower, and asking for them is dear.
CONTAINERS_EVERY = 0.2


@dataclass(frozen=True)
class Ended:
    stdout: str
    peak: int  # bytes


def watched(command: list[str], cwd: Path, variables: Mapping[str, str], containers: bool) -> Ended:
    """Run a command to its end. Raises RuntimeError with its last words where it fails."""
    with subprocess.Popen(
        command, cwd=cwd, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        watch = _Watch(process.pid, containers)
        watch.start()
        stdout = process.stdout.read() if process.stdout else ""
        process.wait()
        watch.ended.set()
        watch.join()
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{stdout[-3000:]}")
    return Ended(stdout, max(watch.peaks.values(), default=0))


class _Watch(threading.Thread):
    def __init__(self, pid: int, containers: bool) -> None:
        super().__init__(daemon=True)
        self.ended = threading.Event()
        self.peaks: dict[int, int] = {}
        self._roots = {pid}
        self._containers = containers

    def run(self) -> None:
        looks = 0
        while not self.ended.wait(LOOK_EVERY):
            if self._containers and looks % int(CONTAINERS_EVERY / LOOK_EVERY) == 0:
                self._roots |= set(_of_containers())
            looks += 1
            for pid in _with_descendants(self._roots):
                self.peaks[pid] = max(self.peaks.get(pid, 0), _peak(pid))


def _of_containers() -> Iterator[int]:
    """The first processes of the step containers that run."""
    found = subprocess.run(
        ["docker", "ps", "--quiet", "--filter", "label=dockerflow.run"], capture_output=True, text=True, check=True
    ).stdout.split()
    if found:
        command = ["docker", "inspect", "--format", "{{.State.Pid}}", *found]
        said = subprocess.run(command, capture_output=True, text=True, check=False).stdout  # some may have ended
        yield from (int(pid) for pid in said.split() if pid.isdigit() and pid != "0")


def _with_descendants(roots: set[int]) -> Iterator[int]:
    children = defaultdict(list)
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError):
            continue
        children[parent].append(int(stat.parent.name))
    waiting = list(roots)
    while waiting:
        pid = waiting.pop()
        yield pid
        waiting += children[pid]


def _peak(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), 0)
