"""What is another package in one lock than in another. Pure."""

from __future__ import annotations

from dockerflow.environments.lock import Lock, LockedPackage
from dockerflow.lazy_dataclasses import dataclass


@dataclass(frozen=True)
class Change:
    """One package that only one of two locks has, or both in another form."""

    before: LockedPackage | None
    after: LockedPackage | None

    @property
    def name(self) -> str:
        return self._there.name

    @property
    def manager(self) -> str:
        return self._there.manager

    def __str__(self) -> str:
        """`pandas 1.5.3 → 2.2.3`, `+ six 1.16.0`, `- pytz 2024.1`."""
        world = " (pip)" if self.manager == "pip" else ""
        old, new = self.before, self.after
        if old is None or new is None:
            return f"{'+' if old is None else '-'} {self.name} {self._there.version}{world}"
        if old.version != new.version:
            return f"{old.name} {old.version} → {new.version}{world}"
        if old.build != new.build:
            return f"{old.name} {old.version} {old.build} → {new.build}"
        return f"{old.name} {old.version}: another archive"

    @property
    def _there(self) -> LockedPackage:
        found = self.after or self.before
        if found is None:
            raise ValueError("a change is of a package")
        return found


def changes(before: Lock, after: Lock) -> list[Change]:
    """Those that both have come first, then those that are new, then those that are gone; each by name."""
    old = {(package.manager, package.name): package for package in before.packages}
    new = {(package.manager, package.name): package for package in after.packages}
    shared = sorted(old.keys() & new.keys())
    changed = [Change(old[key], new[key]) for key in shared if old[key].sha256 != new[key].sha256]
    added = [Change(None, new[key]) for key in sorted(new.keys() - old.keys())]
    gone = [Change(old[key], None) for key in sorted(old.keys() - new.keys())]
    return [*changed, *added, *gone]
