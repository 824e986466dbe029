"""What is sent to a worker in a session, written by a thread of its own over whatever connection there is.

As with `sender`, who sends does not wait. Every few seconds the relay is told that somebody is there. Nothing is lost
while there is no connection: the session has all that is not acknowledged.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable
from typing import Protocol

from dockerflow.runtime.session import END, FRAME, ClientSide, Item

# Seconds between two words to the relay, when there is nothing else to say.
EVERY = 5.0

# How long the acknowledgement of a result may wait for what the scheduler says next, in seconds. Then it has written
# down what it heard; and most often it says the next task, which can travel with it.
HOLD = 1.0


class Connection(Protocol):
    """See `Attached`."""

    def send(self, content: bytes) -> None: ...

    def close(self) -> None: ...


class Post:
    """For one worker. `first` goes over the first connection as it is, before the session begins."""

    def __init__(self, name: str, session: ClientSide, first: Iterable[bytes] = ()) -> None:
        self._session = session
        self._first = deque(first)
        self._changed = threading.Condition()
        self._connection: Connection | None = None
        self._done = 0  # the last item that was processed
        self._held_since: float | None = None
        self._pinged = 0.0
        self._closed = False
        self._is_idle = True
        threading.Thread(target=self._write_all, name=f"{name}-sender", daemon=True).start()

    def send(self, frame: bytes) -> None:
        with self._changed:
            self._session.send(FRAME, frame)
            self._let_go()

    def waiting(self) -> int:
        """How much the worker has not taken, in pieces of messages."""
        with self._changed:
            return self._session.outgoing.last - self._session.outgoing.first + 1

    def end(self) -> None:
        """The worker's input, after all that was sent before."""
        with self._changed:
            self._session.send(END, b"")
            self._let_go()

    def kill(self) -> None:
        """The worker, as soon as the relay hears of it."""
        with self._changed:
            self._session.kill()
            self._let_go()

    def attach(self, connection: Connection) -> None:
        """Go on over this one."""
        with self._changed:
            self._connection = connection
            self._session.attach()
            self._pinged = time.monotonic()
            self._changed.notify_all()

    def detach(self) -> None:
        """The connection has broken."""
        with self._changed:
            connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def hear(self, received: bytes) -> list[Item]:
        """What of the worker's has now arrived. Raises ValueError for what is no session."""
        with self._changed:
            items = self._session.feed(received)
            if self._session.has_output():
                self._changed.notify_all()
            return items

    def processed(self, number: int, holds: bool = False) -> None:
        """Acknowledge the item and all before it; `holds`: not before something else is sent, or `HOLD`."""
        with self._changed:
            self._done = number
            self._is_idle = False
            if holds:
                self._held_since = self._held_since or time.monotonic()
            if self._held_since is None:
                self._session.processed(number)
            self._changed.notify_all()

    def flush(self, seconds: float) -> None:
        """Wait until all is written, if it can be."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._connection is None or self._is_idle, seconds)

    def close(self) -> None:
        """Send nothing more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self.detach()

    def _let_go(self) -> None:
        """Of an acknowledgement that was held."""
        if self._held_since is not None:
            self._held_since = None
            self._session.processed(self._done)
        self._changed.notify_all()

    def _is_due(self) -> bool:
        return bool(self._first) or self._session.has_output()

    def _write_all(self) -> None:
        while True:
            with self._changed:
                self._is_idle = not self._is_due()
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._closed or (self._connection and self._is_due()), self._pause())
                if self._closed:
                    return
                self._tick()
                self._is_idle = False
                connection = self._connection
                content = self._next() if connection is not None else b""
            if connection is not None and content:
                self._write(connection, content)

    def _write(self, connection: Connection, content: bytes) -> None:
        try:
            connection.send(content)
        except (OSError, ValueError):
            # Whoever reads finds the end, and attaches again.
            with self._changed:
                if self._connection is connection:
                    self._connection = None
            connection.close()

    def _next(self) -> bytes:
        return self._first.popleft() if self._first else self._session.output()

    def _tick(self) -> None:
        now = time.monotonic()
        if self._held_since is not None and now - self._held_since >= HOLD:
            self._let_go()
        if now - self._pinged >= EVERY:
            self._pinged = now
            self._session.ping()

    def _pause(self) -> float:
        now = time.monotonic()
        waits = [self._pinged + EVERY - now]
        if self._held_since is not None:
            waits.append(self._held_since + HOLD - now)
        return max(0.0, min(waits))
