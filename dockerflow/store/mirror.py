"""What a store keeps of a run besides what the run has written: packages and layers that its images are made of.

    runs/<flow>/<run id>/mirror     a JSON object: {"version": 1, "kept": [[blob, what it is, size], …]}

The blobs are named as locks and images name their parts, so nobody needs the list to find one. It is there for those
who must know what a run refers to: `gc`, `store verify`, `store copy`. It goes when its run does. Standard library
only, Python 3.7.
"""

from __future__ import annotations

import json
from typing import Iterable, List, NamedTuple, Tuple

from dockerflow.store.base import Store, is_hash
from dockerflow.store.errors import DamagedRecord
from dockerflow.store.runs import run_key

VERSION = 1


class Kept(NamedTuple):
    """A blob that stays as long as its run. `what` is `package NAME`, `config of IMAGE` or `layer of IMAGE`."""

    blob: str
    what: str
    size: int


def key(flow: str, run_id: str) -> str:
    return f"{run_key(flow, run_id)}/mirror"


def read(store: Store, flow: str, run_id: str) -> Tuple[Kept, ...]:
    """None for a run that has no mirror. Raises DamagedRecord."""
    return of_bytes(store.get(key(flow, run_id)), f"the list of what is mirrored for run `{flow}/{run_id}`")


def of_bytes(body: object, what: str) -> Tuple[Kept, ...]:
    if not isinstance(body, bytes):
        return ()
    try:
        found = [Kept(str(blob), str(name), int(size)) for blob, name, size in json.loads(body)["kept"]]
    except (ValueError, KeyError, TypeError) as error:
        raise DamagedRecord(f"{what} is damaged: {error}") from error
    if not all(is_hash(each.blob) for each in found):
        raise DamagedRecord(f"{what} is damaged: it names what is no blob")
    return tuple(found)


def to_bytes(kept: Iterable[Kept]) -> bytes:
    """The same for the same blobs, in whatever order."""
    lines: List[Kept] = sorted({each.blob: each for each in sorted(kept)}.values())
    return json.dumps({"version": VERSION, "kept": lines}, separators=(",", ":")).encode()


def add(store: Store, flow: str, run_id: str, kept: Iterable[Kept]) -> None:
    """Have the run refer to these, too. They are there, and young: see `BlobStore.keep`."""
    there = read(store, flow, run_id)
    body = to_bytes((*there, *kept))
    if body != to_bytes(there):
        store.put(key(flow, run_id), body)


def forget(store: Store, flow: str, run_id: str) -> Tuple[Kept, ...]:
    """Have the run refer to none; to which it did. What no other refers to goes with the next `gc`."""
    there = read(store, flow, run_id)
    store.delete(key(flow, run_id))
    return there
