"""Which packages share a layer, and in which order the layers lie. A pure function of the lock.

**Order.** An engine with the classic store reuses only a common beginning of the chain of layers, so what many
environments share comes first and what differs comes last: first Python and what it needs, then the other packages by
their depth in the dependency graph (what a package needs lies below it), at last what the user asked for. Ties are
broken by name.

**Grouping.** A package of BIG bytes or more, Python, and everything that the user asked for has a layer of its own. The
small packages between two such layers share one, at most GROUP bytes. If that gives too many layers, the neighbours
with the fewest bytes together are joined, again and again, but never across Python's own closure, which environments
share.

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
    closure = _closure(lock, "python")
    result: list[Group] = []
    for package in ordered(lock):
        alone = Group((package,), package.name in closure)
        if result and _may_join(lock, result[-1], alone, sizes):
            result[-1] = _joined(result[-1], alone)
        else:
            result.append(alone)
    while len(result) > at_most and (index := _smallest_neighbours(result, sizes)) is not None:
        result[index : index + 2] = [_joined(result[index], result[index + 1])]
    return tuple(result)


def ordered(lock: Lock) -> tuple[LockedPackage, ...]:
    """The packages from the bottom layer to the top one; what a package needs lies below it, but for cycles."""
    closure = _closure(lock, "python")
    depths = _depths(lock)

    def rank(package: LockedPackage) -> tuple[int, int, str, str]:
        where = 0 if package.name in closure else 2 if package.name in lock.requested else 1
        return (where, depths[package.name], package.name, package.manager)

    return tuple(sorted(lock.packages, key=rank))


def _may_join(lock: Lock, below: Group, above: Group, sizes: Mapping[str, int]) -> bool:
    if below.in_python != above.in_python:
        return False
    small = all(_is_small(lock, package, sizes) for package in (*below.packages, *above.packages))
    return small and below.size(sizes) + above.size(sizes) <= GROUP


def _is_small(lock: Lock, package: LockedPackage, sizes: Mapping[str, int]) -> bool:
    return sizes[package.sha256] < BIG and package.name != "python" and package.name not in lock.requested


def _joined(below: Group, above: Group) -> Group:
    return Group(below.packages + above.packages, below.in_python and above.in_python)


def _smallest_neighbours(result: list[Group], sizes: Mapping[str, int]) -> int | None:
    """Where the two neighbours lie that are smallest together; Python's closure is kept apart as long as possible."""
    if len(result) < 2:
        return None
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
