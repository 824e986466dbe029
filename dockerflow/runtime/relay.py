"""The first process of a worker's container on another machine: it keeps what nobody listens to.

`bootstrap` calls `stand_between` when it has unpacked our modules. The worker goes on in a child, with pipes as its
standard streams, and knows nothing of this; the first process stays, keeps a `session` with whoever is attached to the
container, and hands on both ways. When the connection breaks, the worker does not notice. When nobody comes back, a
worker that has nothing to do ends soon, a task goes on to its end, and its result is kept for long: `session.Waits`
says how long, and each client may say otherwise.

It takes no memory to speak of, has no threads, and no task can open its descriptors. It ends with the worker's status
when everything that the worker has said is acknowledged. Standard library only, Python 3.7.
"""

from __future__ import annotations

import os
import select
import signal
import time
from typing import Any, List, Optional, Tuple

from dockerflow.runtime import processes
from dockerflow.runtime.inbox import OFTEN, SELDOM, Inbox
from dockerflow.runtime.packets import PIECE, magic
from dockerflow.runtime.relayed import Child, FramePieces, Piece, end_others, is_message, read
from dockerflow.runtime.session import DIAGNOSTICS, END, EXIT, FRAME, Item, RelaySide
from dockerflow.runtime.spill import Spill

# How long a worker may take to end when it was told to, in seconds.
PATIENCE = 10.0

# How long after SIGTERM somebody may take to acknowledge the end: engines wait ten seconds before they use force.
LAST = 5.0

# After so many seconds without a word what the worker says goes to the disk, so that its task can go on.
SPILLS = 8.0


def stand_between(name: str, folder: str) -> None:
    """Return in a child that is the worker; this process ends when the worker has. `name` is the container's, `folder`
    the worker's own."""
    into, outof, errors = os.pipe(), os.pipe(), os.pipe()
    pid = os.fork()
    if not pid:
        for theirs, number in ((into[0], 0), (outof[1], 1), (errors[1], 2)):
            os.dup2(theirs, number)
        for each in (*into, *outof, *errors):
            os.close(each)
        return
    status = 1
    try:
        processes.hide()
        for each in (into[0], outof[1], errors[1]):
            os.close(each)
        side = Relay(magic(name), folder, Child(pid, into[1], outof[0], errors[0]))
        status = side.serve()
    except BaseException:  # noqa: BLE001 - the child's code must not go on here
        import traceback  # noqa: PLC0415 - a mistake of ours

        traceback.print_exc()
    os._exit(status)


