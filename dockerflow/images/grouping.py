"""Which packages share a layer, and in which order the layers lie. A pure function of the lock and the archives' sizes.

**Order.** An engine with the classic store reuses only a common beginning of the chain of layers, so what many
environments share comes first and what differs comes last, in four sections: what Python needs, Python, the other
packages, what the user asked for. Within a section the big packages come first and the small ones after them, since a
group of small ones is the first thing to differ between two environments; then a package that others need comes before
those (by its depth in the dependency graph); ties are broken by name.

**Grouping.** A package of BIG bytes or more, Python, and everything that the user asked for has a layer of its own. The
small packages of a section share layers of at most GROUP bytes. If that gives too many layers, the neighbours with the
fewest bytes together are joined, again and again, across the border above Python only when nothing else is left.

Sizes are those of the archives: a property of the packages' contents, wherever they come from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dockerflow.environments.lock import Lock, LockedPackage

BIG = 1_000_000
GROUP = 8_000_000


@dataclass(frozen=True)
class Group:
    """The packages of one layer, in the order in which they are written."""

    packages: tuple[LockedPackage, ...]
    in_python: bool  # whether they are Python and what it needs

    @property
    def title(self) -> str:
        if len(self.packages) == 1:
            return f"{self.packages[0].name} {self.packages[0].version}"
        return f"{len(self.packages)} small packages"

    def size(self, sizes: Mapping[str, int]) -> int:
        return sum(sizes[package.sha256] for package in self.packages)


def groups(lock: Lock, sizes: Mapping[str, int], at_most: int) -> tuple[Group, ...]:
    """The layers of `lock`, at most `at_most`. `sizes` has each archive's size by its sha256."""
    sections = _sections(lock)
    result: list[Group] = []
    for package in ordered(lock, sizes):
        alone = Group((package,), sections[package.name] <= _PYTHON)
        if result and _may_join(result[-1], alone, sections, sizes):
            result[-1] = _joined(result[-1], alone)
        else:
            result.append(alone)
    while len(result) > at_most and len(result) > 1:
        index = _smallest_neighbours(result, sizes)
        result[index : index + 2] = [_joined(result[index], result[index + 1])]
    return tuple(result)


def ordered(lock: Lock, sizes: Mapping[str, int]) -> tuple[LockedPackage, ...]:
    """The packages from the bottom layer to the top one."""
    sections, depths = _sections(lock), _depths(lock)

    def rank(package: LockedPackage) -> tuple[int, bool, int, str, str]:
        small = sizes[package.sha256] < BIG
        return (sections[package.name], small, depths[package.name], package.name, package.manager)

    return tuple(sorted(lock.packages, key=rank))


_BELOW_PYTHON, _PYTHON, _ABOVE_PYTHON, _REQUESTED = range(4)


def _sections(lock: Lock) -> Mapping[str, int]:
    closure = _closure(lock, "python")

    def section(name: str) -> int:
        if name == "python":
            return _PYTHON
        if name in closure:
            return _BELOW_PYTHON
        return _REQUESTED if name in lock.requested else _ABOVE_PYTHON

    return {package.name: section(package.name) for package in lock.packages}


def _may_join(below: Group, above: Group, sections: Mapping[str, int], sizes: Mapping[str, int]) -> bool:
    packages = (*below.packages, *above.packages)
    places = {sections[package.name] for package in packages}
    if len(places) > 1 or places & {_PYTHON, _REQUESTED}:
        return False
    return all(sizes[package.sha256] < BIG for package in packages) and below.size(sizes) + above.size(sizes) <= GROUP


def _joined(below: Group, above: Group) -> Group:
    return Group(below.packages + above.packages, below.in_python and above.in_python)


def _smallest_neighbours(result: list[Group], sizes: Mapping[str, int]) -> int:
    """Where the two neighbours lie that are smallest together, those on either side of Python's border last."""
    totals = [one.size(sizes) for one in result]
    pairs = range(len(result) - 1)
    return min(pairs, key=lambda i: (result[i].in_python != result[i + 1].in_python, totals[i] + totals[i + 1], i))


def _closure(lock: Lock, name: str) -> frozenset[str]:
    """`name` and everything that it needs, as far as the lock has it."""
    needs = _needs(lock)
    found: set[str] = set()
    waiting = [name] if name in needs else []
    while waiting:
        current = waiting.pop()
        if current not in found:
            found.add(current)
            waiting.extend(needs[current])
    return frozenset(found)


def _depths(lock: Lock) -> Mapping[str, int]:
    """The longest way from each package down to one that needs nothing. A cycle counts as one step."""
    needs = _needs(lock)
    depths: dict[str, int] = {}
    under_way: set[str] = set()

    def depth(name: str) -> int:
        if name not in depths:
            if name in under_way:
                return 0
            under_way.add(name)
            depths[name] = 1 + max((depth(needed) for needed in needs[name]), default=-1)
        return depths[name]

    for name in sorted(needs):
        depth(name)
    return depths


def _needs(lock: Lock) -> Mapping[str, tuple[str, ...]]:
    names = {package.name for package in lock.packages}
    return {p.name: tuple(sorted({name for name, _ in p.dependencies if name in names})) for p in lock.packages}
