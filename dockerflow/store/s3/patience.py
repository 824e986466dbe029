"""How long to go on asking a server that does not answer, in a step's container.

The host's client makes the same `pauses`, and knows more of who waits: see `dockerflow.buckets.patience`.
"""

from __future__ import annotations

import random
import time
from typing import Iterator, Optional

from dockerflow.store.errors import StoreError, Unreachable

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 5.0


def pauses() -> Iterator[float]:
    """Seconds between one try and the next: twice as many each time, of a random part. Clients that lost a server
    together must not come back together."""
    pause = FIRST_PAUSE
    while True:
        yield pause * random.uniform(0.5, 1.0)
        pause = min(pause * 2, LONGEST_PAUSE)


class Patience:
    """`seconds` from the first failure of one operation on; `progress` begins anew. `suspicion` is why there may be no
    use in waiting: the next failure shows it."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.failures = 0
        self.suspicion: Optional[StoreError] = None
        self.progress()

    def at_once(self) -> None:
        """There is another try without a pause: what failed was no fault of the server."""
        self.failures += 1

    def progress(self) -> None:
        """The server has done something in between."""
        self._pauses, self._until = pauses(), float("inf")

    @property
    def waited(self) -> float:
        """Seconds since the first failure."""
        return max(0.0, time.monotonic() + self._seconds - self._until)

    def failed(self, endpoint: str, why: str) -> None:
        """Wait before the next try. Raises Unreachable when the time is over: the last try is at its end."""
        self.failures += 1
        now = time.monotonic()
        self._until = min(self._until, now + self._seconds)
        if now >= self._until:
            raise Unreachable(
                f"no answer from the S3 server `{endpoint}` in {self._seconds:g} s: {why}",
                "see whether the server runs and can be reached from here, which for step containers is by the name in "
                "`s3_containers_endpoint`; the setting `store_patience` says how long to ask again",
            )
        time.sleep(min(next(self._pauses), self._until - now))
