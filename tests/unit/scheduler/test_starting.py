"""Starts of workers, when the engine is away for a while: told by a host that says what it is told to."""

from __future__ import annotations

import queue
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dockerflow import progress
from dockerflow.engines.errors import EngineError, EngineNotFound
from dockerflow.engines.process import ProcessHost
from dockerflow.engines.worker import Notify, Worker, WorkerRequest
from dockerflow.scheduler import starting
from dockerflow.scheduler.starting import NotStarted, Started, Starting


class Restarted(ProcessHost):
    """An engine that starts nothing, and is away as often as it is said to be, as seen from `is_away`."""

    def __init__(self, *errors: EngineError, away: int) -> None:
        super().__init__()
        self._errors = list(errors)
        self._away = away
        self.asked = 0

    def is_away(self) -> bool:
        self.asked += 1
        return self.asked <= self._away

    def start_worker(self, request: WorkerRequest, notify: Notify) -> Worker:
        if self._errors:
            raise self._errors.pop(0)
        return "a worker"  # type: ignore[return-value] - nobody uses it


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starting, "ASK_EVERY", 0.0)


def request(folder: Path) -> WorkerRequest:
    return WorkerRequest(1, "name", "", {}, "F", "flow.py", "", None, folder)


def outcome(host: Restarted, folder: Path) -> tuple[Any, list[progress.Event]]:
    told: queue.SimpleQueue[tuple[int, object]] = queue.SimpleQueue()
    noted: list[progress.Event] = []
    starts = Starting(host, lambda number, came: told.put((number, came)), noted.append)
    starts.start(7, request(folder), lambda request, said: None)
    number, came = told.get(timeout=30)
    starts.close()
    assert number == 7
    return came, noted


AWAY = EngineNotFound("no Docker engine answers")
REFUSED = EngineError("the engine does not want to")


def test_a_start_waits_for_an_engine_that_is_away_and_is_tried_again(tmp_path: Path) -> None:
    came, noted = outcome(Restarted(AWAY, away=5), tmp_path)
    assert isinstance(came, Started)
    assert noted == [progress.Noted("the engine `process` does not answer, and the run waits for it")]


def test_what_an_engine_refuses_is_not_tried_again(tmp_path: Path) -> None:
    assert outcome(Restarted(REFUSED, away=0), tmp_path) == (NotStarted(REFUSED), [])


def test_an_engine_that_stays_away_for_too_long_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starting, "PATIENCE", 0.0)
    came, _ = outcome(Restarted(AWAY, away=1_000_000), tmp_path)
    assert came == NotStarted(AWAY)


class Remote(Restarted):
    is_remote = True


def test_a_remote_host_is_waited_for_until_the_run_gives_it_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starting, "PATIENCE", 0.0)
    came, noted = outcome(Remote(AWAY, away=5), tmp_path)
    assert isinstance(came, Started)
    assert noted == []


def test_nobody_waits_for_an_engine_when_the_run_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starting, "ASK_EVERY", 600.0)
    told: queue.SimpleQueue[tuple[int, object]] = queue.SimpleQueue()
    waits: queue.SimpleQueue[progress.Event] = queue.SimpleQueue()
    starts = Starting(Restarted(AWAY, away=9), lambda number, came: told.put((number, came)), waits.put)
    starts.start(7, request(tmp_path), lambda request, said: None)
    waits.get(timeout=30)
    starts.close()
    assert told.get(timeout=30) == (7, NotStarted(AWAY))


def test_a_folder_that_cannot_be_made_fails_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    came, _ = outcome(Restarted(away=0), tmp_path / "file" / "outbox")
    assert isinstance(came, NotStarted)
    assert "cannot make the folder" in came.error.message


class OneByOne(ProcessHost):
    """An engine that starts a worker when it is told to, and keeps the order in which it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: queue.SimpleQueue[int] = queue.SimpleQueue()
        self.go = threading.Event()

    def start_worker(self, request: WorkerRequest, notify: Notify) -> Worker:
        self.asked.put(request.worker_id)
        assert self.go.wait(30)
        return "a worker"  # type: ignore[return-value] - nobody uses it


def test_a_worker_that_nobody_waits_for_is_started_after_those_that_were_asked_for_before(tmp_path: Path) -> None:
    host, told = OneByOne(), queue.SimpleQueue[tuple[int, object]]()
    starts = Starting(host, lambda number, came: told.put((number, came)), lambda event: None)
    for number, ahead in ((1, False), (2, True), (3, False)):
        starts.start(number, replace(request(tmp_path), worker_id=number), lambda request, said: None, ahead)
    assert {host.asked.get(timeout=30), host.asked.get(timeout=30)} == {1, 3}
    host.go.set()
    assert host.asked.get(timeout=30) == 2
    assert {told.get(timeout=30)[0] for _ in range(3)} == {1, 2, 3}
    starts.close()
