"""Where the ways come together that a step opens, found from the graph alone.

Of any graph, also one with circles, or with steps that lead nowhere. Of flows as they are written, with thousands of
steps too, what that takes grows with the number of steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from dockerflow.flow.balance import matching_joins
from dockerflow.flow.definition import Flow, Step

__all__ = ["Joins", "nearest_passed"]

# Comes after every step that nothing follows. No step is called so.
_OUT = ""


class Joins:
    """Where the ways come together that a split, a foreach, a gang or a switch opens."""

    def __init__(self, flow: Flow) -> None:
        self._steps = flow.steps
        self._nearest = nearest_passed(flow.steps)
        self._joins = matching_joins(flow)

    def of(self, name: str) -> str | None:
        """None for a step that opens none."""
        step = self._steps[name]
        if step.split or step.condition is not None:
            return self._nearest.get(name)
        return self._joins.get(name)


def nearest_passed(steps: Mapping[str, Step]) -> Mapping[str, str]:
    """For each step the nearest step that every way from it to an end passes, where there is one.

    What is known of dominators, from the ends backwards: Cooper, Harvey and Kennedy, "A Simple, Fast Dominance
    Algorithm", https://www.cs.rice.edu/~keith/EMBED/dom.pdf.
    """
    following = {name: [after for after in step.next if after in steps] or [_OUT] for name, step in steps.items()}
    order = _from_the_ends(following)
    rank = {name: number for number, name in enumerate(order)}
    nearest = {_OUT: _OUT}

    def met(one: str, other: str) -> str:
        while one != other:
            if rank[one] > rank[other]:
                one = nearest[one]
            else:
                other = nearest[other]
        return one

    changed = True
    while changed:
        changed = False
        for name in order[1:]:
            now, *others = [after for after in following[name] if after in nearest and after != name]
            for other in others:
                now = met(now, other)
            changed, nearest[name] = changed or nearest.get(name) != now, now
    return {name: found for name, found in nearest.items() if found != _OUT}


def _from_the_ends(following: Mapping[str, Sequence[str]]) -> Sequence[str]:
    """All that leads to an end, each before what leads to it alone. Not by recursion, for a flow may be long."""
    before: dict[str, list[str]] = {name: [] for name in (*following, _OUT)}
    for name, afters in following.items():
        for after in afters:
            before[after].append(name)
    found: list[str] = []
    seen = {_OUT}
    way: list[tuple[str, Iterator[str]]] = [(_OUT, iter(before[_OUT]))]
    while way:
        name, left = way[-1]
        for earlier in left:
            if earlier not in seen:
                seen.add(earlier)
                way.append((earlier, iter(before[earlier])))
                break
        else:
            found.append(name)
            way.pop()
    return found[::-1]
