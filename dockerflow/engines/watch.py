"""Whether a remote host answers, known by one thread, which is also the only one that connects again.

It asks every few seconds. A host that does not answer is *away*; one that was away for `patience` seconds is *given
up*, which is said once, and it goes on looking: a host may come back later. Whoever lost a connection to the host tells
`suspect`, so that it is looked at now, and then waits in `wait_until_back`. What follows from a look is in `Seen`,
which knows no clock and no threads.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Protocol, Union

from dockerflow.lazy_dataclasses import dataclass

# Seconds between two looks at a host that answers.
EVERY = 5.0

# Seconds until the next look at one that does not: a part of the time that it has been away, but no less than the one
# and no more than the other. A server counts those who knock in vain, and may shut them out.
SOONEST, LATEST = 0.25, 15.0
_PART = 0.1

# How long the end of a look is waited for, in seconds, when nobody wants to know any more.
_END = 2.0


@dataclass(frozen=True)
class Away:
    """The host does not answer. It may be back in a moment."""

    reason: str


@dataclass(frozen=True)
class Back:
    """The host answers; it may have been given up."""


@dataclass(frozen=True)
class GivenUp:
    """The host did not answer for as long as it is waited for."""

    reason: str


HostState = Union[Away, Back, GivenUp]
Tell = Callable[[HostState], None]


@dataclass(frozen=True)
class Seen:
    """What is known of a host, which is given up after `patience` seconds; times in seconds of any clock."""

    patience: float
    state: HostState = Back()
    away_since: float = 0.0

    def answered(self) -> Seen:
        return replace(self, state=Back())

    def missed(self, reason: str, now: float) -> Seen:
        """It did not answer, for the reason given in words that can follow a colon."""
        if isinstance(self.state, Back):
            return replace(self, state=Away(reason), away_since=now)
        if isinstance(self.state, GivenUp) or now - self.away_since >= self.patience:
            return replace(self, state=GivenUp(reason))
        return replace(self, state=Away(reason))

    def pause(self, now: float) -> float:
        """Until the next look."""
        if isinstance(self.state, Back):
            return EVERY
        return min(max(_PART * (now - self.away_since), SOONEST), LATEST)


class Link(Protocol):
    """The way to a host. Used by one thread at a time."""

    def look(self) -> str | None:
        """Ask the engine whether it is there, connecting again where that is needed: None if it is, else the reason, in
        words that can follow a colon. Takes no longer than its time-outs."""

    def close(self) -> None:
        """Let go of the way; nobody looks after that. May be called while somebody does, and ends that."""


class Watch:
    """Over one host that answered a moment ago. All methods may be called from any thread."""

    def __init__(self, name: str, link: Link, patience: float) -> None:
        self.patience = patience
        self._link = link
        self._listeners: list[Tell] = []
        self._changed = threading.Condition()
        self._seen = Seen(patience)
        self._asked = 0  # how many times somebody suspected something
        self._looked = 0  # how many of them had done so when the last look began
        self._closed = False
        self._thread = threading.Thread(target=self._watch, name=f"watch-{name}", daemon=True)
        self._thread.start()

    @property
    def state(self) -> HostState:
        """Back() also where it has never been away."""
        return self._seen.state

    def listen(self, tell: Tell) -> None:
        """Call it at each change of the state from now on, in the thread of the watch: it must not wait for long."""
        with self._changed:
            self._listeners.append(tell)

    def forget(self, tell: Tell) -> None:
        """Call it no more."""
        with self._changed, suppress(ValueError):
            self._listeners.remove(tell)

    def suspect(self) -> None:
        """Look now: a connection to the host broke. `wait_until_back` then waits for what is found."""
        with self._changed:
            if isinstance(self.state, Back):
                self._asked += 1
                self._changed.notify_all()

    def wait_until_back(self, seconds: float | None = None, even_given_up: bool = False) -> bool:
        """Wait until the host answers; whether it does. It does not when it is given up, or the watch is closed, or
        after so many seconds. `even_given_up`: wait for a host that is given up, too."""

        def is_decided() -> bool:
            given_up = isinstance(self.state, GivenUp) and not even_given_up
            return self._closed or given_up or self._answers()

        with self._changed:
            self._changed.wait_for(is_decided, seconds)
            return self._answers()

    def answers_now(self) -> bool:
        """Whether it answers, by a look that begins after this call; of a host that is away, what is known of it."""
        with self._changed:
            self.suspect()
            asked = self._asked
            self._changed.wait_for(lambda: self._closed or self._looked >= asked or not isinstance(self.state, Back))
            return self._answers()

    def close(self) -> None:
        """Stop looking, and let go of the way to the host."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._link.close()
        if threading.current_thread() is not self._thread:
            self._thread.join(_END)

    def _answers(self) -> bool:
        return not self._closed and self._looked == self._asked and isinstance(self.state, Back)

    def _watch(self) -> None:
        while self._pause(self._seen.pause(time.monotonic())):
            asked = self._asked  # whoever suspects from here on is not answered by this look
            reason = self._look()
            self._set(self._seen.missed(reason, time.monotonic()) if reason else self._seen.answered(), asked)

    def _pause(self, seconds: float) -> bool:
        """Whether to look after it."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._looked != self._asked, seconds)
            return not self._closed

    def _look(self) -> str | None:
        try:
            return self._link.look()
        except Exception as error:  # noqa: BLE001 - many wait for this thread, whatever it meets
            return f"{type(error).__name__}: {error}"

    def _set(self, seen: Seen, asked: int) -> None:
        with self._changed:
            changed = type(seen.state) is not type(self._seen.state) and not self._closed
            self._seen, self._looked = seen, asked
            listeners = tuple(self._listeners) if changed else ()
            self._changed.notify_all()
        for tell in listeners:
            tell(seen.state)
