"""Which packages share a layer, and in which order the layers lie. A pure function of the lock and the archives' sizes.

**Order.** An engine with the classic store reuses only a common beginning of the chain of layers, so what many
environments share comes first and what differs comes last, in six sections: what Python needs, Python, the other conda
packages, what the user asked of conda, wheels, wheels that the user asked for. So an environment to which wheels are
added begins with the one without them. Within a section the big packages come first and the small ones after them,
since a group of small ones is the first thing to differ between two environments; then a package that others need comes
before those (by its depth in the dependency graph); ties are broken by name.

**Grouping.** A package of BIG bytes or more, Python, and everything that the user asked for has a layer of its own. The
small packages of a section share layers of at most GROUP bytes. If that gives too many layers, the neighbours with the
fewest bytes together are joined, again and again, across the border above Python only when nothing else is left.

Sizes are those of the archives: a property of the packages' contents, wherever they come from.
"""

from __future__ import annotations

from collections.abc import Mapping

from dockerflow.environments.lock import Lock, LockedPackage
from dockerflow.images.needs import Needs, needs
from dockerflow.lazy_dataclasses import dataclass

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
        alone = Group((package,), sections[package] <= _PYTHON)
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
    sections, depths = _sections(lock), _depths(needs(lock))

    def rank(package: LockedPackage) -> tuple[int, bool, int, str, str]:
        small = sizes[package.sha256] < BIG
        return (sections[package], small, depths[package], package.name, package.manager)

    return tuple(sorted(lock.packages, key=rank))


_BELOW_PYTHON, _PYTHON, _ABOVE_PYTHON, _REQUESTED, _WHEELS, _REQUESTED_WHEELS = range(6)

# Whose packages have layers of their own, however small they are.
_APART = {_PYTHON, _REQUESTED, _REQUESTED_WHEELS}


def _sections(lock: Lock) -> Mapping[LockedPackage, int]:
    closure = _closure(needs(lock))

    def section(package: LockedPackage) -> int:
        requested = package.name in lock.requested
        if package.manager == "pip":
            return _REQUESTED_WHEELS if requested else _WHEELS
        if package in closure:
            return _PYTHON if package.name == "python" else _BELOW_PYTHON
        return _REQUESTED if requested else _ABOVE_PYTHON

    return {package: section(package) for package in lock.packages}


def _may_join(below: Group, above: Group, sections: Mapping[LockedPackage, int], sizes: Mapping[str, int]) -> bool:
    packages = (*below.packages, *above.packages)
    places = {sections[package] for package in packages}
    if len(places) > 1 or places & _APART:
        return False
    return all(sizes[package.sha256] < BIG for package in packages) and below.size(sizes) + above.size(sizes) <= GROUP


def _joined(below: Group, above: Group) -> Group:
    return Group(below.packages + above.packages, below.in_python and above.in_python)


def _smallest_neighbours(result: list[Group], sizes: Mapping[str, int]) -> int:
    """Where the two neighbours lie that are smallest together, those on either side of Python's border last."""
    totals = [one.size(sizes) for one in result]
    pairs = range(len(result) - 1)
    return min(pairs, key=lambda i: (result[i].in_python != result[i + 1].in_python, totals[i] + totals[i + 1], i))


def _closure(needs: Needs) -> frozenset[LockedPackage]:
    """conda's Python and everything that it needs."""
    found: set[LockedPackage] = set()
    waiting = [package for package in needs if (package.manager, package.name) == ("conda", "python")]
    while waiting:
        current = waiting.pop()
        if current not in found:
            found.add(current)
            waiting.extend(needs[current])
    return frozenset(found)


def _depths(needs: Needs) -> Mapping[LockedPackage, int]:
    """The longest way from each package down to one that needs nothing. A cycle counts as one step."""
    depths: dict[LockedPackage, int] = {}
    under_way: set[LockedPackage] = set()

    def depth(package: LockedPackage) -> int:
        if package not in depths:
            if package in under_way:
                return 0
            under_way.add(package)
            depths[package] = 1 + max((depth(needed) for needed in needs[package]), default=-1)
        return depths[package]

    for package in sorted(needs, key=lambda package: (package.manager, package.name)):
        depth(package)
    return depths
