"""The worker's line to the scheduler, on file descriptors that no user code can reach by accident.

A user's `print` or a library that writes to descriptor 1 must never land between two frames. So the streams that the
worker was started with move to high descriptors of its own, and standard input, output and error become the null
device and the worker's diagnostics. `close_in_child` closes the rest of the way: a task's process does not have them
at all.
"""

from __future__ import annotations

import fcntl
import os
import sys
from typing import List, Optional

from dockerflow.runtime import messages
from dockerflow.runtime.frames import Frames

# The worker's own descriptors begin here.
FIRST = 100

_READ = 64 * 1024


class Channel:
    """Frames in and out. Sending blocks when the scheduler does not read: that is what stops a task that prints too
    much."""

    def __init__(self, incoming: int, outgoing: int) -> None:
        self.incoming = incoming
        self._outgoing = outgoing
        self._frames = Frames()

    def receive(self) -> Optional[List[messages.Message]]:
        """The messages that have arrived, when there is something to read; None at the end of the stream."""
        received = os.read(self.incoming, _READ)
        if not received:
            return None
        return [messages.decode(body) for body in self._frames.feed(received)]

    def wait(self) -> Optional[messages.Message]:
        """The next message when no other can follow it before an answer of ours; None at the end of the stream."""
        received = self.receive()
        while received == []:
            received = self.receive()
        return received[0] if received else None

    def send(self, message: messages.Message) -> None:
        write(self._outgoing, messages.encode(message))

    def close_in_child(self) -> None:
        os.close(self.incoming)
        os.close(self._outgoing)


def open_channel() -> Channel:
    """Take standard input and output for the protocol and put harmless ones in their place."""
    channel = Channel(private(0), private(1))
    silent = os.open(os.devnull, os.O_RDONLY)
    os.dup2(silent, 0)
    os.close(silent)
    os.dup2(2, 1)
    prepare_streams()
    return channel


def prepare_streams() -> None:
    """A pipe gets lines as they are printed, as a terminal would, and printing never fails for want of an encoding."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True, errors="backslashreplace")  # type: ignore[union-attr]


def private(descriptor: int) -> int:
    """A copy of a descriptor at a place of the worker's own, closed on exec."""
    return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, FIRST)


def write(descriptor: int, content: bytes) -> None:
    """Write all of it, waiting for the reader as long as it takes."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
