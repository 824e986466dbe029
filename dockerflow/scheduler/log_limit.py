"""What is kept of a log that may not grow without end (`--max-log-size`): of each stream its head and its tail.

A log tells most at its beginning, where it says what it does, and at its end, where it fails. So half of what a stream
may have is given out as it comes; what follows waits here until it is known whether it belongs to the end, and what is
pushed out of it is counted. Lines are given out in the order in which they came, and of a stream that stays below its
limit none is missing.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import field

from dockerflow.lazy_dataclasses import dataclass
from dockerflow.store.records import LogLine


@dataclass
class _Stream:
    """`head` is what was given out at once, `held` what waits, in bytes; the lines carry their number in the log."""

    head: int = 0
    held: int = 0
    ended: bool = True
    lines: deque[tuple[int, int, LogLine]] = field(default_factory=deque)
    lines_lost: int = 0
    bytes_lost: int = 0

    def drop_the_oldest(self) -> None:
        _, size, line = self.lines.popleft()
        self.held -= size
        self.bytes_lost += size
        self.lines_lost += line.ended

    def all_held(self) -> Iterator[tuple[int, LogLine]]:
        """What waits; in front of it how much is missing there."""
        for position, (number, _, line) in enumerate(self.lines):
            if position == 0 and self.bytes_lost:
                if not self.ended:
                    yield number, LogLine(line.time, line.stream, "")
                yield number, LogLine(line.time, line.stream, self._lost())
            yield number, line

    def _lost(self) -> str:
        return f"[... {self.lines_lost:,} lines with {self.bytes_lost:,} bytes are left out here: --max-log-size ...]"


class LogLimit:
    """The log of one attempt, of which each stream may have `limit` bytes. Changed in place, used by one thread."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._streams: dict[str, _Stream] = {}
        self._holding = False
        self._count = 0

    def admit(self, lines: Iterable[LogLine]) -> list[LogLine]:
        """Those of the lines to write now."""
        now = []
        for line in lines:
            stream = self._streams.setdefault(line.stream, _Stream())
            size = len(line.text.encode(errors="surrogateescape")) + line.ended
            if not self._holding and stream.head + size <= self._limit // 2:
                stream.head += size
                stream.ended = line.ended
                now.append(line)
            else:
                # From here on lines of the other stream wait, too: else they would pass these.
                self._holding = True
                self._hold(stream, size, line)
        return now

    def rest(self) -> list[LogLine]:
        """Those to write when the attempt has ended, in order."""
        merged = heapq.merge(*(stream.all_held() for stream in self._streams.values()), key=lambda each: each[0])
        return [line for _, line in merged]

    def _hold(self, stream: _Stream, size: int, line: LogLine) -> None:
        self._count += 1
        stream.lines.append((self._count, size, line))
        stream.held += size
        while stream.held > self._limit - stream.head and len(stream.lines) > 1:
            stream.drop_the_oldest()
