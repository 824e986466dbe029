"""Where results are in the store under their keys.

    cache/<flow>/<step>/<key>/<names>.<values>.<run id>.<task id>   a result: `names` and `values` are hashes of the
                                                                    parameters that were read, and of their values
    cache/<flow>/<step>/latest/<place>                              the parts of the last key at a place, to compare

An entry refers to a manifest, and keeps nothing alive: what it names is kept by the run that made it, and by those that
took it over. Whoever finds one looks whether all of that is still there. An entry whose run is gone is removed by `gc`.
Newer entries stand beside older ones; the newest that is whole counts. Every function raises StoreError where the store
cannot be reached.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from dockerflow.caching.key import Key, Part, hash_of, shortened
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.store import records
from dockerflow.store.base import Store
from dockerflow.store.records import AttemptFinished

__all__ = ["Entry", "Latest", "Name", "by_names", "first", "latest", "matching", "name_of", "put", "remember"]

FOLDER = "cache"
_LATEST = "latest"

# Of hashes in names, so many digits: two that differ stand in one folder, below one key.
_DIGITS = 32


class Name(NamedTuple):
    """What an entry's key in the store says."""

    flow: str
    step: str
    key: str
    names: str
    values: str
    run_id: str
    task_id: str

    @property
    def path(self) -> str:
        last = ".".join(self[3:])
        return f"{FOLDER}/{self.flow}/{self.step}/{self.key}/{last}"


@dataclass(frozen=True)
class Entry:
    """A result that a task of `run_id` had, which had read these parameters, with the hashes of their values. `given`
    are all that there were: it passes them on, and where the flow has one no more, that would be an artifact."""

    run_id: str
    result: AttemptFinished
    read: Mapping[str, str]
    given: tuple[str, ...] = ()


@dataclass(frozen=True)
class Latest:
    """What the last result at a place depended on; `locks` are blobs by platform."""

    run_id: str
    parts: tuple[Part, ...]
    read: Mapping[str, str]
    locks: Mapping[str, str]


def name_of(path: str) -> Name | None:
    """Of a key in the store; None for one that is no entry's."""
    words = path.split("/")
    last = words[-1].split(".")
    if len(words) != 5 or words[0] != FOLDER or len(last) != 4:
        return None
    return Name(words[1], words[2], words[3], *last)


def put(store: Store, key: Key, entry: Entry) -> None:
    name = Name(
        key.flow,
        key.step,
        key.digest,
        _names(entry.read),
        _values(entry.read),
        entry.run_id,
        entry.result.task_id,
    )
    body = {"version": 1, "result": records.to_line(entry.result), "read": dict(entry.read)}
    body["given"] = list(entry.given)
    store.put(name.path, json.dumps(body).encode())


def by_names(store: Store, key: Key) -> list[list[Name]]:
    """The entries below a key, those together that have read parameters of the same names, the newest first."""
    folder = f"{FOLDER}/{key.flow}/{key.step}/{key.digest}"
    found: dict[str, list[Name]] = {}
    names = filter(None, (name_of(f"{folder}/{each}") for each in store.children(folder)))
    for name in sorted(names, key=_age, reverse=True):
        found.setdefault(name.names, []).append(name)
    return list(found.values())


def matching(store: Store, names: Iterable[Name], parameters: Mapping[str, str]) -> Iterator[Entry]:
    """Those of entries that have read parameters of the same names in which these had the values that they have now."""
    wanted: str | None = None
    for name in names:
        if wanted is not None and name.values != wanted:
            continue
        entry = _entry(store, name)
        if entry is None:
            continue
        wanted = _values({each: parameters.get(each, "") for each in entry.read})
        if name.values == wanted and parameters.keys() >= set(entry.given):
            yield entry


def first(store: Store, names: Iterable[Name]) -> Entry | None:
    """The newest of entries that can be read."""
    return next(filter(None, (_entry(store, name) for name in names)), None)


def remember(store: Store, key: Key, latest: Latest) -> None:
    body = {
        "version": 1,
        "run_id": latest.run_id,
        "parts": [[part.name, dict(part.items)] for part in map(shortened, latest.parts)],
        "read": dict(latest.read),
        "locks": dict(latest.locks),
    }
    store.put(_latest_path(key), json.dumps(body).encode())


def latest(store: Store, key: Key) -> Latest | None:
    """None where there is none that this version can read."""
    try:
        body = json.loads(store.get(_latest_path(key)) or b"")
        parts = tuple(Part(name, items) for name, items in body["parts"])
        return Latest(body["run_id"], parts, body["read"], body["locks"])
    except (ValueError, KeyError, TypeError):
        return None


def _latest_path(key: Key) -> str:
    return f"{FOLDER}/{key.flow}/{key.step}/{_LATEST}/{key.place}"


def _entry(store: Store, name: Name) -> Entry | None:
    """None for one that is gone by now, or that this version cannot read."""
    try:
        body = json.loads(store.get(name.path) or b"")
        result = records.from_line(body["result"])
        read = {str(each): str(value) for each, value in body["read"].items()}
        given = tuple(map(str, body["given"]))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return Entry(name.run_id, result, read, given) if isinstance(result, AttemptFinished) else None


def _names(read: Mapping[str, str]) -> str:
    return hash_of("names", sorted(read))[:_DIGITS]


def _values(read: Mapping[str, str]) -> str:
    return hash_of("values", sorted(read.items()))[:_DIGITS]


def _age(name: Name) -> tuple[int, str]:
    return (int(name.run_id) if name.run_id.isdigit() else 0, name.task_id)
