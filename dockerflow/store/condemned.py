"""Delete blobs of a bucket unless somebody has put or kept them meanwhile.

A server deletes what it is told to, however young it is by then. So who deletes says so first:

    blobs/going/<id>        the hashes of the batch that is being deleted

and then looks at the age of each. A list goes when its deletions have been answered; one of which that is not known
(its owner was killed, or the answer was lost) counts no longer after `LIFE`. Who has made an old blob young waits until
there is no list with it, looks whether it is there, and puts it again if it is not. Then it stays: of lists that have
gone the deletions are over, and a list that comes is of somebody who will see that the blob is young.

Who finds no blob and puts one waits for nobody. So a deletion is sent once for each look at the ages, never again by
itself: what the first had deleted may have been put again by then.
"""

from __future__ import annotations

import json
import time
import uuid
from contextlib import suppress
from itertools import groupby, islice
from typing import Dict, Iterable, Iterator, List, Set

from dockerflow.store.errors import StoreError, Unreachable
from dockerflow.store.parallel import in_threads
from dockerflow.store.s3.objects import Objects

FOLDER = "blobs/going"

# So many are deleted at a time.
BATCH = 1000

# Up to so many blobs in a folder are asked for one by one; of more, the folder is listed.
FEW = 8

# Seconds: how long a list counts; how long the look at the ages may take, so that the deletion has the rest, which is
# longer than anybody waits for its answer; and between two looks whether a list is gone.
LIFE = 600.0
LOOK = 300.0
PAUSE = 0.1

# How often a batch is begun whose deletion was not answered.
TRIES = 5


def batches(hashes: Iterable[str]) -> Iterator[List[str]]:
    """Hashes in order, so that those of a folder are together."""
    rest = iter(sorted(hashes))
    while True:
        batch = list(islice(rest, BATCH))
        if not batch:
            return
        yield batch


def delete(objects: Objects, batch: List[str], since: float) -> List[str]:
    """Those of a batch that were deleted. Raises StoreError."""
    tries = 0
    doubtful: Set[str] = set()
    while True:
        told = f"{FOLDER}/{uuid.uuid4().hex}"
        objects.put(told, json.dumps(batch).encode())
        started = time.monotonic()
        ages = _modified(objects, batch)
        old = [sha256 for sha256 in batch if ages.get(sha256, since) < since]
        try:
            _delete_once(objects, old, started)
        except Unreachable:
            doubtful.update(old)
            tries += 1
            if tries == TRIES:
                raise
        else:
            with suppress(StoreError):  # the server is away: whoever waits for this goes on after a while
                objects.delete([told])
            return [sha256 for sha256 in batch if sha256 in old or (sha256 in doubtful and sha256 not in ages)]


def _delete_once(objects: Objects, old: List[str], started: float) -> None:
    """Raises Unreachable where nobody knows what was deleted, or the look took so long that nothing may be."""
    if time.monotonic() - started > LOOK:
        raise Unreachable(f"`{objects.name}` took too long to say how old its blobs are", "try again")
    if old:
        objects.delete([_key(sha256) for sha256 in old], once=True)


def wait(objects: Objects, sha256: str) -> None:
    """Wait until nobody deletes this blob who may have seen it before now."""
    while _is_going(objects, sha256):
        time.sleep(PAUSE)


def forget(objects: Objects) -> None:
    """Remove the lists of killed processes."""
    left = [found.key for found in objects.every(f"{FOLDER}/") if objects.now() - found.modified >= LIFE]
    if left:
        objects.delete(left)


def _is_going(objects: Objects, sha256: str) -> bool:
    lists = [found for found in objects.every(f"{FOLDER}/") if objects.now() - found.modified < LIFE]
    return any(sha256 in json.loads(bytes(objects.get(found.key) or b"[]")) for found in lists)


def _modified(objects: Objects, batch: List[str]) -> Dict[str, float]:
    """When each was modified, of those that are there."""
    found: Dict[str, float] = {}
    few: List[str] = []
    for folder, hashes in groupby(batch, lambda sha256: sha256[:2]):
        several = list(hashes)
        if len(several) <= FEW:
            few += several
        else:
            every = objects.every(f"blobs/{folder}/")
            found.update((info.key.rpartition("/")[2], info.modified) for info in every)
    heads = in_threads(lambda sha256: objects.head(_key(sha256)), few)
    found.update((sha256, info.modified) for sha256, info in zip(few, heads) if info is not None)
    return found


def _key(sha256: str) -> str:
    return f"blobs/{sha256[:2]}/{sha256}"
