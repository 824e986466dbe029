"""What a killed scheduler leaves: how one sees that it is dead, and how its leftovers go."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dockerflow.store import files, runs
from dockerflow.store.directory import DirectoryStore, create
from dockerflow.store.errors import StoreError
from dockerflow.store.sweep import ABANDONED, sweep
from tests.faults import holder


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    return create(tmp_path)


@pytest.fixture
def run_id(store: DirectoryStore) -> str:
    return runs.new_run_id(store, "F")


@pytest.fixture
def scheduler(store: DirectoryStore, run_id: str) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the run."""
    command = [sys.executable, holder.__file__, str(store.root), run_id]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()


def outbox(store: DirectoryStore, run_id: str) -> Path:
    """The outbox of a run, with a file in the folder of a worker."""
    folder = runs.outbox_folder(store, "F", run_id)
    (folder / "1").mkdir(parents=True)
    (folder / "1" / "blob").write_bytes(b"x")
    return folder


def test_a_run_is_alive_while_its_scheduler_is(
    store: DirectoryStore, run_id: str, scheduler: subprocess.Popen[str]
) -> None:
    assert runs.is_alive(store, "F", run_id)
    kill(scheduler)
    assert not runs.is_alive(store, "F", run_id)


def test_a_run_is_alive_for_its_own_process_too_and_no_longer_than_it_is_held(
    store: DirectoryStore, run_id: str
) -> None:
    assert not runs.is_alive(store, "F", run_id)
    with runs.hold(store, "F", run_id):
        assert runs.is_alive(store, "F", run_id)
    assert not runs.is_alive(store, "F", run_id)
    assert store.children(runs.run_key("F", run_id)) == ["claim"]


def test_a_run_that_cannot_be_held_says_so(store: DirectoryStore, run_id: str) -> None:
    """The system refuses to write to a file, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        with pytest.raises(StoreError, match="cannot write"), runs.hold(store, "F", run_id):
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_process_that_a_scheduler_started_does_not_keep_its_run_alive(store: DirectoryStore, run_id: str) -> None:
    with runs.hold(store, "F", run_id):
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, close_fds=False)
    with child:
        assert not runs.is_alive(store, "F", run_id)
        child.communicate(b"\n")


def test_a_run_of_another_machine_might_be_alive(store: DirectoryStore, run_id: str) -> None:
    (store.root / runs.held_key("F", run_id)).write_text("another-machine")
    folder = outbox(store, run_id)
    assert runs.is_alive(store, "F", run_id)
    sweep(store)
    assert folder.exists()


def test_the_outbox_of_a_run_goes_when_its_scheduler_is_dead(
    store: DirectoryStore, run_id: str, scheduler: subprocess.Popen[str]
) -> None:
    folder = outbox(store, run_id)
    sweep(store)
    assert (folder / "1" / "blob").exists()
    kill(scheduler)
    sweep(store)
    assert not folder.exists()
    assert (store.root / runs.run_key("F", run_id) / "claim").exists()


@pytest.mark.parametrize("place", ["blobs", "locks", "runs/F/1", "runs/F/1/journal"])
def test_a_temporary_file_goes_when_nobody_has_written_to_it_for_a_day(store: DirectoryStore, place: str) -> None:
    folder = store.root / place
    folder.mkdir(parents=True, exist_ok=True)
    (store.root / "runs" / "F" / "1").mkdir(parents=True, exist_ok=True)
    (store.root / runs.held_key("F", "1")).touch()  # as a killed scheduler leaves it
    young, old, kept = (folder / name for name in (f"{files.TEMPORARY}young", f"{files.TEMPORARY}old", "kept"))
    for path in (young, old, kept):
        path.write_bytes(b"x")
        os.utime(path, (1000, 1000))
    os.utime(young, (1000 + ABANDONED, 1000 + ABANDONED))
    sweep(store, clock=lambda: 1500.0 + ABANDONED)
    assert young.exists()
    assert kept.exists()
    assert not old.exists()


def test_sweeping_a_store_that_is_not_there_makes_none(tmp_path: Path) -> None:
    sweep(DirectoryStore(tmp_path / "none"))
    assert not (tmp_path / "none").exists()
