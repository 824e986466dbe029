"""Signs of life: whoever holds a key gives one every few seconds, and lives as long as the last was not long ago.

That is for those who cannot look at its process: on another machine. Standard library only, Python 3.7.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import Callable, Iterator

# Seconds between two signs of life, and without one until who holds a key counts as dead. A server that is away for
# less than that kills nobody.
BEAT = 5.0
LIFE = 60.0

# How long the end waits for a sign of life that is under way, in seconds.
_LAST_BEAT = 10.0


@contextmanager
def beating(beat: Callable[[], None], every: float) -> Iterator[None]:
    """Call `beat`, which raises nothing, in a thread until the end of the `with`."""
    over = threading.Event()

    def go_on() -> None:
        while not over.wait(every):
            beat()

    thread = threading.Thread(target=go_on, name="hold", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(_LAST_BEAT)
