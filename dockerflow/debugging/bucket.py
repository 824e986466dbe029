"""What a session asks of a store in a bucket: answered here, by the same rights as a step of the run has.

The session reads the bucket by itself and asks over a socket, as a task does; behind the socket is a process beside it,
whose standard streams lead here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

from dockerflow.attached import STDOUT, Attached, Demultiplexer
from dockerflow.runtime.frames import Frames
from dockerflow.runtime.messages import Answered, Ask, decode, encode
from dockerflow.store.s3.access import Answer, Question

# No question is longer.
_LONGEST = 1 << 20


class Beside(Protocol):
    """The process beside a session."""

    def send(self, content: bytes) -> None:
        """Raises OSError when it is gone."""

    def receive(self) -> bytes:
        """Of its standard output; nothing at the end."""


def answering(beside: Beside, answer: Callable[[Question], Answer]) -> None:
    """Answer what is asked, in a thread, as long as somebody is there."""
    threading.Thread(target=_answer, args=(beside, answer), name="dockerflow-bucket", daemon=True).start()


def _answer(beside: Beside, answer: Callable[[Question], Answer]) -> None:
    frames = Frames(_LONGEST)
    try:
        while received := beside.receive():
            for body in frames.feed(received):
                message = decode(body)
                if isinstance(message, Ask):
                    beside.send(encode(Answered(message.number, answer(message.question))))
    except (OSError, ValueError):  # it has gone, or says what no session says: it gets no answer then
        return


class InContainer:
    """A process that was executed in the session's container."""

    def __init__(self, attached: Attached) -> None:
        self._attached = attached
        self._streams = Demultiplexer()
        self.send = attached.send

    def receive(self) -> bytes:
        while received := self._attached.receive():
            said = b"".join(part for stream, part in self._streams.feed(received) if stream == STDOUT)
            if said:
                return said
        return b""
