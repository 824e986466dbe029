"""Who writes a run is known to live as long as it does, however it ends."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from dockerflow.store import runs
from dockerflow.store.base import Store
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.s3_store import S3Store
from tests.integration.store import holder
from tests.integration.store.kinds import Where, store_of

LIMIT = 60.0  # seconds that something may take on a machine that is busy
LIFE = 3.0

# Processes there have numbers of their own: as on another machine.
ELSEWHERE = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]


@contextmanager
def scheduler(where: Where, tmp_path: Path, prefix: list[str] | None = None) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the run."""
    told = tmp_path / "where"
    told.write_bytes(pickle.dumps(where))
    command = [*(prefix or []), sys.executable, "-m", holder.__name__, str(told), "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_run_is_alive_while_its_scheduler_is(where: Where, store: Store, tmp_path: Path) -> None:
    """On the scheduler's own machine a kill is seen at once."""
    with scheduler(where, tmp_path) as process:
        assert runs.is_alive(store, "F", "1")
        process.kill()
        process.wait()
        assert not runs.is_alive(store, "F", "1")


def test_a_run_is_alive_for_its_own_process_too_and_no_longer_than_it_is_held(store: Store) -> None:
    assert not runs.is_alive(store, "F", "1")
    with runs.hold(store, "F", "1"):
        assert runs.is_alive(store, "F", "1")
    assert not runs.is_alive(store, "F", "1")
    assert store.children(runs.run_key("F", "1")) == []


def test_a_process_that_a_scheduler_started_does_not_keep_its_run_alive(store: Store) -> None:
    with runs.hold(store, "F", "1"):
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, close_fds=False)
    with child:
        assert not runs.is_alive(store, "F", "1")
        child.communicate(b"\n")


@pytest.fixture(params=["minio", "versitygw"])
def short(request: pytest.FixtureRequest, tmp_path: Path) -> Where:
    """A bucket, in which a life is short."""
    bucket = request.getfixturevalue(f"{request.param}_bucket")
    return replace(store_of(request.param, tmp_path / "scratch", bucket), life=LIFE)


def test_a_scheduler_on_another_machine_lives_as_long_as_it_says_so(short: Where, tmp_path: Path) -> None:
    """By the server's clock: longer than a life without a sign, and no longer than one after the last."""
    store = short.open()
    assert isinstance(store, S3Store)
    with scheduler(short, tmp_path, ELSEWHERE) as process:
        began = last = modified(store)
        deadline = time.monotonic() + LIMIT
        while last - began < LIFE + 1:
            assert runs.is_alive(store, "F", "1")
            last = modified(store)
            assert time.monotonic() < deadline
        process.kill()
        process.wait()
        last = modified(store)
        while runs.is_alive(store, "F", "1"):
            assert time.monotonic() < deadline
        assert store.objects.now() - last >= LIFE


def modified(store: S3Store) -> float:
    info = store.objects.head(runs.held_key("F", "1"))
    assert info is not None
    return info.modified


def test_a_number_that_another_process_got_is_not_its_owner(short: Where) -> None:
    """The owner was killed, and its number was given to another process of this machine."""
    store = short.open()
    assert isinstance(store, S3Store)
    with store.hold("held"):
        told = store.get("held") or b""
    assert b'"began"' in told
    store.put("held", told.replace(b'"began": "', b'"began": "1'))
    assert not store.is_held("held")


def test_an_owner_that_nobody_can_look_at_lives_for_a_while(short: Where) -> None:
    store = short.open()
    store.put("held", b"something else")
    assert store.is_held("held")


# ---- a folder that several machines share

# The name of a machine, as another has it.
CALLED_ELSE = ["unshare", "--uts", "sh", "-ec", 'hostname elsewhere; exec "$@"', "sh"]


@pytest.fixture
def shared(tmp_path: Path) -> Where:
    """A folder, in which a life is short."""
    return replace(store_of("directory", tmp_path / "store", None), life=LIFE)


def test_a_scheduler_killed_on_another_machine_is_dead_after_its_last_sign_of_life(
    shared: Where, tmp_path: Path
) -> None:
    """By the clock of the file system. What is not locked may be locked where one does not see it."""
    store = shared.open()
    assert isinstance(store, DirectoryStore)
    held = store.root / runs.held_key("F", "1")
    with scheduler(shared, tmp_path, CALLED_ELSE) as process:
        began = held.stat().st_mtime
        deadline = time.monotonic() + LIMIT
        while held.stat().st_mtime - began < LIFE + 1:
            assert runs.is_alive(store, "F", "1")
            assert time.monotonic() < deadline
        process.kill()
        process.wait()
        last = held.stat().st_mtime
        while runs.is_alive(store, "F", "1"):
            assert time.monotonic() < deadline
        assert time.time() - last >= LIFE - 1
    os.utime(held)
    assert runs.is_alive(store, "F", "1"), "it has given a sign of life"
    assert os.listdir(held.parent) == ["held"]
