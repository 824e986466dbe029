"""How long a list of 1,000 runs takes, and reading the results of 1,200 tasks: from a directory and from MinIO.

    python benchmarks/bench_runs.py

The runs are written record by record, with twelve tasks each, to stores on one disk. The bucket is read by the host's
client, on the minio SDK, and by the small one of step containers. `limit` is what a list takes with the SDK alone: one
listing of all keys and one object for each run, got in sixteen threads.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT))  # the tests' object server

from dockerflow.client import Run, namespace, source  # noqa: E402
from dockerflow.store import manifest, overview  # noqa: E402
from dockerflow.store.base import Store  # noqa: E402
from dockerflow.store.journal import JournalWriter  # noqa: E402
from dockerflow.store.parallel import in_threads  # noqa: E402
from dockerflow.store.records import (  # noqa: E402
    AttemptFinished,
    AttemptStarted,
    RunFinished,
    RunStarted,
    StepRecord,
    TaskCreated,
)
from tests.integration.store.kinds import SMALL, Where, store_of  # noqa: E402
from tests.object_servers import Bucket, running  # noqa: E402

RUNS, WIDTH, TASKS, ROUNDS = 1000, 1200, 12, 3
STEPS = tuple(StepRecord(name, (), "What it does, in a few words. " * 3) for name in ("start", "work", "join", "end"))


def write_run(store: Store, run_id: str, values: int = 0) -> None:
    """With a result for each task, or with tasks that have none."""
    found = in_threads(lambda value: manifest.write(store.blobs, {"x": value}, {}), range(values))
    writer = JournalWriter(store, "F", run_id)
    writer.append(RunStarted(1.0, "F", run_id, "ada", "", "", STEPS, tags=("mine",)))
    for number, sha256 in enumerate(found or [None] * TASKS):
        writer.append(TaskCreated(2.0, "work", str(number)))
        writer.append(AttemptStarted(2.0, "work", str(number), 0))
        writer.append(AttemptFinished(3.0, "work", str(number), 0, ok=True, final=True, manifest=sha256))
    writer.append(RunFinished(4.0, "succeeded"))
    writer.close()


def fill(store: Store) -> None:
    in_threads(lambda number: write_run(store, str(number)), range(1, RUNS))
    write_run(store, str(RUNS), WIDTH)


def expect(found: int, wanted: int) -> None:
    if found != wanted:
        raise SystemExit(f"{found} were found, and there are {wanted}")


def list_runs(where: Where) -> None:
    expect(len(overview.of_flow(where.open(), "F")), RUNS)


def read_results(where: Where) -> None:
    source._known.clear()
    source._latest.clear()
    run = Run(f"F/{RUNS}", store=where.open())
    expect(sum(task["x"].data for task in run["work"]), sum(range(WIDTH)))


def limit(bucket: Bucket) -> None:
    client = bucket.server.client()
    keys = [str(found.object_name) for found in client.list_objects(bucket.name, recursive=True)]
    with ThreadPoolExecutor(16) as pool:
        got = list(pool.map(lambda key: client.get_object(bucket.name, key).data, (k for k in keys if "/runs/" in k)))
    expect(len(got), RUNS)


def seconds(work: Callable[[], None]) -> float:
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return statistics.median(took)


def main() -> None:
    namespace(None)
    with tempfile.TemporaryDirectory() as scratch, running("minio", Path(scratch) / "server" / "data") as server:
        bucket = Bucket(server, server.bucket())
        directory = store_of("directory", Path(scratch) / ".dockerflow", None)
        host = store_of("minio", Path(scratch) / "host", bucket)
        small = replace(store_of(SMALL, Path(scratch) / "small", bucket), place=host.place)
        fill(directory.open())
        fill(host.open())
        print(f"{'':28}{'directory':>12}{'MinIO, host':>14}{'MinIO, step':>14}{'limit':>10}")
        for what, work in ((f"list {RUNS:,} runs", list_runs), (f"results of {WIDTH:,} tasks", read_results)):
            took = [seconds(lambda where=where, work=work: work(where)) for where in (directory, host, small)]  # type: ignore[misc]
            last = f"{seconds(lambda: limit(bucket)):8.2f} s" if work is list_runs else ""
            print(f"{what:28}{took[0]:10.2f} s{took[1]:12.2f} s{took[2]:12.2f} s{last:>10}")


if __name__ == "__main__":
    main()
