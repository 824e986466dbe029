"""Several things at a time, of any number of them, in memory for a few.

`store.each` holds a list of all and their results. Here things are taken as there is room, and results are given as
they come; who stops to listen, or is interrupted, has the rest given up, also in the middle of a large blob.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

from dockerflow.store.base import Store
from dockerflow.store.directory import DirectoryStore

__all__ = ["GivenUp", "Stop", "done", "threads_for"]

Item = TypeVar("Item")
Result = TypeVar("Result")

# Asked in the middle of something long; raises GivenUp.
Stop = Callable[[], None]

# A server answers other requests while it reads for one.
FOR_BUCKETS = 8


class GivenUp(Exception):
    """What goes on is not waited for any more."""


def threads_for(*stores: Store) -> int:
    """A disk gains nothing by more than what the processors hash."""
    of_disk = os.cpu_count() or 1
    return of_disk if all(isinstance(store, DirectoryStore) for store in stores) else max(of_disk, FOR_BUCKETS)


def done(function: Callable[[Item, Stop], Result], items: Iterable[Item], threads: int) -> Iterator[Result]:
    """What `function` gives for each item, in the order in which it is ready. Raises what `function` raises."""
    over = threading.Event()

    def stop() -> None:
        if over.is_set():
            raise GivenUp

    waiting: set[Future[Result]] = set()
    with ThreadPoolExecutor(threads, "several") as pool:
        try:
            for item in items:
                waiting.add(pool.submit(function, item, stop))
                if len(waiting) >= 2 * threads:
                    ended, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                    yield from (each.result() for each in ended)
            while waiting:
                ended, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                yield from (each.result() for each in ended)
        finally:
            over.set()
            pool.shutdown(wait=False, cancel_futures=True)
