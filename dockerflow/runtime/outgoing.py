"""What one side of a session has to say and the other has not acknowledged, in pieces with numbers.

Pure. Standard library only, Python 3.7.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Deque, Optional, Tuple

from dockerflow.runtime.packets import PIECE

# The last piece of an item has this beside its kind.
LAST = 0x80


class Keep:
    """Where pieces are that are not acknowledged: in memory. `spill` has another way."""

    def put(self, body: bytes) -> Any:
        """What to give to `get` and `free`."""
        return body

    def get(self, place: Any) -> bytes:
        body: bytes = place
        return body

    def free(self, place: Any) -> None:
        """It is needed no more."""


class Outgoing:
    """The pieces of one direction that are not acknowledged."""

    def __init__(self, keep: Keep) -> None:
        self.first = 1  # the number of the oldest
        self._keep = keep
        self._pieces: Deque[Any] = deque()
        self._next = 1

    @property
    def last(self) -> int:
        return self.first + len(self._pieces) - 1

    @property
    def sent(self) -> int:
        """All up to this one were sent, since the last time that some were asked for again."""
        return self._next - 1

    def begin(self, number: int) -> None:
        """Number the pieces from here; none was sent yet."""
        self.first = self._next = number

    def add(self, kind: int, content: bytes) -> int:
        """A whole item; the number of its last piece."""
        for begin in range(0, max(len(content), 1), PIECE):
            self.add_piece(kind, content[begin : begin + PIECE], begin + PIECE >= len(content))
        return self.last

    def add_piece(self, kind: int, piece: bytes, is_last: bool) -> None:
        self._pieces.append(self._keep.put(bytes((kind | LAST if is_last else kind,)) + piece))

    def take(self) -> Optional[Tuple[int, bytes]]:
        """The next to be sent, with its number."""
        if self._next > self.last:
            return None
        number, self._next = self._next, self._next + 1
        return number, self._keep.get(self._pieces[number - self.first])

    def acknowledge(self, number: int) -> None:
        """All up to this one."""
        while self._pieces and self.first <= number:
            self._keep.free(self._pieces.popleft())
            self.first += 1
        self._next = max(self._next, self.first)

    def rewind(self, number: int) -> None:
        """Send this one again, and all after it."""
        self._next = min(self._next, max(self.first, number))
