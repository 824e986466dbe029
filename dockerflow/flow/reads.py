"""Which parameters a task has read: what its result depends on beside its code and its inputs.

A step may read them in processes that it forks, as a pool's, so this is written down in memory that those share. What a
step reads of past runs, its own run's among them, may hold any parameter's value: then it is not known any more.

Standard library only, Python 3.7.
"""

from __future__ import annotations

from mmap import mmap
from typing import Iterable, Optional, Tuple

__all__ = ["Reads", "enter", "of_past_runs"]


class Reads:
    """What is read of these parameters; `names` are their attributes, and those of configs."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = sorted(names)
        self._places = {name: place for place, name in enumerate(self._names, 1)}
        self._marks = mmap(-1, 1 + len(self._names))  # a byte for each, behind that of what is not known

    def add(self, name: str) -> None:
        """Of a name that is none of them: nothing."""
        place = self._places.get(name)
        if place is not None:
            self._marks[place] = 1

    def add_all(self) -> None:
        for place in self._places.values():
            self._marks[place] = 1

    def lose(self) -> None:
        """From now on it is not known what was read."""
        self._marks[0] = 1

    def found(self) -> Optional[Tuple[str, ...]]:
        """In alphabetical order; None: that is not known."""
        if self._marks[0]:
            return None
        return tuple(name for name, place in self._places.items() if self._marks[place])


_now: Optional[Reads] = None


def enter(reads: Optional[Reads]) -> None:
    """Say whose reading counts from now on; None: nobody's. For the runtime."""
    global _now
    _now = reads


def of_past_runs() -> None:
    """Say that something of a past run is read here. For the client."""
    if _now is not None:
        _now.lose()
