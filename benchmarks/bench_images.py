"""How long a step's image takes here and with `docker build` and pip, side by side in one run, from the same files.

    python benchmarks/bench_images.py [--rounds 3] [--only pandas]

Both sides install the same wheels, which lie on this disk, upon the same Python: the image that dockerflow makes of a
lock with nothing but Python is the beginning of ours and the `FROM` of theirs, and is there before the clock starts.
Below it is a base made for this run, so nothing that the engine has from before helps either side.

- **dockerflow**: `ImageProvider.provide` on a lock of these wheels, in a process of its own, with a cache that has
  Python's layers and nothing else; from asking the engine to the engine having the image.
- **docker build**: a Dockerfile as one writes it for this: `COPY` the wheels, `pip install --no-index --find-links`.
  With BuildKit where a client here has it, and with the classic builder; the whole command.

Both leave bytecode for what they install; pip also for the packages' own tests, which dockerflow leaves as sources.

Cold: neither layers nor builder's cache. Changed: one wheel is another version, and the image from before is there.
Nothing changed: the same again. The sides take turns; the table has medians, and in brackets how often dockerflow's
fits into theirs. Memory is that of the largest process: ours, and pip's in theirs; the engine's own is not in it. Sent
are the bytes of layers, and in theirs of the wheels.
"""

from __future__ import annotations

import argparse
import hashlib
import pickle
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import cast

import docker
from docker_build import Builder, Measured, builders, pips_memory, python_image, unique_base
from packaging.utils import canonicalize_name

from dockerflow.environments.lock import Lock, LockedPackage
from dockerflow.environments.solver import solve
from dockerflow.environments.spec import EnvironmentSpec
from dockerflow.images.provide import ImageProvider
from dockerflow.progress import Event, ImageReady
from dockerflow.setup.channel import LocalChannel, Request, this_subdir
from dockerflow.setup.interpreter import matching
from dockerflow.setup.wheels import Resolution, resolve

# Wheels and the channel with Python, kept between runs.
KEPT = Path.home() / ".cache" / "dockerflow-bench"
PYTHON = "{}.{}".format(*sys.version_info[:2])

ENVIRONMENTS = {
    "pandas": ("pandas==2.2.3",),
    "pandas, scikit-learn": ("pandas==2.2.3", "scikit-learn==1.5.2"),
}
# Another version of one of the packages: of a small one that pandas needs, and of what was asked for.
CHANGES = {"small package changed": "pytz==2024.1", "pandas changed": "pandas==2.2.2"}
COLD, NOTHING = "cold", "nothing changed"
CASES = (COLD, *CHANGES, NOTHING)


def main() -> None:
    chosen = arguments()
    theirs = builders()
    heads = ["packages", "case", "dockerflow", *(f"docker build, {one.name}" for one in theirs)]
    print(
        line([*heads, "memory", "pip's", "sent", "wheels sent"]), line(["---"] * (len(heads) + 4)), sep="\n", flush=True
    )
    with tempfile.TemporaryDirectory(prefix="dockerflow-bench-") as name, unique_base(Path(name)) as base:
        folder = Path(name)
        python = python_lock()
        start = provided(python, base, folder / "python")
        with python_image(folder, start.reference, wheels("pip").wheels["pip"].path) as image:
            for packages in chosen.only or ENVIRONMENTS:
                sides = Sides(folder, base, image, python, packages, theirs)
                rounds = [sides.round(folder / f"cache-{number}") for number in range(chosen.rounds)]
                print(*rows(packages, rounds, theirs, sides), sep="\n", flush=True)
        removed([start.reference])


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured (default: 3)")
    parser.add_argument("--only", action="append", choices=ENVIRONMENTS, help="these packages alone")
    return parser.parse_args()


