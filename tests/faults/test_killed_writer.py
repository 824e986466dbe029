"""A process that writes to the store is killed with SIGKILL, at many moments."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dockerflow.store import journal, runs
from dockerflow.store.directory import DirectoryStore, create
from dockerflow.store.journal import JournalWriter
from dockerflow.store.records import TaskCreated
from tests.faults import store_writer

KILLS = 40


def killed_writer(store: DirectoryStore, seed: int) -> list[list[str]]:
    """What a writer had said to be finished when it was killed: after some line, and a part of a millisecond."""
    dice = random.Random(seed)
    command = [sys.executable, store_writer.__file__, str(store.root), str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        said = [writer.stdout.readline() for _ in range(dice.randrange(1, 60))]
        for _ in range(dice.randrange(20_000)):  # the moment within an operation
            pass
        os.kill(writer.pid, signal.SIGKILL)
        said += writer.stdout.readlines()
    return [line.split() for line in said if line.endswith("\n")]


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> tuple[DirectoryStore, list[list[str]]]:
    store = create(tmp_path_factory.mktemp("killed"))
    said = [line for seed in range(KILLS) for line in killed_writer(store, seed)]
    return store, said


def blobs_of(store: DirectoryStore) -> list[Path]:
    return [path for path in store.blobs.root.glob("??/*") if path.is_file()]


def test_every_blob_under_its_name_is_whole(killed: tuple[DirectoryStore, list[list[str]]]) -> None:
    store, _ = killed
    found = blobs_of(store)
    for path in found:
        assert path.parent.name == path.name[:2]
        store.blobs.verify(path.name)
    assert len(found) > KILLS


def test_every_blob_that_was_said_to_be_written_is_there(killed: tuple[DirectoryStore, list[list[str]]]) -> None:
    store, said = killed
    for line in said:
        if line[0] in ("blob", "adopted"):
            assert store.blobs.has(line[1])


def test_every_journal_is_a_prefix_with_everything_that_was_flushed(
    killed: tuple[DirectoryStore, list[list[str]]],
) -> None:
    store, said = killed
    flushed = {line[1]: int(line[2]) for line in said if line[0] == "record"}
    for run_id in runs.run_ids(store, "F"):
        records = journal.read(store, "F", run_id)
        assert records == [TaskCreated(float(number), "step", str(number)) for number in range(len(records))]
        assert len(records) > flushed.get(run_id, -1)
    assert flushed


def test_the_store_goes_on_after_the_kills(killed: tuple[DirectoryStore, list[list[str]]]) -> None:
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
