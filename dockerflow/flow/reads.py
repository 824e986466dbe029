"""Which parameters a task has read: what its result depends on beside its code and its inputs.

What it has asked of `current` counts as well where another run of the same work may have another answer, as for
`current.tags`.

A step may read them in processes that it forks, as a pool's, so this is written down in memory that those share. What a
step reads of past runs, its own run's among them, may hold any parameter's value: then it is not known any more.

Standard library only, Python 3.7.
"""

from __future__ import annotations

from mmap import mmap
from typing import Iterable, Optional, Tuple

__all__ = ["Reads", "enter", "of_current", "of_past_runs"]

# What of `current` is written down; what names this run or task (`current.run_id`) differs always, and is not.
_OF_CURRENT = ("graph", "namespace", "parameter_names", "retry_count", "tags", "username")


class Reads:
    """What is read of these parameters; `names` are their attributes, and those of configs."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._given = frozenset(names)
        self._names = sorted(self._given.union(map(_asked, _OF_CURRENT)))
        self._places = {name: place for place, name in enumerate(self._names, 1)}
        self._marks = mmap(-1, 1 + len(self._names))  # a byte for each, behind that of what is not known

    def add(self, name: str) -> None:
        """Of a name that is none of them: nothing."""
        place = self._places.get(name)
        if place is not None:
            self._marks[place] = 1

    def add_all(self) -> None:
        for name in self._given:
            self.add(name)

    def lose(self) -> None:
        """From now on it is not known what was read."""
        self._marks[0] = 1

    def found(self) -> Optional[Tuple[str, ...]]:
        """In alphabetical order; None: that is not known."""
        if self._marks[0]:
            return None
        return tuple(name for name, place in self._places.items() if self._marks[place])


def _asked(name: str) -> str:
    return f"current.{name}"


_now: Optional[Reads] = None


def enter(reads: Optional[Reads]) -> None:
    """Say whose reading counts from now on; None: nobody's. For the runtime."""
    global _now
    _now = reads


def of_current(name: str) -> None:
    """Say that `current` is asked here for one of `_OF_CURRENT`, found as `current.tags`."""
    if _now is not None:
        _now.add(_asked(name))


def of_past_runs() -> None:
    """Say that something of a past run is read here. For the client."""
    if _now is not None:
        _now.lose()
