"""What a result depends on, by parts, and the first part in which two differ. Pure.

The parameters that a step reads are known only when it has run. So a key is made of the other parts, and the values of
the parameters that were read come beside it: see `entries`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping

from dockerflow.lazy_dataclasses import dataclass

__all__ = ["CannotTell", "Key", "Part", "Parts", "difference", "hash_of", "shortened"]

# Raise it when the same work would now have another result, or when a part is made in another way.
VERSION = 1

# A part with more items is remembered by its hash alone: a join may have ten thousand inputs.
MANY = 400

# So many items are named where a part differs in several.
NAMED = 3

# What a shortened part holds.
ALL = ""


class CannotTell(Exception):
    """A part of a key cannot be known, so there is no key: nothing is reused, and nothing is kept for others."""

    def __init__(self, part: str, reason: str) -> None:
        super().__init__(f"{part}: {reason}")
        self.part, self.reason = part, reason


@dataclass(frozen=True)
class Part:
    """One kind of thing that a result depends on: a hash, or a short text, for each of them by its name."""

    name: str
    items: Mapping[str, str]


Parts = tuple[Part, ...]


@dataclass(frozen=True)
class Key:
    """All that a task's result depends on but parameters. `place` says which task of its step it is."""

    flow: str
    step: str
    place: str
    parts: Parts

    @property
    def digest(self) -> str:
        return hash_of("key", self.flow, self.step, [[part.name, sorted(part.items.items())] for part in self.parts])


def hash_of(kind: str, *values: object) -> str:
    """Of anything that JSON has."""
    text = json.dumps([f"dockerflow cache {kind}", VERSION, *values], separators=(",", ":"), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def shortened(part: Part) -> Part:
    """As it is remembered to be compared."""
    return part if len(part.items) <= MANY else Part(part.name, {ALL: hash_of(part.name, sorted(part.items.items()))})


def difference(before: Iterable[Part], now: Iterable[Part]) -> Part | None:
    """The first part of `now` that was another one before, with the items that differ, each with `is new`, `is gone` or
    `differs`; None where all are the same."""
    then = {part.name: shortened(part).items for part in before}
    for part in now:
        was, is_now = then.get(part.name, {}), shortened(part).items
        if ALL in was or ALL in is_now:
            was, is_now = _whole(part.name, was), _whole(part.name, is_now)
        changed = dict(_changed(was, is_now))
        if changed:
            return Part(part.name, changed)
    return None


def _whole(name: str, items: Mapping[str, str]) -> Mapping[str, str]:
    return items if ALL in items else {ALL: hash_of(name, sorted(items.items()))}


def _changed(was: Mapping[str, str], now: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name in sorted(was.keys() | now.keys()):
        if name not in was:
            yield name, "is new"
        elif name not in now:
            yield name, "is gone"
        elif was[name] != now[name]:
            yield name, "differs"
