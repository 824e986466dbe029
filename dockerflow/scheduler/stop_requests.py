"""`dockerflow runs kill`, from another terminal or machine, as an event among others: see `store.stopping`.

A thread looks for the request every few seconds. A store that is away is looked at again when it answers; the run ends
by itself where it stays away.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from dockerflow.scheduler.loop import Inbox, Stop
from dockerflow.store import stopping
from dockerflow.store.base import Store
from dockerflow.store.errors import StoreError

# Seconds between two looks: a request of a few hundred bytes each.
EVERY = 2.0

# How long the end waits for a look that is under way, in seconds.
_LAST_LOOK = 5.0


@contextmanager
def stop_requests(store: Store, flow: str, run_id: str, inbox: Inbox, every: float = EVERY) -> Iterator[None]:
    """While this lasts, a request to end the run puts a Stop into the inbox, once."""
    over, heard = threading.Event(), threading.Event()

    def look() -> None:
        while not (over.wait(every) or heard.is_set()):
            with suppress(StoreError):
                user = stopping.asked(store, flow, run_id)
                if user is not None:
                    heard.set()
                    inbox.put((0, Stop(f"killed by {user}")))

    looking = threading.Thread(target=look, name="stop-requests", daemon=True)
    looking.start()
    try:
        yield
    finally:
        over.set()
        looking.join(_LAST_LOOK)
        if heard.is_set():
            with suppress(StoreError):  # it says nothing of a run that has ended
                stopping.forget(store, flow, run_id)
