"""The loop with hosts that misbehave: it must neither hang nor lose the run's last word."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from dockerflow import progress
from dockerflow.engines.process import ProcessHost
from dockerflow.engines.worker import Notify, Worker, WorkerEnded, WorkerRequest
from dockerflow.scheduler import values as v
from dockerflow.scheduler.loop import Inbox, Loop
from dockerflow.scheduler.state import Run
from dockerflow.store import code_package, journal, manifest
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.errors import StoreError
from dockerflow.store.records import RunFinished

FLOW = """
from dockerflow import FlowSpec, step

class One(FlowSpec):
    @step
    def start(self):
        print("a line")
        self.next(self.end)

    @step
    def end(self):
        pass
"""


class Full(DirectoryStore):
    """A store in which, once `full` is set, nothing fits any more but the journal."""

    full = False

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        put = self.blobs.put

        def refusing(chunks):
            if self.full:
                raise StoreError("no space left on device")
            return put(chunks)

        self.blobs.put = refusing  # type: ignore[method-assign]


@pytest.fixture
def loop(tmp_path):
    """A loop over the flow above, on this host, with this store."""

    def make(host: ProcessHost, store: DirectoryStore | None = None) -> Loop:
        store = store or DirectoryStore(tmp_path / "store")
        (tmp_path / "flow.py").write_text(FLOW)
        code = store.blobs.put([code_package.pack(tmp_path / "flow.py")])
        steps = {"start": v.StepPlan("start", ("end",)), "end": v.StepPlan("end", ())}
        plan = v.Plan("One", "1", steps, manifest.write(store.blobs, {}, {}), max_workers=1)

        def request(number: int, step: str, host: str) -> WorkerRequest:
            outbox = tmp_path / "outbox" / str(number)
            return WorkerRequest(number, f"one-{number}", "", {}, "One", "flow.py", code, store.blobs.root, outbox)

        writer = journal.JournalWriter(store, "One", "1")
        return Loop(Run(plan), {v.LOCAL: host}, request, store, writer, progress.ignore, Inbox())

    return make


def last_record(loop: Loop) -> object:
    loop.journal.close()
    return journal.read(loop.store, "One", "1")[-1]


def test_a_mistake_in_a_starting_thread_ends_the_run_instead_of_hanging(loop):
    class Mistaken(ProcessHost):
        def start_worker(self, request: WorkerRequest, notify: Notify) -> Worker:
            raise ZeroDivisionError("by zero")

    running = loop(Mistaken())
    with pytest.raises(ZeroDivisionError):
        running.run()
    ended = last_record(running)
    assert isinstance(ended, RunFinished)
    assert (ended.status, ended.reason) == ("failed", "ZeroDivisionError: by zero")


def test_a_worker_that_has_ended_before_its_start_returns_is_not_waited_for(loop):
    class Quick(ProcessHost):
        """Its workers are dead when `start_worker` returns."""

        def start_worker(self, request: WorkerRequest, notify: Notify) -> Worker:
            ended = threading.Event()

            def listen(number: int, said: object) -> None:
                notify(number, said)
                if isinstance(said, WorkerEnded):
                    ended.set()

            worker = super().start_worker(request, listen)
            worker.kill()
            ended.wait(30)
            return worker

    running = loop(Quick())
    assert running.run().status == "failed"
    assert not running._workers.requests()
    assert not [*running._workers.running()]


def test_a_store_that_is_full_ends_the_run_and_the_journal_says_so(loop, tmp_path):
    store = Full(tmp_path / "store")
    running = loop(ProcessHost(), store)
    store.full = True  # the log of the first task does not fit
    with pytest.raises(StoreError):
        running.run()
    ended = last_record(running)
    assert isinstance(ended, RunFinished)
    assert (ended.status, ended.reason) == ("failed", "no space left on device")


def test_no_worker_is_left_when_the_run_is_over(loop):
    started: list[Worker] = []

    class Counting(ProcessHost):
        def start_worker(self, request: WorkerRequest, notify: Notify) -> Worker:
            started.append(super().start_worker(request, notify))
            return started[-1]

    running = loop(Counting())
    assert running.run() == v.Finish("succeeded")
    assert not running._workers.requests()
    assert not [*running._workers.running()]
    assert len(started) >= 2
