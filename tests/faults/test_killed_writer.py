"""A process that writes to the store is killed with SIGKILL, at many moments."""

from __future__ import annotations

import os
import pickle
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dockerflow.store import journal, runs
from dockerflow.store.base import Store
from dockerflow.store.directory import create
from dockerflow.store.journal import JournalWriter
from dockerflow.store.records import TaskCreated
from tests.faults import store_writer
from tests.integration.store.kinds import Where, store_of
from tests.object_servers import Bucket, ObjectServer

KILLS = {"directory": 40, "minio": 10}


def killed_writer(where: Where, folder: Path, seed: int) -> list[list[str]]:
    """What a writer had said to be finished when it was killed: after some line, and a part of a millisecond."""
    dice = random.Random(seed)
    told = folder / "where"
    told.write_bytes(pickle.dumps(where))
    command = [sys.executable, "-m", store_writer.__name__, str(told), str(folder), str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        said = [writer.stdout.readline() for _ in range(dice.randrange(1, 60))]
        for _ in range(dice.randrange(20_000)):  # the moment within an operation
            pass
        os.kill(writer.pid, signal.SIGKILL)
        said += writer.stdout.readlines()
    return [line.split() for line in said if line.endswith("\n")]


@pytest.fixture(scope="module", params=list(KILLS))
def killed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, list[list[str]]]:
    """A store, and what its writers had said. None of them was killed before it had said something."""
    folder = tmp_path_factory.mktemp("killed")
    bucket = None
    if request.param == "minio":
        server: ObjectServer = request.getfixturevalue("minio")
        bucket = Bucket(server, server.bucket())
    where = store_of(request.param, folder / ".dockerflow", bucket)
    said = [line for seed in range(KILLS[request.param]) for line in killed_writer(where, folder, seed)]
    return where.open(), said


def test_every_blob_under_its_name_is_whole(killed: tuple[Store, list[list[str]]]) -> None:
    store, said = killed
    found = {blob.sha256 for blob in store.blobs.every()}
    for sha256 in found:
        store.blobs.verify(sha256)
    assert found >= {line[1] for line in said if line[0] in ("blob", "adopted")}


def test_every_blob_that_was_said_to_be_written_is_there(killed: tuple[Store, list[list[str]]]) -> None:
    store, said = killed
    for line in said:
        if line[0] in ("blob", "adopted"):
            assert store.blobs.has(line[1])


def test_every_journal_is_a_prefix_with_everything_that_was_flushed(
    killed: tuple[Store, list[list[str]]],
) -> None:
    store, said = killed
    flushed = {line[1]: int(line[2]) for line in said if line[0] == "record"}
    for run_id in runs.run_ids(store, "F"):
        records = journal.read(store, "F", run_id)
        assert records == [TaskCreated(float(number), "step", str(number)) for number in range(len(records))]
        assert len(records) > flushed.get(run_id, -1)
    assert flushed


def test_the_store_goes_on_after_the_kills(killed: tuple[Store, list[list[str]]]) -> None:
    store, _ = killed
    run_id = runs.new_run_id(store, "F")
    writer = JournalWriter(store, "F", run_id)
    writer.append(TaskCreated(0.0, "step", "0"))
    writer.close()
    assert runs.run_ids(store, "F")[0] == run_id


def test_a_kill_within_any_step_of_a_merge_leaves_the_journal_as_it_was(tmp_path: Path) -> None:
    """Every state of the journal's folder that a merge goes through, one file operation at a time."""
    store = create(tmp_path)
    writer = JournalWriter(store, "F", "1")
    records = [TaskCreated(float(number), "step", str(number)) for number in range(5)]
    for record in records:
        writer.append(record)
        writer.flush()
    folder = runs.journal_key("F", "1")
    merged = b"".join(store.get(f"{folder}/{name}") or b"" for name in store.children(folder))
    parts = store.children(folder)
    store.put(f"{folder}/0000000000-0000000004.jsonl", merged)
    for part in parts:
        assert journal.read(store, "F", "1") == records
        store.delete(f"{folder}/{part}")
    assert journal.read(store, "F", "1") == records
