"""Give every task random numbers as a process of its own would have them.

A task is a fork of the worker, so without this all tasks of a step would draw the same numbers: numpy does not know
about forks. Python's own `random` does, but forgets in the fork what a flow file has seeded. So: a generator that the
flow file has seeded begins in every task as the import left it, and one that it has not is seeded anew. A generator
object that the flow file makes at its top (`numpy.random.default_rng()`) is the file's own and the same in every
task.
"""

from __future__ import annotations

import random
import sys
from contextlib import contextmanager
from typing import Any, Iterator, Optional

# How numpy's generator looks before the first number is drawn from it, unless it was seeded with a number: see
# `MT19937.__init__` and `_legacy_seeding` in numpy/random/_mt19937.pyx.
_UNTOUCHED = 0x80000000


class Randomness:
    """What the flow file did about random numbers when it was imported."""

    def __init__(self) -> None:
        self._seeded: Optional[Any] = None  # the state of `random` after an import that seeded it

    @contextmanager
    def watching(self) -> Iterator[None]:
        """While the flow file is imported."""
        original, calls = random.seed, []

        def seed(a: Any = None, *more: Any, **named: Any) -> None:
            calls.append(a)
            original(a, *more, **named)

        random.seed = seed
        try:
            yield
        finally:
            random.seed = original
        if calls and calls[-1] is not None:
            self._seeded = random.getstate()

    def begin(self) -> None:
        """In a task's process, before its code."""
        if self._seeded is not None:
            random.setstate(self._seeded)
        numpy_random: Any = sys.modules.get("numpy.random")
        if numpy_random is not None and _is_untouched(numpy_random):
            numpy_random.seed()


def _is_untouched(numpy_random: Any) -> bool:
    try:
        return int(numpy_random.get_state()[1][0]) == _UNTOUCHED
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):  # another generator was put in its place
        return False