@dataclass(frozen=True)
class Sides:
    """One environment, to be made by dockerflow and by each of the builders."""

    folder: Path
    base: str
    image: str  # theirs begins here
    python: Lock  # ours begins here
    packages: str
    theirs: Sequence[Builder]

    def round(self, cache_dir: Path) -> dict[tuple[str, str], Measured]:
        """What each case takes by each side; nothing is left but what was there before."""
        shutil.copytree(self.folder / "python", cache_dir)
        found, references = {}, []
        try:
            for case in CASES:
                mine = provided(self.lock(case), self.base, cache_dir)
                found[case, "dockerflow"] = mine.measured
                references.append(mine.reference)
                for builder in self.theirs:
                    files = [wheel.path for wheel in self.resolution(case).wheels.values()]
                    names = [one.partition("==")[0] for one in ENVIRONMENTS[self.packages]]
                    found[case, builder.name] = builder.build(self.image, files, names, cached=(case == NOTHING))
        finally:
            removed([*references, *(builder.tag for builder in self.theirs)])
            shutil.rmtree(cache_dir)
        return found

    def lock(self, case: str) -> Lock:
        found = self.resolution(case)
        asked = [one.partition("==")[0] for one in ENVIRONMENTS[self.packages]]
        packages = (*self.python.packages, *(locked(name, found) for name in found.wheels))
        return Lock(self.python.platform, packages, tuple(sorted(asked)), self.python.channels, self.python.spec_hash)

    def resolution(self, case: str) -> Resolution:
        """The wheels of a case."""
        found = wheels(*ENVIRONMENTS[self.packages])
        if case not in CHANGES:
            return found
        name = CHANGES[case].partition("==")[0]
        return Resolution({**found.wheels, name: wheels(CHANGES[case]).wheels[name]}, found.markers)


@cache
def wheels(*requirements: str) -> Resolution:
    """Wheels of some requirements, and all that they need; downloaded once."""
    interpreter = matching(PYTHON)
    folder = KEPT / "wheels" / hashlib.sha256(" ".join((interpreter.version, *requirements)).encode()).hexdigest()[:16]
    done = folder / "done"
    found = resolve(() if done.exists() else requirements, interpreter.executable, interpreter.markers, folder)
    done.touch()
    return found


def python_lock() -> Lock:
    channel = LocalChannel(KEPT / "channel")
    channel.add([Request(PYTHON, ())])
    return solve(EnvironmentSpec(PYTHON, (), (channel.url,), this_subdir()))


def locked(name: str, found: Resolution) -> LockedPackage:
    wheel = found.wheels[name]
    needs = sorted({(canonicalize_name(one.name), str(one.specifier)) for one in found.dependencies(wheel)})
    sha256 = hashlib.sha256(wheel.path.read_bytes()).hexdigest()
    url, size = wheel.path.resolve().as_uri(), wheel.path.stat().st_size
    return LockedPackage("pip", canonicalize_name(name), str(wheel.version), "", url, sha256, None, size, tuple(needs))


@dataclass(frozen=True)
class Provided:
    reference: str
    measured: Measured


def provided(lock: Lock, base: str, cache_dir: Path) -> Provided:
    """Have the engine hold the image of `lock`, by a process of its own."""
    command = [sys.executable, __file__, "--provide", base, str(cache_dir)]
    done = subprocess.run(command, input=pickle.dumps(lock), stdout=subprocess.PIPE, check=True)
    return cast(Provided, pickle.loads(done.stdout))


def provide(base: str, cache_dir: str) -> None:
    """What that process does."""
    lock = pickle.load(sys.stdin.buffer)
    events: list[Event] = []
    client = docker.from_env()
    began = time.perf_counter()
    image = ImageProvider(client, base, Path(cache_dir)).provide(lock, events.append)
    seconds = time.perf_counter() - began
    sent = sum(event.bytes_sent for event in events if isinstance(event, ImageReady))
    pickle.dump(Provided(image.reference, Measured(seconds, peak_memory(), sent)), sys.stdout.buffer)


def peak_memory() -> int:
    """This process's, in KiB. What `getrusage` says begins with the memory of the process that it was forked from."""
    status = dict(one.split(":", 1) for one in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0])


def removed(references: Sequence[str]) -> None:
    client = docker.from_env()
    for reference in dict.fromkeys(references):
        client.images.remove(reference, force=True)


def rows(
    packages: str, rounds: Sequence[Mapping[tuple[str, str], Measured]], theirs: Sequence[Builder], sides: Sides
) -> Iterator[str]:
    files = [wheel.path for wheel in sides.resolution(COLD).wheels.values()]
    pips = pips_memory(sides.image, files)
    for case in CASES:
        mine = [one[case, "dockerflow"] for one in rounds]
        seconds = statistics.median(one.seconds for one in mine)
        cells = [packages, case, f"{seconds:.2f} s"]
        for builder in theirs:
            other = statistics.median(one[case, builder.name].seconds for one in rounds)
            cells.append(f"{other:.2f} s ({other / seconds:.1f}x)")
        memory = f"{max(one.memory for one in mine) / 1024:.0f} MiB"
        wheels_sent = max(one[case, theirs[0].name].sent for one in rounds)
        sent = max(one.sent for one in mine)
        yield line([*cells, memory, pips if case != NOTHING else "", megabytes(sent), megabytes(wheels_sent)])


def megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


def line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    if sys.argv[1:2] == ["--provide"]:
        provide(*sys.argv[2:])
    else:
        main()
