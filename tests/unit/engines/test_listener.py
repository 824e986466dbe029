"""What a worker says reaches the scheduler in bounded amounts, or ends the worker."""

from __future__ import annotations

import queue
import threading

import pytest

from dockerflow.engines.listener import LOGS, Listener
from dockerflow.engines.worker import Said
from dockerflow.runtime.messages import HEADER, Answered, Ask, Broken, Log, Ready, RunTask, TaskResult, encode
from dockerflow.store.records import Failure, LogLine
from dockerflow.store.s3.access import Answer, Question

READY = encode(Ready("3.11", 1.0))
LOG = encode(Log("s", "1", 0, (LogLine(1.0, "stdout", "x"),)))
RESULT = encode(TaskResult("s", "1", 0, True))
ASK = encode(Ask(1, Question()))

# Nothing that a test waits for takes so long, in seconds.
LIMIT = 20


class Heard:
    """A listener in a thread, and the inbox that it writes to."""

    def __init__(self) -> None:
        self.inbox: queue.Queue[Said] = queue.Queue()
        self.asked: list[Ask] = []
        self.listener = Listener(1, lambda worker_id, said: self.inbox.put(said), self.asked.append)
        self.done = threading.Event()

    def listen(self, received: bytes) -> None:
        def run() -> None:
            self.listener.messages(received)
            self.done.set()

        threading.Thread(target=run, daemon=True).start()

    def take(self) -> Said:
        return self.inbox.get(timeout=LIMIT)


def test_what_nobody_reads_makes_the_worker_wait_and_what_is_read_lets_it_go_on() -> None:
    heard = Heard()
    heard.listen(READY + LOG * 1000 + RESULT)
    assert isinstance(heard.take(), Ready)
    for _ in range(1000):
        assert isinstance(heard.take(), Log)
        assert heard.inbox.qsize() <= LOGS
    assert isinstance(heard.take(), TaskResult)
    assert heard.done.wait(LIMIT)


def test_logs_that_are_kept_count_until_they_are_let_go() -> None:
    heard = Heard()
    heard.listen(READY + LOG * (LOGS + 1))
    kept = [heard.take() for _ in range(LOGS + 1)]
    assert not heard.done.is_set()
    with pytest.raises(queue.Empty):
        heard.inbox.get(timeout=0.1)
    kept.clear()
    assert isinstance(heard.take(), Log)
    assert heard.done.wait(LIMIT)


def test_a_worker_that_is_to_end_is_read_to_its_end() -> None:
    heard = Heard()
    heard.listen(READY + LOG * 1000)
    kept = [heard.take() for _ in range(LOGS + 1)]
    heard.listener.hurry()
    assert heard.done.wait(LIMIT)
    assert heard.inbox.qsize() + len(kept) == 1001


@pytest.mark.parametrize(
    "received",
    [
        LOG,
        RESULT,
        READY + READY,
        READY + encode(Broken(Failure("exception", "no"))),
        READY + encode(RunTask("F", "1", "s", "1", 0, True, "m", ())),
        READY + encode(Answered(1, Answer())),
        READY + HEADER.pack((64 << 20) + 1),
    ],
    ids=["log first", "result first", "ready twice", "broken after ready", "a task", "an answer", "too long"],
)
def test_what_a_worker_would_not_say_is_refused(received: bytes) -> None:
    with pytest.raises(ValueError, match=r"worker"):
        Listener(1, lambda worker_id, said: None, lambda ask: None).messages(received)


def test_what_a_worker_asks_is_answered_beside_what_it_says_also_before_it_is_ready() -> None:
    heard = Heard()
    heard.listen(ASK + READY + ASK + LOG + RESULT)
    assert [type(heard.take()) for _ in range(3)] == [Ready, Log, TaskResult]
    assert heard.done.wait(LIMIT)
    assert heard.asked == [Ask(1, Question()), Ask(1, Question())]