class Relay:
    """Between the client at our standard streams and the worker."""

    def __init__(self, magic: bytes, folder: str, child: Child) -> None:
        self._spill = Spill(folder)
        self._session = RelaySide(magic, self._is_busy, self._spill)
        self._child = child
        self._frames = FramePieces()
        self._together = bytearray()  # lines of the task that nobody hears, to be said at once
        self._leaving = memoryview(b"")
        self._hears = True  # whether our standard input has not ended
        self._has_client = True  # whether the engine still takes what we say
        self._inbox = Inbox(folder)
        self._looks_at = 0.0
        self._heard_at = time.monotonic()
        self._tasks = 0
        self._result = self._question = 0  # the number of the last one
        self._result_at = 0.0
        self._exit = 0  # the number with which the worker's end is said
        self._status = 1
        self._kill_asked = self._terminated = self._given_up = False
        self._since = 0.0  # when the last of these happened, or the worker ended
        self._wake = self._listen_for_signals()
        os.set_blocking(0, False)
        os.set_blocking(1, False)

    def serve(self) -> int:
        """Until there is nothing left to do; the status to exit with."""
        while not self._is_over():
            readable, writable, _ = select.select(*self._wanted(), [], self._pause())
            if 0 in readable:
                self._hear_client()
            self._look()
            if self._child.stdout in readable:
                self._hear_frames()
            if self._child.stderr in readable:
                self._hear_diagnostics()
            if self._wake in readable:
                self._hear_signals()
            if self._child.stdin in writable:
                self._done(self._child.write())
            if self._child.status is not None and not self._exit:
                self._say_the_end()
            self._write()
        return self._status

    def _wanted(self) -> Tuple[List[int], List[int]]:
        reading, writing = [self._wake], []
        if self._hears:
            reading.append(0)
        if self._has_client:
            writing += [1] if self._leaving or self._session.has_output() else []
        if self._spill.has_room(self._is_alone()):
            # Diagnostics have no place in the middle of a frame, of which a piece may have been sent.
            streams = (self._child.stdout, None if self._frames.is_inside else self._child.stderr)
            reading += [each for each in streams if each is not None]
        if self._child.stdin is not None and self._child.is_written_to:
            writing.append(self._child.stdin)
        return reading, writing

    def _hear_client(self) -> None:
        received = read(0)
        if received == b"":  # on some engines with the first connection; then there is another way
            self._hears = False
        self._hear(received or b"")

    def _look(self) -> None:
        """Whether somebody has come by the other way; seldom while there is the first."""
        if time.monotonic() >= self._looks_at:
            self._looks_at = time.monotonic() + (SELDOM if self._hears else OFTEN)
            self._hear(self._inbox.take())

    def _hear(self, received: bytes) -> None:
        heard = self._session.heard
        try:
            items = self._session.feed(received)
        except ValueError:  # from no client of ours
            items = []
        if self._session.heard != heard:
            self._heard_at = time.monotonic()
            self._say_together()
        for item in items:
            self._hand_on(item)
        if self._session.killed and not self._kill_asked:
            self._kill_asked = True
            self._since = time.monotonic()
            self._child.signal(signal.SIGKILL)

    def _hand_on(self, item: Item) -> None:
        if item.kind == FRAME:
            self._tasks += is_message("RunTask", item.content)
            self._done(self._child.send(item.content, item.number))
        elif item.kind == END:
            self._done(self._child.send(b"", item.number))

    def _done(self, number: int) -> None:
        if number:
            self._session.processed(number)

    def _hear_frames(self) -> None:
        for piece in self._frames.feed(self._child.read("stdout") or b""):
            self._say(piece)

    def _say(self, piece: Piece) -> None:
        if self._is_line(piece) and self._is_alone():
            if len(self._together) + len(piece.content) > PIECE:
                self._say_together()
            self._together += piece.content
            return
        self._say_together()
        outgoing = self._session.outgoing
        if piece.is_first and is_message("TaskResult", piece.content):
            self._tasks = max(0, self._tasks - 1)
            self._child.task_ended()
            self._result, self._result_at = outgoing.last + 1, time.monotonic()
        elif piece.is_first and is_message("Ask", piece.content):
            self._question = outgoing.last + 1
        outgoing.add_piece(FRAME, piece.content, piece.is_last)

    def _is_line(self, piece: Piece) -> bool:
        """A whole message with lines: a task that prints for hours to nobody has too many for a place for each."""
        return piece.is_first and piece.is_last and is_message("Log", piece.content)

    def _say_together(self) -> None:
        if self._together:
            self._session.send(FRAME, bytes(self._together))
            self._together.clear()

    def _is_alone(self) -> bool:
        return time.monotonic() - self._heard_at > SPILLS

    def _hear_diagnostics(self) -> None:
        received = self._child.read("stderr")
        if received:
            self._session.send(DIAGNOSTICS, received)

    def _hear_signals(self) -> None:
        read(self._wake)
        if self._terminated and not self._since:
            self._since = time.monotonic()
            self._child.signal(signal.SIGTERM)
        if self._child.reap():
            end_others()
            self._since = time.monotonic()

    def _write(self) -> None:
        while self._has_client and (self._leaving or self._session.has_output()):
            if not self._leaving:
                self._leaving = memoryview(self._session.output())
            try:
                self._leaving = self._leaving[os.write(1, self._leaving) :]
            except BlockingIOError:
                return
            except OSError:
                self._has_client = False
                self._give_up()

    def _say_the_end(self) -> None:
        """When all that the worker has said is read, or when its streams have no end that comes."""
        is_late = time.monotonic() - self._since > PATIENCE and self._spill.has_room(True)
        if (self._child.stdout is not None or self._child.stderr is not None) and not is_late:
            return
        cut = self._frames.end()
        if cut is not None:
            self._say(cut)
        self._say_together()
        found = self._child.exit(self._kill_asked)
        self._status = found.status
        self._exit = self._session.send(EXIT, found.pack())

    def _is_busy(self) -> bool:
        return self._tasks > 0 or self._is_kept(self._result)

    def _is_kept(self, number: int) -> bool:
        """Whether nobody has acknowledged the item."""
        return number >= self._session.outgoing.first

    def _is_over(self) -> bool:
        if self._exit and not self._is_kept(self._exit):
            return True
        deadline = self._deadline()
        if deadline is None or time.monotonic() < deadline:
            return False
        if self._has_ended():
            return True
        if self._given_up:
            self._child.signal(signal.SIGKILL)
        self._give_up()
        return False

    def _has_ended(self) -> bool:
        """Whether the worker has; that is not said while there is no room for what it has said before."""
        return bool(self._exit) or self._child.status is not None

    def _give_up(self) -> None:
        """Nobody comes any more: end the worker."""
        self._given_up = True
        self._since = time.monotonic()
        self._child.end_input()

    def _deadline(self) -> Optional[float]:
        """Until when to wait for whoever may come; None: as long as it takes."""
        waits = self._session.waits
        gone = self._heard_at + waits.gone
        if self._given_up:
            return self._since + (0.0 if self._exit else PATIENCE)
        if self._has_ended() and self._terminated:
            return self._since + LAST
        if self._has_ended() and self._kill_asked:
            return max(gone, self._since)
        if self._tasks and not self._has_ended():  # which may wait for an answer
            return gone + waits.kept if self._is_kept(self._question) else None
        return max(gone, self._since, self._result_at) + (waits.kept if self._is_kept(self._result) else waits.idle)

    def _pause(self) -> float:
        deadline, most = self._deadline(), max(0.0, self._looks_at - time.monotonic())
        return most if deadline is None else min(most, max(0.0, deadline - time.monotonic()))

    def _terminate(self, number: int, frame: Any) -> None:
        self._terminated = True

    def _listen_for_signals(self) -> int:
        """A descriptor that can be read when a child has ended, or we are to."""
        wake, waker = os.pipe()
        os.set_blocking(wake, False)
        os.set_blocking(waker, False)
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, self._terminate)
        return wake
