"""The user's tags of a run, which many may change at once and none loses a change.

    runs/<flow>/<run id>/tags/<number>.json    all of the tags after that many changes, counted from 1

A run without changes has the tags that it began with. A change writes the next number, which only one of several
writers gets; the others look at what it wrote and apply theirs to that. Only the last few numbers are kept: lower ones
are deleted, the lowest first. So a number can be free again after many changes, and a writer that was slow might take
it. It knows that it did not if its number is the newest, or what it started from is still there; otherwise
it begins again at the newest, since applying a change twice is the same as applying it the second time only.

A power cut may leave the newest files empty: the change before them counts then.

A step may not write to the store. What it asks for is a file in its outbox (`asked_tags`); the scheduler takes these
over when an attempt ends, and until then who reads in the step adds them to what the store says. The file comes from
code of the user's: it is believed as far as the user could have done the same.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import json
import time
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any, Dict, FrozenSet, Iterable, Iterator, List, NamedTuple, Optional, Tuple

from dockerflow.errors import DockerflowError
from dockerflow.store import asked_tags, journal, tags
from dockerflow.store.base import Store
from dockerflow.store.blobs import open_regular
from dockerflow.store.errors import DamagedRecord, TaggingError, Unreachable
from dockerflow.store.records import RunStarted
from dockerflow.store.runs import run_key

# So many of the newest changes are kept: a writer that is slower than that looks once more.
KEPT = 16

# How often a reader or a writer begins again because others were faster.
LOOKS = 1000


class Asked(NamedTuple):
    """A change that a step has asked for, and the file that says so."""

    flow: str
    run_id: str
    change: tags.Change
    path: Path


class _Version(NamedTuple):
    """What counts now, and the newest file: its number and bytes."""

    number: int
    tags: FrozenSet[str]
    body: Optional[bytes]


def read(store: Store, started: RunStarted, listed: Optional[Iterable[str]] = None) -> FrozenSet[str]:
    """The user's tags of a run; `listed` are the files of its tags, if they are known. Raises DamagedRecord."""
    return _newest(store, started, listed).tags


def mutate(store: Store, started: RunStarted, change: tags.Change) -> FrozenSet[str]:
    """Change the tags of a run and return them. Raises TaggingError, and has changed nothing then, or StoreError."""
    for _ in range(LOOKS):
        newest = _newest(store, started)
        after = change.apply(newest.tags, system_tags(started))
        if after == newest.tags:
            return after
        if store.put_new(_key(started, newest.number + 1), _encoded(after)):
            _forget(store, started)
            if _counts(store, started, newest):
                return after
    raise TaggingError(
        f"the tags of run `{started.flow}/{started.run_id}` are changed by too many at once", "try again"
    )


def _counts(store: Store, started: RunStarted, before: _Version) -> bool:
    """Whether the change that was written after `before` is for sure among those that count."""
    if before.number and store.get(_key(started, before.number)) == before.body:
        return True
    return _numbers(store, started)[-1] == before.number + 1


def system_tags(started: RunStarted) -> FrozenSet[str]:
    """The tags that nobody changes. Of a run of an older dockerflow: who ran it."""
    return frozenset(started.system_tags or ((f"user:{started.user}",) if started.user else ()))


def _newest(store: Store, started: RunStarted, listed: Optional[Iterable[str]] = None) -> _Version:
    for look in range(LOOKS):
        numbers = _numbers(store, started) if listed is None or look else _numbers_of(listed)
        newest = numbers[-1] if numbers else 0
        for number in reversed(numbers):
            body = store.get(_key(started, number))
            if body is None:  # newer ones are there by now
                break
            if body:  # a power cut leaves empty files
                decoded = _decoded(store, _key(started, number), body)
                return _Version(newest, decoded, body if number == newest else b"")
        else:
            return _Version(newest, frozenset(started.tags), b"" if numbers else None)
    raise DamagedRecord(f"the tags of run `{started.flow}/{started.run_id}` cannot be read")


def _forget(store: Store, started: RunStarted) -> None:
    """Delete what was replaced long ago."""
    store.delete(*(_key(started, number) for number in _numbers(store, started)[:-KEPT]))


def _numbers(store: Store, started: RunStarted) -> List[int]:
    return _numbers_of(store.children(f"{run_key(started.flow, started.run_id)}/tags"))


def _numbers_of(listed: Iterable[str]) -> List[int]:
    names = (name.partition(".")[0] for name in listed)
    return sorted(int(name) for name in names if name.isdigit())


def _key(started: RunStarted, number: int) -> str:
    return f"{run_key(started.flow, started.run_id)}/tags/{number}.json"


def _encoded(after: Iterable[str]) -> bytes:
    """Never the same bytes twice."""
    return json.dumps({"tags": sorted(after), "time": time.time(), "id": uuid.uuid4().hex}).encode()


def _decoded(store: Store, key: str, body: bytes) -> FrozenSet[str]:
    try:
        every = json.loads(body)["tags"]
        if not isinstance(every, list):
            raise TypeError("its tags are no list")
        return frozenset(map(tags.tag, every))
    except (ValueError, KeyError, TypeError, TaggingError) as error:
        raise DamagedRecord(
            f"`{key}` is damaged: {error}", f"delete `{key}` of `{store.name}`; the change before it counts then"
        ) from error


# ---- what steps ask for


def ask(outbox: Path, flow: str, run_id: str, change: tags.Change) -> None:
    """Leave a change in the outbox of a step. Raises StoreError."""
    told = {"flow": flow, "run_id": run_id, "remove": sorted(change.remove), "add": sorted(change.add)}
    asked_tags.leave(outbox, json.dumps(told))


def asked(outbox: Path) -> Iterator[Asked]:
    """What was asked for in an outbox and is not taken over, in order; what is no change is passed over."""
    with suppress(OSError):  # no outbox any more
        for name in asked_tags.names(outbox):
            with suppress(DockerflowError, OSError, ValueError, KeyError, TypeError, RecursionError):
                yield _asked(outbox / name)


def take_over(store: Store, outbox: Path) -> List[Tuple[Asked, DockerflowError]]:
    """Make the changes that were asked for in an outbox; what could not be, and why. Where the store is away, they stay
    in the outbox."""
    refused: List[Tuple[Asked, DockerflowError]] = []
    for one in asked(outbox):
        try:
            mutate(store, begun(store, one.flow, one.run_id), one.change)
        except Unreachable:
            break
        except DockerflowError as error:
            refused.append((one, error))
        with suppress(OSError):
            one.path.unlink()
    return refused


def begun(store: Store, flow: str, run_id: str) -> RunStarted:
    """How a run began. Raises TaggingError if there is none.

    A name with a slash would lead to another place in the store: into an outbox, where a step can write a journal of
    its own, and links that lead out of the store.
    """
    record = None if "/" in flow + run_id else journal.first(store, flow, run_id)
    if not isinstance(record, RunStarted) or (record.flow, record.run_id) != (flow, run_id):
        raise TaggingError(f"there is no run `{flow}/{run_id}` to be tagged")
    return record


def _asked(path: Path) -> Asked:
    with open_regular(path) as stream:
        told: Dict[str, Any] = json.loads(stream.read(asked_tags.LARGEST))
    return Asked(str(told["flow"]), str(told["run_id"]), tags.change(told["remove"], told["add"]), path)
