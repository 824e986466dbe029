"""Ask a server again what may succeed the next time, for a while.

Between two tries is a pause that doubles, of a random part: clients that lost a server together must not come back
together. What is worth another try is decided in `refusals`.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from dockerflow.store.errors import Unreachable

T = TypeVar("T")

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 5.0


class Again(Exception):
    """A try that failed, and why; the next one may succeed."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Patience:
    """`seconds` from the first failure of an operation on, in which it is tried again."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def ask(self, attempt: Callable[[], T], endpoint: str) -> T:
        """What `attempt` returns, which raises Again for what is worth another try. Raises Unreachable."""
        pauses = Pauses(self.seconds, endpoint)
        while True:
            try:
                return attempt()
            except Again as failed:
                pauses.wait(failed.why)


class Pauses:
    """The pauses of one operation. `progress` begins anew: the server has been there in between."""

    def __init__(self, seconds: float, endpoint: str) -> None:
        self._seconds, self._endpoint = seconds, endpoint
        self.progress()

    def progress(self) -> None:
        self._pause, self._until = FIRST_PAUSE, float("inf")

    def wait(self, why: str) -> None:
        """Raises Unreachable when the time is over."""
        now = time.monotonic()
        self._until = min(self._until, now + self._seconds)
        pause = self._pause * random.uniform(0.5, 1.0)
        if now + pause > self._until:
            raise Unreachable(
                f"no answer from the S3 server `{self._endpoint}` in {self._seconds:g} s: {why}",
                "see whether the server runs and can be reached from here; the setting `store_patience` says how long to "
                "ask again",
            )
        time.sleep(pause)
        self._pause = min(self._pause * 2, LONGEST_PAUSE)
