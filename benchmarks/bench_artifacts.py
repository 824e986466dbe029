"""What it takes to bring a large value from one step to the next, here and with Metaflow, side by side in one run.

    python benchmarks/bench_artifacts.py [--rounds 3] [--only array]

A step assigns a value, and the next one reads all of it: measured is from the last line of the one to the end of
reading in the other, so the start of the next task is in it. The sides take turns, with another value in each round;
the table has medians, and in brackets how often that of dockerflow, or the limit, fits in.

- **dockerflow**: store in a directory and in MinIO; steps in processes of the very Python that Metaflow has, and in
  containers with the pandas of the test channel.
- **Metaflow**: its local datastore.
- **the limit** in a directory: the value's bytes written to a file, their sha256, the file mapped and read. In MinIO:
  put and got by the minio SDK, and read. The bytes are those that dockerflow stores for the value.

Memory is what the largest process has more than in a run with a value of one element. MinIO and all stores are on one
disk; nobody waits until that has written.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import mmap
import os
import re
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import minio
import numpy as np
from peak import Ended, watched

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT))  # the tests' channel and object server

from tests.channel import PANDAS_NEW, PYTHON, local_channel  # noqa: E402
from tests.object_servers import ObjectServer, running  # noqa: E402

MIB = 2**20

VALUES = {
    "array": (
        "512 MiB of float64",
        64 * MIB,
        "np.random.default_rng(self.seed).random(self.size)",
        "float(value.sum())",
    ),
    "frame": (
        "DataFrame, 1,000,000 rows of mixed columns",
        1_000_000,
        "frame(self.size, self.seed)",
        "[value[name].iloc[:: 97].tolist() for name in value]",
    ),
    "small": ("100 small artifacts", 100, "None", "sum(getattr(self, f'small_{each}') for each in range(self.size))"),
}

FLOW = """
import time

{libraries}
from {package} import FlowSpec, Parameter{imports}, step
{decorator}

class Bench(FlowSpec):
    size = Parameter("size", type=int)
    seed = Parameter("seed", type=int)

    @step
    def start(self):
        self.value = {value}
        {small}
        self.began = time.time()
        self.next(self.end)

    @step
    def end(self):
        value = self.value
        found = {use}
        print("TOOK", time.time() - self.began, flush=True)


def frame(rows, seed):
    some = np.random.default_rng(seed)
    words = np.array(["north", "south", "east", "west", "somewhere else"], dtype=object)
    return pd.DataFrame({{
        "id": np.arange(rows),
        "price": some.random(rows),
        "count": some.integers(0, 1000, rows, dtype=np.int32),
        "sold": some.random(rows) < 0.5,
        "when": pd.Timestamp("2020") + pd.to_timedelta(some.integers(0, 10**8, rows), unit="s"),
        "place": pd.Categorical(words[some.integers(0, 5, rows)]),
        "name": [f"customer {{each}}" for each in some.integers(0, 10**6, rows)],
        "rated": pd.array(some.integers(0, 5, rows), dtype="Int64"),
    }})


if __name__ == "__main__":
    Bench()
