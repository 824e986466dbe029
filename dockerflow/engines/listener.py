"""What a worker writes, taken apart: messages for the scheduler, and the end of its diagnostics."""

from __future__ import annotations

from dockerflow.engines.worker import DIAGNOSTICS, Notify, Said, WorkerEnded
from dockerflow.runtime.frames import Frames
from dockerflow.runtime.messages import RunTask, decode


class Listener:
    """For one worker; used by one thread. Hands on nothing after `end`."""

    def __init__(self, worker_id: int, notify: Notify) -> None:
        self._worker_id = worker_id
        self._notify = notify
        self._frames = Frames()
        self._diagnostics = bytearray()

    def messages(self, received: bytes) -> None:
        """Raises ValueError for what is no message: the worker can then no longer be understood."""
        for body in self._frames.feed(received):
            message = decode(body)
            if isinstance(message, RunTask):
                raise ValueError("a worker does not hand out tasks")
            self._tell(message)

    def diagnostics(self, received: bytes) -> None:
        self._diagnostics += received
        del self._diagnostics[:-DIAGNOSTICS]

    def end(self, exit_code: int | None, out_of_memory: bool = False, memory_limit: int | None = None) -> None:
        text = self._diagnostics.decode("utf-8", "replace")
        self._tell(WorkerEnded(exit_code, out_of_memory, text, memory_limit))

    def _tell(self, said: Said) -> None:
        self._notify(self._worker_id, said)
