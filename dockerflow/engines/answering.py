"""What a worker gets over its standard input: bytecode and tasks, and of a bucket the code, access, and answers.

Answers are made in the thread that listens to the worker: signing takes a tenth of a millisecond, and who renews the
credentials of a run does it once for all its workers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from dockerflow.engines.worker import WorkerRequest
from dockerflow.runtime.messages import HEADER, Answered, Ask, RunTask, encode
from dockerflow.store.s3.access import Question

# How many answers may wait for a worker that does not read them.
MOST = 1024


class Sends(Protocol):
    """See `Sender` and `Post`."""

    def send(self, frame: bytes) -> None: ...

    def waiting(self) -> int: ...


def preamble(request: WorkerRequest) -> Iterator[bytes]:
    """What a worker gets before all messages: see `runtime.bootstrap`."""
    if request.bucket is not None:
        yield HEADER.pack(len(request.bucket.package))
        yield request.bucket.package
    yield HEADER.pack(len(request.bytecode)) + request.bytecode


class Answering:
    """For one worker, which has been sent nothing yet."""

    def __init__(self, request: WorkerRequest, sender: Sends) -> None:
        self._request = request
        self._bucket = request.bucket
        self._sender = sender

    def begin(self) -> None:
        """Send what a worker waits for that has just been started."""
        for piece in preamble(self._request):
            self._sender.send(piece)
        self.greet()

    def greet(self) -> None:
        """Send the first answer, which nobody has asked for."""
        if self._bucket is not None:
            self._sender.send(encode(Answered(0, self._bucket.answer(Question()))))

    def send(self, task: RunTask) -> None:
        self._sender.send(encode(task if self._bucket is None else self._bucket.known.given_to(task)))

    def __call__(self, ask: Ask) -> None:
        """Raises ValueError for a worker that has nothing to ask, or reads no answers."""
        if self._bucket is None or self._sender.waiting() > MOST:
            raise ValueError("a worker asks for a bucket and there is none, or does not read the answers")
        self._sender.send(encode(Answered(ask.number, self._bucket.answer(ask.question))))
