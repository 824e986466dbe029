"""How long to go on asking a server that does not answer.

Between two tries is a pause that doubles, of a random part: clients that lost a server together must not come back
together.
"""

from __future__ import annotations

import random
import time
from typing import Optional

from dockerflow.store.errors import StoreError, Unreachable

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 5.0


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
        self._pause, self._until = FIRST_PAUSE, float("inf")

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
        time.sleep(min(self._pause * random.uniform(0.5, 1.0), self._until - now))
        self._pause = min(self._pause * 2, LONGEST_PAUSE)
