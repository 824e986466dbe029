"""What workers leave is kept in their own threads: none waits for another, and what one says keeps its order."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from dockerflow import progress
from dockerflow.engines.worker import WorkerEnded, WorkerRequest
from dockerflow.runtime.messages import Log, TaskResult
from dockerflow.scheduler.keeping import Ended, Keeping, Returned
from dockerflow.scheduler.logs import Logs
from dockerflow.scheduler.tagging import Tagging
from dockerflow.store import log
from dockerflow.store.blobs import Blobs
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.records import LogLine

PATIENCE = 60.0


class Meeting(DirectoryStore):
    """A store in which nothing is adopted before two adopt at a time."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        met = threading.Barrier(2, timeout=PATIENCE)
        adopt = self.blobs.adopt

        def adopt_together(outbox, sha256):
            met.wait()
            adopt(outbox, sha256)

        self.blobs.adopt = adopt_together  # type: ignore[method-assign]


class Scene:
    def __init__(self, folder: Path, store: DirectoryStore, kind: type[Logs] = Logs) -> None:
        self.folder, self.store = folder, store
        self.heard: list[tuple[int, object]] = []
        self.logs, tagging = kind(store, "F", "1"), Tagging(store, progress.ignore)
        self.keeping = Keeping(store, self.logs, tagging, lambda *heard: self.heard.append(heard))

    def request(self, number: int) -> WorkerRequest:
        outbox = self.folder / str(number)
        return WorkerRequest(number, f"w{number}", "", {}, "F", "flow.py", "code", self.store.blobs.root, outbox)

    def result(self, number: int, *values: bytes) -> TaskResult:
        """Of the task that the worker with this number has, which has written `values`."""
        outbox = Blobs(self.folder / "none", self.folder / str(number))
        return TaskResult("s", str(number), 0, ok=True, blobs=tuple(outbox.put([value]) for value in values))

    def says(self, number: int, *said: object) -> threading.Thread:
        """A worker says these things, in a thread of its own."""
        self.keeping.expect(number, (str(number), 0))
        request = self.request(number)
        talking = threading.Thread(target=lambda: [self.keeping.hear(request, each) for each in said])
        talking.start()
        return talking


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path, DirectoryStore(tmp_path / "store"))


def line(number: int) -> Log:
    return Log("s", str(number), 0, (LogLine(1.0, "stdout", "a line"),))


def test_one_worker_does_not_wait_for_what_another_leaves(tmp_path):
    scene = Scene(tmp_path, Meeting(tmp_path / "store"))
    talking = [scene.says(number, scene.result(number, bytes([number]))) for number in (1, 2)]
    for thread in talking:
        thread.join(PATIENCE)
    assert sorted(number for number, _ in scene.heard) == [1, 2]
    assert all(isinstance(heard, Returned) and heard.result.ok for _, heard in scene.heard)


def test_the_end_of_a_worker_does_not_overtake_its_result(scene):
    result = scene.result(1, b"value")
    scene.says(1, line(1), result, WorkerEnded(0)).join(PATIENCE)
    printed, returned, ended = (heard for _, heard in scene.heard)
    assert printed == line(1)
    assert isinstance(returned, Returned)
    assert returned.log is not None
    assert [each.text for each in log.read(scene.store.blobs, returned.log)] == ["a line"]
    assert scene.store.blobs.has(result.blobs[0])
    assert isinstance(ended, Ended)
    assert ended.log is None  # it was the result's


def test_a_worker_that_ends_before_its_task_leaves_what_it_printed(scene):
    scene.says(1, line(1), WorkerEnded(137)).join(PATIENCE)
    _, ended = scene.heard[-1]
    assert isinstance(ended, Ended)
    assert ended.log is not None
    assert ended.failure.kind == "lost"


def test_what_a_worker_says_of_another_task_is_dropped(scene):
    result = scene.result(2, b"value")
    scene.says(1, line(2), result).join(PATIENCE)
    assert scene.heard == []
    assert not scene.store.blobs.has(result.blobs[0])


def test_a_result_counts_once(scene):
    result = scene.result(1, b"value")
    scene.says(1, result, result).join(PATIENCE)
    assert len(scene.heard) == 1


def test_what_is_not_what_its_hash_says_fails_the_attempt_alone(scene):
    result = scene.result(1, b"value")
    (scene.folder / "1" / result.blobs[0]).unlink()
    scene.says(1, result).join(PATIENCE)
    ((_, returned),) = scene.heard
    assert isinstance(returned, Returned)
    assert returned.result.failure is not None
    assert returned.result.failure.kind == "artifact"


def test_when_the_run_is_over_a_log_that_nobody_asked_for_stays_a_file(scene):
    """It is what there is to read of an attempt that no record ends."""
    scene.says(1, line(1)).join(PATIENCE)
    scene.keeping.close()
    scene.says(1, line(1), WorkerEnded(137)).join(PATIENCE)
    _, ended = scene.heard[-1]
    assert isinstance(ended, Ended)
    assert ended.log is None
    (kept,) = (scene.store.scratch / "runs" / "F" / "1" / "logs").iterdir()
    assert len(log.decode_lines(kept.read_bytes())) == 1


class Stuck(Logs):
    """The log of one task is on a disk that takes nothing until it is told to."""

    def __init__(self, *place: Any) -> None:
        super().__init__(*place)
        self.reached, self.goes_on = threading.Event(), threading.Event()

    def add(self, log: Log) -> None:
        if log.task_id == "1":
            self.reached.set()
            assert self.goes_on.wait(PATIENCE)
        super().add(log)


def test_what_one_task_prints_does_not_wait_for_what_another_does(tmp_path):
    scene = Scene(tmp_path, DirectoryStore(tmp_path / "store"), Stuck)
    assert isinstance(scene.logs, Stuck)
    slow = scene.says(1, line(1))
    assert scene.logs.reached.wait(PATIENCE)
    scene.says(2, line(2)).join(PATIENCE)
    assert scene.heard == [(2, line(2))]
    scene.logs.goes_on.set()
    slow.join(PATIENCE)
    assert scene.heard == [(2, line(2)), (1, line(1))]
    scene.keeping.close()
