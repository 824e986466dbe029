"""Ask a store that is far away for many things at a time.

Threads alone, not `concurrent.futures`: that costs every container the import of `logging`.
"""

from __future__ import annotations

import threading
from typing import Any, Callable, Dict, Iterable, List, Tuple, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

# Requests under way at once. A server on two cores answers no more with more of them.
THREADS = 16


def in_threads(function: Callable[[Item], Result], items: Iterable[Item], threads: int = THREADS) -> List[Result]:
    """`function` of each item, in order. The first error is raised, once the calls under way have returned."""
    every = list(items)
    if len(every) <= 1:
        return [function(item) for item in every]
    results: Dict[int, Result] = {}
    errors: List[BaseException] = []
    waiting = iter(enumerate(every))
    taking = threading.Lock()

    def work() -> None:
        while not errors:
            with taking:
                numbered: Tuple[int, Any] = next(waiting, (-1, None))
            if numbered[0] < 0:
                return
            try:
                results[numbered[0]] = function(numbered[1])
            except BaseException as error:  # noqa: BLE001  # raised by the caller's thread
                errors.append(error)

    workers = [threading.Thread(target=work, daemon=True) for _ in range(min(threads, len(every)))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if errors:
        try:
            raise errors[0]
        finally:
            errors.clear()  # else the error and its traceback would keep each other, and all that the calls had open
    return [results[number] for number in range(len(every))]
