"""A log is shown as it is read, from a folder and from a bucket: however large it is, little of it is in memory."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from dockerflow.runtime.messages import Log
from dockerflow.scheduler.logs import Logs
from dockerflow.store import log, runs
from dockerflow.store.base import Store
from dockerflow.store.records import AttemptFinished, AttemptStarted, LogLine
from tests.integration.store import kinds
from tests.integration.store.kinds import Where
from tests.unit.client.runs_by_hand import FLOW, RunByHand

BATCH = 10_000  # lines, of 100 characters

# The program's last words are its peak of memory in KiB: `ru_maxrss` would be that of these tests.
MEASURED = """
import pathlib, re, sys
{program}
status = pathlib.Path("/proc/self/status").read_text()
print(re.search("VmHWM:[^0-9]*([0-9]+)", status)[1], file=sys.stderr)
"""
COMMAND = "from dockerflow.cli.main import main\nassert main(sys.argv[1:]) == 0"
CLIENT = """
from dockerflow import Task
task = Task(sys.argv[1], _namespace_check=False)
assert task.stdout_size == 20_000_000
for moment, text in task.loglines("stdout"):
    print(text)
"""


@pytest.fixture(params=[kinds.DIRECTORY, "minio"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Where:
    server = kinds.BUCKETS.get(request.param)
    bucket = request.getfixturevalue(f"{server}_bucket") if server else None
    return kinds.store_of(request.param, tmp_path / ".dockerflow", bucket)


@pytest.fixture
def variables(where: Where, request: pytest.FixtureRequest) -> Mapping[str, str]:
    """The environment of a user of the store, on another machine where it is a bucket."""
    store = {"STORE": str(where.folder)}
    if where.place is not None:
        place = where.place
        store = {
            "STORE": f"s3://{place.bucket}/{place.prefix}",
            "S3_ENDPOINT": place.endpoint,
            "S3_ACCESS_KEY": where.access_key,
            "S3_SECRET_KEY": where.secret_key,
            "S3_REGION": place.region,
        }
    return {**os.environ, **{f"DOCKERFLOW_{name}": value for name, value in store.items()}}


def batches(count: int) -> Iterator[tuple[LogLine, ...]]:
    for number in range(count):
        lines = range(number * BATCH, (number + 1) * BATCH)
        yield tuple(LogLine(1_700_000_000.0 + number, "stdout", f"{line:099d}") for line in lines)


def begun(store: Store) -> RunByHand:
    run = RunByHand(store, runs.new_run_id(store, FLOW))
    run.create("start", "1")
    run.journal.append(AttemptStarted(run.tick(), "start", "1", 0, "box", "local"))
    run.journal.flush()
    return run


def ended(store: Store, count: int) -> RunByHand:
    run = begun(store)
    blob = store.blobs.put(map(log.encode_lines, batches(count)))
    run.journal.append(AttemptFinished(run.tick(), "start", "1", 0, ok=True, final=True, manifest=None, log=blob))
    run.finish()
    return run


def shown(program: str, variables: Mapping[str, str], *words: str) -> tuple[str, int]:
    """The hash of what it prints, and its peak of memory in MiB."""
    command = [sys.executable, "-c", MEASURED.format(program=program), *words]
    hashed = hashlib.sha256()
    with subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        for piece in iter(lambda: process.stdout.read(1 << 16), b""):  # type: ignore[union-attr]
            hashed.update(piece)
        told = process.stderr.read().decode()
    assert process.returncode == 0, told
    return hashed.hexdigest(), int(told) >> 10


def expected(count: int) -> str:
    hashed = hashlib.sha256()
    for lines in batches(count):
        hashed.update("".join(f"{line.text}\n" for line in lines).encode())
    return hashed.hexdigest()


def test_a_log_of_150_mb_is_shown_in_little_memory(tmp_path: Path) -> None:
    store = kinds.store_of(kinds.DIRECTORY, tmp_path / ".dockerflow", None)
    run = ended(store.open(), 150)
    variables = {**os.environ, "DOCKERFLOW_STORE": str(store.folder)}
    printed, peak = shown(COMMAND, variables, "logs", f"{FLOW}/{run.run_id}/start/1")
    assert printed == expected(150)
    assert peak < 90


@pytest.mark.parametrize("option", ["--stdout", "--timestamps", "--json"])
def test_a_log_of_20_mb_takes_no_more_memory_than_one_of_1_mb(
    store: Store, variables: Mapping[str, str], option: str
) -> None:
    """As objects its lines would be 45 MiB."""
    large, small = (ended(store, count) for count in (20, 1))
    printed, peak = shown(COMMAND, variables, "logs", f"{FLOW}/{large.run_id}", option)
    _, least = shown(COMMAND, variables, "logs", f"{FLOW}/{small.run_id}", option)
    assert peak < least + 15
    if option == "--stdout":
        assert printed == expected(20)


def test_a_log_that_grows_is_shown_in_little_memory(store: Store, variables: Mapping[str, str]) -> None:
    run = begun(store)
    logs = Logs(store, FLOW, run.run_id)
    for lines in batches(20):
        logs.add(Log("start", "1", 0, lines))
    logs.close()
    with runs.hold(store, FLOW, run.run_id):
        printed, peak = shown(COMMAND, variables, "logs", f"{FLOW}/{run.run_id}/start/1")
    assert printed == expected(20)
    assert peak < 110


def test_the_client_reads_a_log_line_by_line(store: Store, variables: Mapping[str, str]) -> None:
    run = ended(store, 20)
    printed, peak = shown(CLIENT, variables, f"{FLOW}/{run.run_id}/start/1")
    assert printed == expected(20)
    assert peak < 90
