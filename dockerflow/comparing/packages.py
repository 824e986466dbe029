"""The locks of two runs beside each other, package by package."""

from __future__ import annotations

from dockerflow.comparing.artifacts import Side
from dockerflow.comparing.section import Asked, Section
from dockerflow.comparing.words import counted
from dockerflow.environments import differences, lock_file
from dockerflow.environments.differences import Change
from dockerflow.environments.errors import LockFileError
from dockerflow.environments.lock import Lock
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.store.errors import StoreError


@dataclass(frozen=True)
class Unreadable:
    why: str


Found = Lock | Unreadable | None


def locks(first: Side, second: Side, _: Asked) -> Section:
    """Steps with the same two locks are told together."""
    pairs: dict[tuple[str, str], list[str]] = {}
    one, other = first.history.steps, second.history.steps
    shared = [name for name in one if name in other]
    for name in shared:
        pairs.setdefault((one[name].lock, other[name].lock), []).append(name)
    told = {key: _told(first, second, *key) for key in pairs if key[0] != key[1]}
    different = {key: found for key, found in told.items() if found[0]}
    lines = [line for key, (found, _) in different.items() for line in (f"{', '.join(pairs[key])}:", *_indented(found))]
    facts = {
        "steps": {
            step: {"text": found, "packages": [_facts(each) for each in changes]}
            for key, (found, changes) in different.items()
            for step in pairs[key]
        }
    }
    return Section("locks", not different, _summary(len(different), pairs), tuple(lines), facts=facts)


def _summary(different: int, pairs: dict[tuple[str, str], list[str]]) -> str:
    if not any(any(key) for key in pairs):
        return "none: no step has one"
    return f"those of {counted(different, 'environment')} differ" if different else "the same"


def _told(first: Side, second: Side, one: str, other: str) -> tuple[list[str], list[Change]]:
    """What is said of two locks, and the packages that differ."""
    before, after = _lock(first, one), _lock(second, other)
    for found, which in ((before, "first"), (after, "second")):
        if isinstance(found, Unreadable):
            return [f"the lock of the {which} cannot be read: {found.why}"], []
    if not isinstance(before, Lock) or not isinstance(after, Lock):
        which = "second" if before is None else "first"
        there = after if isinstance(after, Lock) else before
        count = counted(len(there.packages), "package") if isinstance(there, Lock) else ""
        return [f"only the {which} has a lock, of {count}"], []
    changes = differences.changes(before, after)
    lines = [f"for {before.platform} → for {after.platform}"] * (before.platform != after.platform)
    return [*lines, *map(str, changes)], changes


def _lock(side: Side, sha256: str) -> Found:
    if not sha256:
        return None
    try:
        return lock_file.loads(bytes(side.store.blobs.get(sha256)).decode(), f"blob {sha256}")
    except (StoreError, LockFileError, UnicodeDecodeError) as error:
        return Unreadable(str(error))


def _indented(lines: list[str]) -> list[str]:
    return [f"  {line}" for line in lines]


def _facts(change: Change) -> dict[str, str | None]:
    versions = {"before": change.before, "after": change.after}
    return {
        "name": change.name,
        "manager": change.manager,
        **{when: f"{found.version} {found.build}".strip() if found else None for when, found in versions.items()},
    }
