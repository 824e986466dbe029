"""What a running attempt prints can be read by whoever can read the store, also from another machine."""

from __future__ import annotations

import multiprocessing
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest

from dockerflow.runtime.messages import Log
from dockerflow.scheduler import log_pieces
from dockerflow.scheduler.log_pieces import LogPieces
from dockerflow.scheduler.logs import Logs
from dockerflow.store import log, runs
from dockerflow.store.base import Store
from dockerflow.store.errors import StoreError
from dockerflow.store.history import Attempt
from dockerflow.store.records import LogLine
from tests.integration.store.kinds import Where

LIMIT = 60.0  # seconds that something may take on a machine that is busy


@pytest.fixture
def elsewhere(where: Where, tmp_path: Path) -> Store:
    """The store as another machine sees it."""
    return (where if where.place is None else replace(where, folder=tmp_path / "elsewhere")).open()


def lines(count: int) -> list[LogLine]:
    return [LogLine(float(number), "stdout", f"line {number}") for number in range(count)]


def seen(store: Store) -> list[LogLine]:
    return list(log.of_attempt(store, "F", "1", "7", Attempt(0)))


def wait_for(store: Store, expected: list[LogLine]) -> None:
    deadline = time.monotonic() + LIMIT
    while seen(store) != expected:
        assert time.monotonic() < deadline


def add(logs: Logs, some: list[LogLine]) -> None:
    logs.add(Log("step", "7", 0, tuple(some)))


def test_what_was_printed_when_the_scheduler_let_go_can_be_read_elsewhere(store: Store, elsewhere: Store) -> None:
    assert seen(elsewhere) == []
    logs = Logs(store, "F", "1")
    add(logs, lines(3))
    logs.close()
    assert seen(elsewhere) == seen(store) == lines(3)


def test_a_log_that_grows_is_seen_elsewhere_as_far_as_it_is(
    store: Store, elsewhere: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In many pieces, of which the last changes: every reading is a prefix of what was printed."""
    monkeypatch.setattr(log_pieces, "PIECE", 100)
    monkeypatch.setattr(log_pieces.LogPieces.__init__, "__defaults__", (0.001,))
    logs = Logs(store, "F", "1")
    before = 0
    for number in range(40):
        add(logs, lines(40)[number : number + 1])
        found = seen(elsewhere)
        assert found == lines(40)[: len(found)]
        assert len(found) >= before
        before = len(found)
    wait_for(elsewhere, lines(40))
    logs.close()
    assert seen(elsewhere) == lines(40)


def test_a_log_that_is_a_blob_has_no_pieces(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_pieces, "PIECE", 100)
    monkeypatch.setattr(log_pieces.LogPieces.__init__, "__defaults__", (0.001,))
    logs = Logs(store, "F", "1")
    add(logs, lines(30))
    wait_for(store, lines(30))
    sha256 = logs.keep("7", 0)
    assert sha256 is not None
    logs.close()
    assert list(log.read(store.blobs, sha256)) == lines(30)
    assert store.keys(f"{runs.run_key('F', '1')}/logs") == []


def print_for_ever(where: Where) -> None:
    store = where.open()
    logs = Logs(store, "F", "1")
    if logs._pieces is not None:
        logs._pieces = LogPieces(store, "F", "1", every=0.01)
    add(logs, lines(3))
    signal.pause()


def test_what_a_killed_scheduler_leaves_can_be_read(where: Where, elsewhere: Store) -> None:
    process = multiprocessing.get_context("spawn").Process(target=print_for_ever, args=(where,))
    process.start()
    try:
        wait_for(elsewhere, lines(3))
    finally:
        process.kill()
        process.join()
    assert seen(elsewhere) == lines(3)


def test_a_piece_that_could_not_be_sent_is_sent_by_the_next_look(
    store: Store, elsewhere: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that is away for a while: what its client raises in the end."""
    put, fails = store.put, [True]

    def failing(key: str, data: bytes, durable: bool = False) -> None:
        if fails.pop():
            fails.append(False)
            raise StoreError("no answer")
        fails.append(False)
        put(key, data, durable)

    monkeypatch.setattr(store, "put", failing)
    file = tmp_path / "log"
    file.write_bytes(log.encode_lines(lines(3)))
    sending = LogPieces(store, "F", "1", every=0.001)
    sending.follow(("7", 0), file)
    if not store.shows_scratch:
        wait_for(elsewhere, lines(3))
    sending.close()
