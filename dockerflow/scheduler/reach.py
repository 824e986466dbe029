"""Which steps may still have tasks, told from those that have unfinished ones.

Asked after every event, so it must cost the same in a graph of two thousand steps as in one of two: the steps before
each step are the bits of a number, and a question is one `&`.
"""

from __future__ import annotations

from collections.abc import Mapping

from dockerflow.scheduler.values import StepPlan


class Reach:
    """Of one graph, which may have circles: in a recursion a step comes before itself."""

    def __init__(self, steps: Mapping[str, StepPlan]) -> None:
        self._bits = {name: 1 << number for number, name in enumerate(steps)}
        self._wanted: dict[str, int] = {}
        for name, before in _before(steps, self._bits).items():
            workers = steps[name].workers or name
            self._wanted[workers] = self._wanted.get(workers, 0) | before | self._bits[name]
        self._live = 0

    def add(self, step: str) -> None:
        """The step has unfinished tasks now."""
        self._live |= self._bits[step]

    def remove(self, step: str) -> None:
        self._live &= ~self._bits[step]

    def may_have_tasks(self, step: str) -> bool:
        """Whether a step has unfinished tasks, or one before it, of those whose workers go by the name `step`."""
        return bool(self._live & self._wanted[step])


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


def _order(steps: Mapping[str, StepPlan]) -> list[str]:
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
