"""The worker as its relay has it: a child with pipes as its standard streams, and the frames that come out of it.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import os
import signal
import struct
from collections import deque
from contextlib import suppress
from typing import Deque, Iterator, NamedTuple, Optional, Tuple

from dockerflow.runtime import memory, processes
from dockerflow.runtime.packets import PIECE
from dockerflow.runtime.session import Exit

READ = 64 * 1024

_LENGTH = struct.Struct(">I")

# As much of a frame as tells what message is in it: see `messages.encode`.
_NAME = _LENGTH.size + 16


def is_message(kind: str, frame: bytes) -> bool:
    """Whether a frame, of which this is the beginning, has a message of this kind."""
    return frame.startswith(b'["' + kind.encode() + b'"', _LENGTH.size)


class Piece(NamedTuple):
    content: bytes
    is_first: bool  # of its frame; then it is long enough for `is_message`, unless the frame is not
    is_last: bool


class FramePieces:
    """Cut a stream of frames into pieces of them that fit into packets; a long frame is not waited for."""

    def __init__(self) -> None:
        self._buffer = b""
        self._left = 0  # of the present frame; 0: the next begins

    @property
    def is_inside(self) -> bool:
        """Whether a piece of a frame was given of which more is to come."""
        return self._left > 0

    def feed(self, received: bytes) -> Iterator[Piece]:
        self._buffer += received
        while self._buffer:
            is_first = not self._left
            if is_first:
                self._left = self._length()
                if len(self._buffer) < min(self._left, _NAME) or not self._left:
                    self._left = 0
                    return
            size = min(self._left, PIECE)
            content, self._buffer = self._buffer[:size], self._buffer[size:]
            self._left -= len(content)
            yield Piece(content, is_first, not self._left)

    def end(self) -> Optional[Piece]:
        """What makes an end of a frame that has none; None: the stream did not end in the middle of one."""
        if not self._buffer and not self._left:
            return None
        return Piece(self._buffer, not self._left, True)

    def _length(self) -> int:
        """Of the next frame with its header; 0: not known yet."""
        if len(self._buffer) < _LENGTH.size:
            return 0
        length: int = _LENGTH.unpack_from(self._buffer)[0]
        return _LENGTH.size + length


class Child:
    """The worker, and what is on its way to it. Nothing here waits. `groups` is the folder of the control groups."""

    def __init__(self, pid: int, stdin: int, stdout: int, stderr: int, groups: str = memory.ROOT) -> None:
        self.stdin: Optional[int] = stdin
        self.stdout: Optional[int] = stdout
        self.stderr: Optional[int] = stderr
        self.status: Optional[int] = None  # what `os.wait` said
        self._pid = pid
        self._groups = groups
        self._kills = memory.kills(groups)  # which were not the worker's
        self._waiting: Deque[Tuple[memoryview, int]] = deque()  # with the number of the item; empty: close
        for each in (stdin, stdout, stderr):
            os.set_blocking(each, False)

    @property
    def is_written_to(self) -> bool:
        return bool(self._waiting)

    def send(self, content: bytes, number: int) -> int:
        """Nothing to send: end its input. What `write` returns."""
        self._waiting.append((memoryview(content), number))
        return self.write()

    def write(self) -> int:
        """As much as it takes. The number of the last item that it has by now, 0: none."""
        done = 0
        while self._waiting and self.stdin is not None:
            content, number = self._waiting[0]
            try:
                rest = content[os.write(self.stdin, content) :]
            except BlockingIOError:
                return done
            except OSError:  # it has ended, which is heard in another way
                rest = content[len(content) :]
                self.end_input()
            if not content:
                self.end_input()
            if rest:
                self._waiting[0] = rest, number
            else:
                self._waiting.popleft()
                done = number
        if self.stdin is None and self._waiting:
            done = self._waiting[-1][1]
            self._waiting.clear()
        return done

    def end_input(self) -> None:
        if self.stdin is not None:
            os.close(self.stdin)
            self.stdin = None

    def read(self, stream: str) -> Optional[bytes]:
        """From `stdout` or `stderr`; nothing at its end, after which it is closed; None: there is nothing now."""
        descriptor: Optional[int] = getattr(self, stream)
        received = None if descriptor is None else read(descriptor)
        if descriptor is not None and received == b"":
            os.close(descriptor)
            setattr(self, stream, None)
        return received

    def signal(self, number: signal.Signals) -> None:
        if self.status is None:
            processes.kill([self._pid], number)

    def reap(self) -> bool:
        """Take leave of children that have died: whether the worker is among them. Others have lost their parents."""
        found = False
        with suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    break
                if pid == self._pid:
                    self.status, found = status, True
        return found

    def task_ended(self) -> None:
        """Its result was heard: what ran out of memory until now was the task, if the worker is still there."""
        if self.status is None:
            self._kills = memory.kills(self._groups)

    def exit(self, was_killed: bool) -> Exit:
        """How it ended, when it has; `was_killed`: because somebody asked for it."""
        status = self.status or 0
        code = 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
        has_no_memory = memory.kills(self._groups) > self._kills
        return Exit(code, code == 128 + signal.SIGKILL and not was_killed and has_no_memory)


def read(descriptor: int) -> Optional[bytes]:
    """Nothing at its end; None: there is nothing now."""
    try:
        return os.read(descriptor, READ)
    except BlockingIOError:
        return None
    except OSError:
        return b""


def end_others() -> None:
    """Whatever the worker has left: it is dead, and what holds its streams must not keep its end from being said."""
    if os.getpid() == 1:
        processes.end_all_others()
    else:
        processes.end_descendants()
