"""Which steps may still have tasks, and how many at once, told from those that have unfinished ones.

Asked after every event, so it must cost the same in a graph of two thousand steps as in one of two: the steps before
each step are the bits of a number, and a question is one `&`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from itertools import islice

from dockerflow.flow.definition import Step
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.scheduler.values import StepPlan


class Reach:
    """Of one graph, which may have circles: in a recursion a step comes before itself."""

    def __init__(self, steps: Mapping[str, StepPlan]) -> None:
        self._bits = {name: 1 << number for number, name in enumerate(steps)}
        self._wanted: dict[str, _Wanted] = {}
        places = places_of(steps)
        for name, before in _before(steps, self._bits).items():
            wanted = self._wanted.setdefault(steps[name].workers or name, _Wanted())
            wanted.add(before | self._bits[name], places[name])
        self._live = 0

    def add(self, step: str) -> None:
        """The step has unfinished tasks now."""
        self._live |= self._bits[step]

    def remove(self, step: str) -> None:
        self._live &= ~self._bits[step]

    def at_once(self, step: str, most: int) -> int:
        """How many tasks, up to `most`, may still be there at a time of the steps whose workers go by the name `step`:
        those that have unfinished ones, or have such a step before them."""
        return self._wanted[step].at_once(self._live, most)


@dataclass
class _Wanted:
    """When workers are: each number has the bits of a step and of those before it."""

    in_line: int = 0  # of steps of which one at most runs
    in_foreach: int = 0  # of those of which any number does
    in_splits: list[int] = field(default_factory=list)  # of each other

    def add(self, bits: int, place: Place) -> None:
        if any(place):
            self.in_foreach |= bits
        elif place:
            self.in_splits.append(bits)
        else:
            self.in_line |= bits

    def at_once(self, live: int, most: int) -> int:
        if live & self.in_foreach:
            return most
        branches = islice((1 for bits in self.in_splits if live & bits), most)
        return min(most, bool(live & self.in_line) + sum(branches))


# What a step is inside of, outermost first: a foreach or a gang, or a split into other steps.
Place = tuple[bool, ...]


def places_of(steps: Mapping[str, StepPlan | Step]) -> dict[str, Place]:
    """Of each step; one that splits is where it begins."""
    places: dict[str, Place] = {}
    for name in _order(steps):
        step, place = steps[name], places.setdefault(name, ())
        if step.foreach is not None or step.gang:
            place = (*place, True)
        elif len(step.next) > 1 and step.condition is None:
            place = (*place, False)
        for follower in step.next:
            places.setdefault(follower, place[:-1] if steps[follower].join else place)
    return places


def _before(steps: Mapping[str, StepPlan], bits: Mapping[str, int]) -> dict[str, int]:
    """In the order of the graph one pass does; where there are circles, one more for each that lies in another."""
    before = dict.fromkeys(steps, 0)
    order = _order(steps)
    changed = True
    while changed:
        changed = False
        for name in order:
            known = before[name] | bits[name]
            for follower in steps[name].next:
                if known & ~before[follower]:
                    before[follower] |= known
                    changed = True
    return before


def _order(steps: Mapping[str, StepPlan | Step]) -> list[str]:
    """Each step before those that follow it, but for circles. Not by recursion: a graph may be long."""
    done: list[str] = []
    seen: set[str] = set()
    for first in steps:
        if first in seen:
            continue
        seen.add(first)
        path = [(first, iter(steps[first].next))]
        while path:
            followers = path[-1][1]
            follower = next((each for each in followers if each not in seen), None)
            if follower is None:
                done.append(path.pop()[0])
            else:
                seen.add(follower)
                path.append((follower, iter(steps[follower].next)))
    return done[::-1]
