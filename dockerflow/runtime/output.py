"""What a task prints, as Log messages.

A person watches these lines, so they must come soon; a task may print a million of them, so they must come in
batches; and it may print without ever ending a line, so what is kept must have a limit. Nothing is lost: a line that is
too long comes in pieces, of which all but the last are not `ended`, nor is a last line without its end; bytes that are
not UTF-8 are shown as the replacement character.

A carriage return alone, as progress bars send it, ends a line that is about to be overwritten: of those at most one per
second and stream is kept, and the last, which stays on the screen, always.
"""

from __future__ import annotations

import re
import time
from typing import Callable, Dict, List, Optional, Union

from dockerflow.runtime.messages import Log, RunTask
from dockerflow.store.records import LogLine

# A longer line is cut, in bytes.
LONGEST = 64 * 1024

# Lines wait for more of them at most so long, in seconds, and until they have so many bytes.
BATCH_SECONDS = 0.05
BATCH_BYTES = 64 * 1024

# Between two lines that are overwritten, in seconds.
PROGRESS_SECONDS = 1.0

# A carriage return at the very end may be the first half of a line end: what follows decides.
_END = re.compile(rb"\r?\n|\r(?!\n)(?=.)", re.DOTALL)


class Lines:
    """One stream, cut into lines."""

    def __init__(self, stream: str) -> None:
        self._stream = stream
        self._rest = bytearray()
        self._shown = float("-inf")  # when a line that is overwritten was last kept

    def feed(self, received: bytes, now: float) -> List[LogLine]:
        """The lines that `received` ends."""
        searched = max(0, len(self._rest) - 1)
        self._rest += received
        if b"\r" not in self._rest:
            return self._plain(now)
        lines: List[LogLine] = []
        start = 0
        for end in _END.finditer(self._rest, searched):
            if end.group() != b"\r" or self._shows(start, end.start(), now):
                lines += self._cut(bytes(self._rest[start : end.start()]), now)
            start = end.end()
        del self._rest[:start]
        return lines + self._overlong(now)

    def end(self, now: float) -> List[LogLine]:
        """The last line, if it had no end."""
        rest = bytes(self._rest).rstrip(b"\r")
        self._rest.clear()
        return self._cut(rest, now, ended=False) if rest else []

    def _plain(self, now: float) -> List[LogLine]:
        """Without a carriage return, as nearly always: a task may print a million lines."""
        *ended, rest = self._rest.split(b"\n")
        self._rest = rest
        if any(len(line) > LONGEST for line in ended):
            return [piece for line in ended for piece in self._cut(bytes(line), now)] + self._overlong(now)
        stream = self._stream
        return [LogLine(now, stream, line.decode("utf-8", "replace")) for line in ended] + self._overlong(now)

    def _overlong(self, now: float) -> List[LogLine]:
        """Of the line that has not ended what is too much to be kept here."""
        lines = []
        while len(self._rest) > LONGEST:
            lines.append(self._line(self._take(), now, ended=False))
        return lines

    def _shows(self, start: int, end: int, now: float) -> bool:
        if start == end or now - self._shown < PROGRESS_SECONDS:
            return False
        self._shown = now
        return True

    def _cut(self, line: bytes, now: float, ended: bool = True) -> List[LogLine]:
        lines = []
        while len(line) > LONGEST:
            size = _whole_characters(line)
            lines.append(self._line(line[:size], now, ended=False))
            line = line[size:]
        return [*lines, self._line(line, now, ended)]

    def _take(self) -> bytes:
        taken = bytes(self._rest[: _whole_characters(self._rest)])
        del self._rest[: len(taken)]
        return taken

    def _line(self, line: bytes, now: float, ended: bool) -> LogLine:
        return LogLine(now, self._stream, line.decode("utf-8", "replace"), ended)


class Output:
    """Both streams of one attempt. `send` may block: the attempt's pipes then fill up, and the attempt waits."""

    def __init__(self, task: RunTask, send: Callable[[Log], None], clock: Callable[[], float] = time.time) -> None:
        self._task = task
        self._send = send
        self._clock = clock
        self._streams: Dict[str, Lines] = {"stdout": Lines("stdout"), "stderr": Lines("stderr")}
        self._waiting: List[LogLine] = []
        self._bytes = 0
        self._sent = float("-inf")

    def feed(self, stream: str, received: bytes) -> None:
        self._add(self._streams[stream].feed(received, self._clock()))
        self.send_if_due()

    def end(self) -> None:
        """Send everything that there still is."""
        for lines in self._streams.values():
            self._add(lines.end(self._clock()))
        self._flush()

    def due_in(self) -> Optional[float]:
        """Seconds until the waiting lines must be sent; None where none are waiting."""
        if not self._waiting:
            return None
        # Clocks are set back now and then: never wait longer than a whole pause.
        return min(BATCH_SECONDS, max(0.0, self._sent + BATCH_SECONDS - self._clock()))

    def send_if_due(self) -> None:
        if self._bytes >= BATCH_BYTES or self.due_in() == 0.0:
            self._flush()

    def _add(self, lines: List[LogLine]) -> None:
        self._waiting += lines
        self._bytes += sum(len(line.text) + 1 for line in lines)

    def _flush(self) -> None:
        if self._waiting:
            self._send(Log(self._task.step, self._task.task_id, self._task.attempt, tuple(self._waiting)))
        self._waiting, self._bytes, self._sent = [], 0, self._clock()


def _whole_characters(line: Union[bytes, bytearray]) -> int:
    """How many bytes of a line that is too long make whole characters."""
    size = LONGEST
    while size > LONGEST - 4 and line[size] & 0xC0 == 0x80:
        size -= 1
    return size if size > LONGEST - 4 else LONGEST