"""


# At the top of the file, as users have them: a worker imports them before it is given a task.
LIBRARIES = {"array": "import numpy as np", "frame": "import numpy as np\nimport pandas as pd"}


@dataclass(frozen=True)
class Side:
    """Who runs the flow: `store` is `directory` or `minio` here; Metaflow has its own."""

    name: str
    store: str = ""
    engine: str = ""


SIDES = (
    Side("directory, processes", "directory", "process"),
    Side("directory, containers", "directory", "docker"),
    Side("MinIO, processes", "minio", "process"),
    Side("MinIO, containers", "minio", "docker"),
    Side("Metaflow"),
)


@dataclass(frozen=True)
class Measured:
    seconds: float
    peak: int
    stored: int  # bytes
    objects: int


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured (default: 3)")
    parser.add_argument("--only", action="append", choices=VALUES, help="these values alone")
    parser.add_argument("--side", action="append", choices=[side.name for side in SIDES], help="these sides alone")
    chosen = parser.parse_args()
    sides = tuple(side for side in SIDES if not chosen.side or side.name in chosen.side)
    with tempfile.TemporaryDirectory(prefix="dockerflow-bench-") as name:
        folder = Path(name)
        with running("minio", folder / "server" / "data") as server:
            for value in chosen.only or VALUES:
                Bench(folder, server, value, sides).table(chosen.rounds)


class Bench:
    """One value, brought from step to step by every side."""

    def __init__(self, folder: Path, server: ObjectServer, value: str, sides: tuple[Side, ...]) -> None:
        self.folder, self.server, self.value, self.sides = folder, server, value, sides
        self.title, self.size, *_ = VALUES[value]
        self.seed = 0

    def table(self, rounds: int) -> None:
        for side in self.sides:
            if side.engine == "docker":
                self.run(side, 1)  # makes the image
        empty = {side: self.run(side, 1) for side in self.sides}
        found: dict[Side, list[Measured]] = {side: [] for side in self.sides}
        limits: dict[str, list[float]] = {"directory": [], "minio": []}
        for _ in range(rounds):
            self.seed += 1
            for side in self.sides:
                found[side].append(self.run(side, self.size))
            if self.value != "small":
                data = np.random.default_rng(self.seed).bytes(found[self.sides[0]][-1].stored)
                limits["directory"].append(self.limit(data))
                limits["minio"].append(self.sdk(data))
        print(f"\n{self.title}\n", flush=True)
        self.print_rows(empty, found, {name: statistics.median(all_) for name, all_ in limits.items() if all_})

    def print_rows(
        self, empty: dict[Side, Measured], found: dict[Side, list[Measured]], limits: dict[str, float]
    ) -> None:
        theirs = _median(found[SIDES[-1]]) if SIDES[-1] in found else 0.0
        line("", "seconds", "with 1 element", "Metaflow", "the limit", "memory", "stored", "objects (with 1 element)")
        line(*["---"] * 8)
        for side in self.sides:
            seconds, last = _median(found[side]), found[side][-1]
            more = max(each.peak for each in found[side]) - empty[side].peak
            limit = limits.get(side.store)
            line(
                side.name,
                f"{seconds:.2f}",
                f"{empty[side].seconds:.2f}",
                f"{theirs / seconds:.1f}x" if side.store and theirs else "",
                f"{limit:.2f} ({seconds / limit:.2f}x)" if limit else "",
                f"{more / MIB:.0f} MiB",
                f"{last.stored / MIB:.1f} MiB",
                f"{last.objects} ({empty[side].objects})",
            )

    def run(self, side: Side, size: int) -> Measured:
        with tempfile.TemporaryDirectory(prefix="flow-", dir=self.folder) as name:
            folder = Path(name)
            (folder / "flow.py").write_text(self.source(side))
            words = ["--size", str(size), "--seed", str(self.seed)]
            if not side.store:
                ended = watched([sys.executable, "flow.py", "run", *words], folder, variables(folder), False)
                stored, objects = files(folder / ".metaflow" / "Bench" / "data")
                return Measured(took(ended), ended.peak, stored, objects)
            bucket = self.server.bucket() if side.store == "minio" else ""
            command = [str(Path(sys.executable).with_name("dockerflow")), "run", "flow.py", *words]
            command += ["--engine", side.engine, "--store", f"s3://{bucket}" if bucket else str(folder / "store")]
            of_server = {
                "DOCKERFLOW_S3_ENDPOINT": self.server.endpoint,
                "DOCKERFLOW_S3_ACCESS_KEY": self.server.access_key,
                "DOCKERFLOW_S3_SECRET_KEY": self.server.secret_key,
            }
            ended = watched(command, folder, {**variables(folder), **of_server}, side.engine == "docker")
            stored, objects = self.in_bucket(bucket) if bucket else files(folder / "store" / "blobs")
            return Measured(took(ended), ended.peak, stored, objects)

    def source(self, side: Side) -> str:
        _, _, value, use = VALUES[self.value]
        libraries = f'@conda_base(python="{PYTHON}", libraries={{"pandas": "{PANDAS_NEW}"}})'
        return FLOW.format(
            package="dockerflow" if side.store else "metaflow",
            imports=", conda_base" if side.engine == "docker" else "",
            decorator=libraries if side.engine == "docker" else "",
            libraries=LIBRARIES.get(self.value, ""),
            value=value,
            small="[setattr(self, f'small_{each}', each + self.seed) for each in range(self.size)]"
            if self.value == "small"
            else "",
            use=use,
        )

    def limit(self, data: bytes) -> float:
        """Write, hash, map and read these bytes."""
        path = self.folder / "limit"
        began = time.perf_counter()
        path.write_bytes(data)
        hashlib.sha256(data).hexdigest()
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY) as mapped:
            read_all(mapped)
        seconds = time.perf_counter() - began
        path.unlink()
        return seconds

    def sdk(self, data: bytes) -> float:
        """Put and get these bytes by the minio SDK, and read them."""
        client, bucket = self.server.client(), self.server.bucket()
        began = time.perf_counter()
        client.put_object(bucket, "limit", io.BytesIO(data), len(data))
        with client.get_object(bucket, "limit") as answer:
            read_all(answer.read())
        seconds = time.perf_counter() - began
        empty_bucket(client, bucket)
        return seconds

    def in_bucket(self, bucket: str) -> tuple[int, int]:
        client = self.server.client()
        sizes = [each.size or 0 for each in client.list_objects(bucket, "blobs/", recursive=True)]
        empty_bucket(client, bucket)
        return sum(sizes), len(sizes)


def variables(folder: Path) -> dict[str, str]:
    others = {name: value for name, value in os.environ.items() if not name.startswith(("DOCKERFLOW_", "METAFLOW_"))}
    return {
        **others,
        "METAFLOW_USER": "bench",
        "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(folder),
        "DOCKERFLOW_CHANNELS": local_channel().url,
    }


def took(ended: Ended) -> float:
    said = re.search(r"TOOK ([\d.]+)", ended.stdout)
    if said is None:
        raise RuntimeError(f"the last step said nothing:\n{ended.stdout[-3000:]}")
    return float(said.group(1))


def files(folder: Path) -> tuple[int, int]:
    """How many bytes are below a folder, and in how many files."""
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    return sum(sizes), len(sizes)


def empty_bucket(client: minio.Minio, bucket: str) -> None:
    for each in client.list_objects(bucket, recursive=True):
        client.remove_object(bucket, str(each.object_name))


def read_all(data: bytes | mmap.mmap) -> None:
    whole = len(data) // 8 * 8
    float(np.frombuffer(data, dtype=np.uint64, count=whole // 8).sum())


def _median(found: list[Measured]) -> float:
    return statistics.median(each.seconds for each in found)


def line(*cells: str) -> None:
    print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
