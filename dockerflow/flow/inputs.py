"""The finished tasks that a join receives.

A join may have ten thousand of them, so each is made when it is asked for, and what was only looked at in passing is
forgotten again: who goes through all of them needs the memory for one. What a step may have changed stays.

Standard library only, Python 3.7.
"""

from __future__ import annotations

from operator import index as as_index
from typing import Any, Callable, Dict, Iterator, List, Sequence
from weakref import WeakValueDictionary

__all__ = ["Inputs", "in_use"]

# How many are named where all of them are shown.
SHOWN = 10


class Inputs:
    """A join's inputs, in the order of the split: `inputs[0].x`, `inputs.train.x` by step, or one after the other.

    `make` gives the input of a number, of the step with the same number in `steps`; `may_differ` says whether an input
    may no longer be what `make` would give again.
    """

    def __init__(self, make: Callable[[int], Any], steps: Sequence[str], may_differ: Callable[[Any], bool]) -> None:
        self._make = make
        self._steps = steps
        self._may_differ = may_differ
        self._kept: Dict[int, Any] = {}
        self._in_use: WeakValueDictionary[int, Any] = WeakValueDictionary()

    def __getattr__(self, name: str) -> Any:
        # The last one of that name, as in Metaflow, where all tasks of a foreach have the same.
        steps = vars(self).get("_steps", ())
        for number in range(len(steps) - 1, -1, -1):
            if steps[number] == name:
                return self[number]
        listed = ", ".join(f"`{step}`" for step in dict.fromkeys(steps))
        raise AttributeError(f"no step `{name}` leads to this join; its inputs come from {listed}")

    def __getitem__(self, index: Any) -> Any:
        numbers = range(len(self._steps))[index if isinstance(index, slice) else as_index(index)]
        if isinstance(numbers, range):
            return [self[number] for number in numbers]
        found = self._kept[numbers] = self._one(numbers)
        return found

    def __iter__(self) -> Iterator[Any]:
        for number in range(len(self._steps)):
            one = self._one(number)
            try:
                yield one
            finally:
                if self._may_differ(one):
                    self._kept[number] = one
                del one

    def __len__(self) -> int:
        return len(self._steps)

    def __dir__(self) -> List[str]:
        return [*super().__dir__(), *self._steps]

    def __repr__(self) -> str:
        shown = [repr(self._one(number)) for number in range(min(SHOWN, len(self)))]
        more = [f"and {len(self) - SHOWN:,} more"] if len(self) > SHOWN else []
        return f"<{len(self)} inputs: {', '.join([*shown, *more])}>"

    def __reduce__(self) -> Any:
        raise TypeError("`inputs` cannot be an artifact; keep what is needed of each, as in `[i.x for i in inputs]`")

    def _one(self, number: int) -> Any:
        found = self._kept.get(number)
        if found is None:
            found = self._in_use.get(number)
        if found is None:
            found = self._in_use[number] = self._make(number)
        return found


def in_use(inputs: Inputs) -> List[Any]:
    """Those whose values the step may still have. Not a method: a step may have any name."""
    own = vars(inputs)
    return list({**own["_in_use"], **own["_kept"]}.values())
