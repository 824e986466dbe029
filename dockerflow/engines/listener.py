"""What a worker writes, taken apart: messages for the scheduler, and the end of its diagnostics.

A task may print faster than anybody reads. What is printed waits in the scheduler's memory, so there is a limit to how
much of it may: when `LOGS` messages of one worker are neither shown nor stored yet, its listener waits, then the pipe
is full, then the worker waits, and at last the task does. A message counts until nobody holds it any more: so nobody
has to say that it is done with one, and a message that got lost on the way cannot stop its worker for ever.
"""

from __future__ import annotations

import queue
import weakref
from collections.abc import Callable
from dataclasses import replace

from dockerflow.engines.worker import DIAGNOSTICS, Notify, Said, WorkerEnded
from dockerflow.runtime.frames import Frames
from dockerflow.runtime.messages import Answered, Ask, Broken, Log, Message, Ready, RunTask, decode

# The longest message that is read, in bytes. Lines come in batches of 64 KiB; the rest is shorter.
LONGEST = 64 << 20

# How many Log messages of one worker may be in the scheduler at a time.
LOGS = 8


class Listener:
    """For one worker; used by one thread, but for `hurry`. Hands on nothing after `end`.

    `answer` gets what the worker asks, and raises ValueError where that makes no sense. `joins`: somebody else has
    listened before, and has heard that the worker is ready; if not, nobody needs to.
    """

    def __init__(self, worker_id: int, notify: Notify, answer: Callable[[Ask], None], joins: bool = False) -> None:
        self.ready = False  # whether the worker has said that it reads what it is sent
        self._joins = joins
        self._worker_id = worker_id
        self._notify = notify
        self._answer = answer
        self._frames = Frames(LONGEST)
        self._diagnostics = bytearray()
        self._began: bool | None = None if joins else False  # None: perhaps
        # Its `put` may be called in a finalizer, in any thread, at any point: a semaphore's `release` may not.
        self._room: queue.SimpleQueue[None] = queue.SimpleQueue()
        for _ in range(LOGS):
            self._room.put(None)
        self._in_a_hurry = False

    def messages(self, received: bytes) -> None:
        """Raises ValueError for what is no message: the worker can then no longer be understood.

        Waits while the scheduler has too many of the worker's Log messages.
        """
        for body in self._frames.feed(received):
            message = self._in_order(decode(body))
            if isinstance(message, Ask):
                self._answer(message)
                continue
            if isinstance(message, Log):
                self._wait_for_room(message)
            if not (isinstance(message, Ready) and self._joins):
                self._tell(message)

    def hurry(self) -> None:
        """Wait no more: the worker is to end, and it can only when everything that it says is read."""
        self._in_a_hurry = True
        self._room.put(None)

    def diagnostics(self, received: bytes) -> None:
        self._diagnostics += received
        del self._diagnostics[:-DIAGNOSTICS]

    def end(self, ended: WorkerEnded) -> None:
        """With the diagnostics that there were."""
        self._tell(replace(ended, diagnostics=self._diagnostics.decode("utf-8", "replace")))

    def _in_order(self, message: Message) -> Said | Ask:
        if isinstance(message, (RunTask, Answered)):
            raise ValueError("a worker does not hand out tasks, nor answers")
        if isinstance(message, Ask):  # at any time: also while the flow is imported
            return message
        if isinstance(message, (Ready, Broken)) == self._began:
            raise ValueError(f"a worker says {type(message).__name__} too early or too late")
        self._began = True
        self.ready = self.ready or isinstance(message, Ready)
        return message

    def _wait_for_room(self, log: Log) -> None:
        if not self._in_a_hurry:
            self._room.get()
            weakref.finalize(log, self._room.put, None).atexit = False

    def _tell(self, said: Said) -> None:
        self._notify(self._worker_id, said)
