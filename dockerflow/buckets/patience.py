"""Ask a server again what may succeed the next time, for a while.

Unlike a step's client this one can be told to wait no longer, and tells who watches that it waits. What is worth
another try is decided in `refusals`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from dockerflow.store.errors import Unreachable
from dockerflow.store.s3.patience import pauses

T = TypeVar("T")

# After so many seconds without an answer whoever watches is told that one waits.
NOTICE = 3.0


class Again(Exception):
    """A try that failed, and why; the next one may succeed."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Patience:
    """`seconds` from the first failure of an operation on, in which it is tried again. Threads share it.

    `waiting` is told why an operation waits, once for many, and None when the server answers again.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.waiting: Callable[[str | None], None] = lambda why: None
        self._over = threading.Event()
        self._told = False

    def ask(self, attempt: Callable[[], T], endpoint: str) -> T:
        """What `attempt` returns, which raises Again for what is worth another try. Raises Unreachable."""
        pauses = Pauses(self, endpoint)
        while True:
            try:
                answer = attempt()
            except Again as failed:
                pauses.wait(failed.why)
            else:
                self.answered()
                return answer

    def wait(self, patient: bool) -> None:
        """Whether one waits at all; where not, nobody goes on who waits now."""
        (self._over.clear if patient else self._over.set)()

    def pause(self, seconds: float) -> bool:
        """Whether to try again after it."""
        return not self._over.wait(seconds)

    @property
    def over(self) -> bool:
        return self._over.is_set()

    def failing(self, why: str) -> None:
        if not self._told:
            self._told = True
            self.waiting(why)

    def answered(self) -> None:
        if self._told:
            self._told = False
            self.waiting(None)


class Pauses:
    """The pauses of one operation. `progress` begins anew: the server has been there in between."""

    def __init__(self, patience: Patience, endpoint: str) -> None:
        self._patience, self._endpoint = patience, endpoint
        self.progress()

    def progress(self) -> None:
        self._pauses, self._since = pauses(), float("inf")

    def wait(self, why: str) -> None:
        """Raises Unreachable when the time is over."""
        now = time.monotonic()
        self._since = min(self._since, now)
        if now - self._since > NOTICE:
            self._patience.failing(why)
        pause = next(self._pauses)
        if now + pause > self._since + self._patience.seconds or not self._patience.pause(pause):
            raise Unreachable(
                f"no answer from the S3 server `{self._endpoint}` in {self._waited(now):g} s: {why}",
                "see whether the server runs and can be reached from here; the setting `store_patience` says how long "
                "it is asked again",
            ) from None  # `why` says all that the many exceptions of a connection do

    def _waited(self, now: float) -> float:
        """As it was meant; less where nobody waits any more."""
        return round(now - self._since, 1) if self._patience.over else self._patience.seconds
