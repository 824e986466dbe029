"""A run's journal: records appended by one writer, read by anyone at any moment.

    <run>/journal/<first>-<last>.jsonl      the records with these numbers, counted from 0, one JSON line each

Every flush writes one segment, whole or not at all, so what is read is a prefix of what was appended. Segments are
merged as they pile up, and into a single one when the journal is closed: the merged one is written before its parts
are deleted, so that for a while, or forever after a SIGKILL, records are there twice. A segment's name says which it
holds, and a reader takes the longest that continues what it has. A reader that listed names while segments were merged
looks again.

A power cut may cost the records of the last seconds of a run that goes on, and none of one that is over.

What the records mean is `history`'s.
"""

from __future__ import annotations

import re
from itertools import takewhile
from typing import Dict, Iterable, List, Mapping, NamedTuple, Optional, Tuple

from dockerflow.store.base import Store
from dockerflow.store.errors import DamagedRecord, StoreError
from dockerflow.store.records import Record, from_line, to_line
from dockerflow.store.runs import journal_key

# Records that are held back at most; the writer's owner says by `flush` how long.
BUFFER = 1000

# So many segments of a size become one: a reader opens a few files, and each record is written about three times.
MERGE = 64

# How often a reader looks again. A writer merges once in several seconds, so the second look nearly always holds.
LOOKS = 10

_NAME = re.compile(r"(\d+)-(\d+)\.jsonl")


class _Segment(NamedTuple):
    first: int
    last: int
    level: int = 0  # how often its parts have been merged
    body: bytes = b""  # known to the writer, which merges without asking a store far away for what it has written

    def key(self, folder: str) -> str:
        return f"{folder}/{self.first:010d}-{self.last:010d}.jsonl"


class JournalWriter:
    """The one writer of a new run's journal. Raises StoreError if the run has a journal already."""

    def __init__(self, store: Store, flow: str, run_id: str) -> None:
        self._store = store
        self._folder = journal_key(flow, run_id)
        if store.children(self._folder):
            raise StoreError(f"run `{flow}/{run_id}` has a journal already", "a run is written once, by one scheduler")
        self._lines: List[str] = []
        self._written = 0
        self._segments: List[_Segment] = []

    def append(self, record: Record) -> None:
        """Add a record. It is in the store after the next `flush`."""
        self._lines.append(to_line(record) + "\n")
        if len(self._lines) >= BUFFER:
            self.flush()

    def flush(self) -> None:
        """Write what has been appended; when this returns it is in the store. Costs nothing when there is nothing."""
        if not self._lines:
            return
        body = "".join(self._lines).encode()
        segment = _Segment(self._written, self._written + len(self._lines) - 1, body=body)
        self._store.put(segment.key(self._folder), body)
        self._segments.append(segment)
        self._written += len(self._lines)
        self._lines = []
        while self._full():
            self._merge(MERGE)

    def close(self) -> None:
        """Write what is left and merge the journal into one segment."""
        self.flush()
        if len(self._segments) > 1:
            self._merge(len(self._segments), durable=True)

    def _full(self) -> bool:
        tail = self._segments[-MERGE:]
        return len(tail) == MERGE and tail[0].level == tail[-1].level

    def _merge(self, count: int, durable: bool = False) -> None:
        """Put one segment in place of the last `count`. Where writing it fails, they are kept as they are."""
        parts = self._segments[-count:]
        body = b"".join(part.body for part in parts)
        merged = _Segment(parts[0].first, parts[-1].last, parts[0].level + 1, body)
        self._store.put(merged.key(self._folder), body, durable)
        self._segments[-count:] = [merged]
        self._store.delete(*(part.key(self._folder) for part in parts))


def read(store: Store, flow: str, run_id: str, listed: Optional[Iterable[str]] = None) -> List[Record]:
    """The records of a run so far, without those of kinds that this version does not know; none for an unknown run.
    `listed` are the names in the journal's folder, if they are known.

    Raises DamagedRecord when a part of the journal is gone or unreadable.
    """
    folder = journal_key(flow, run_id)
    found = _whole(store, folder, listed)
    return [record for segment, body in found for record in _records(segment.key(folder), segment, body)]


def text(store: Store, flow: str, run_id: str) -> bytes:
    """The lines of a run so far, those of kinds that this version does not know among them; none for an unknown run.

    Raises DamagedRecord, as `read` does.
    """
    folder = journal_key(flow, run_id)
    found = _whole(store, folder)
    for segment, body in found:
        _records(segment.key(folder), segment, body)
    return b"".join(body for _, body in found)


def put_whole(store: Store, flow: str, run_id: str, lines: bytes) -> None:
    """Give a run that nobody writes a journal that is whole, in one segment, in place of a part of it or of none."""
    folder = journal_key(flow, run_id)
    merged = whole_key(flow, run_id, lines)
    store.put(merged, lines, durable=True)
    store.delete(*(part.key(folder) for part in _segments(store, folder) if part.key(folder) != merged))


def whole_key(flow: str, run_id: str, lines: bytes) -> str:
    """Where a journal is that is whole, in one segment."""
    return _Segment(0, len(lines.splitlines()) - 1).key(journal_key(flow, run_id))


def _whole(store: Store, folder: str, listed: Optional[Iterable[str]] = None) -> List[Tuple[_Segment, bytes]]:
    """The segments that follow each other, and what they hold; up to the first that a power cut has emptied."""
    for look in range(LOOKS):
        segments = _segments(store, folder, None if look else listed)
        chain = _chain(segments)
        if chain and chain[-1].last < max(segment.last for segment in segments):
            continue  # listed while segments were merged
        found = store.get_many(segment.key(folder) for segment in chain)
        bodies = [body for body in found.values() if body is not None]
        if len(bodies) == len(found) and (chain or not segments):
            return list(takewhile(lambda one: one[1], zip(chain, bodies)))
    raise DamagedRecord(f"the journal `{folder}` has lost a part", "the run's artifacts may still be there as blobs")


def first(store: Store, flow: str, run_id: str, listed: Optional[Iterable[str]] = None) -> Optional[Record]:
    """The first record of a run, which says how it began; reads one line. None where there is none. `listed` are the
    names in its folder, if they are known.

    Raises DamagedRecord.
    """
    folder = journal_key(flow, run_id)
    for look in range(LOOKS):
        chain = _chain(_segments(store, folder, None if look else listed))
        if not chain:
            return None
        key = chain[0].key(folder)
        line = store.first_line(key)
        if line is None:
            continue  # merged in the meantime
        try:
            return from_line(line) if line else None  # a power cut leaves empty files
        except (ValueError, TypeError) as error:
            raise DamagedRecord(f"`{key}` is damaged: {error}") from error
    raise DamagedRecord(f"the journal `{folder}` has lost its beginning")


def ends(
    store: Store, flow: str, run_id: str, listed: Mapping[str, int]
) -> Optional[Tuple[Optional[Record], Optional[Record]]]:
    """The first and the last record of a journal that is one segment, as that of a run that is over; None for any other
    and for what only `read` can tell of. `listed` are the names and sizes of what a listing found in its folder."""
    segments = _named(listed)
    if len(segments) != 1 or segments[0].first != 0:
        return None
    key = segments[0].key(journal_key(flow, run_id))
    found = store.ends(key, listed[key.rpartition("/")[2]])
    try:
        return (from_line(found.first), from_line(found.last)) if found else None
    except (ValueError, TypeError):
        return None


def _segments(store: Store, folder: str, listed: Optional[Iterable[str]] = None) -> List[_Segment]:
    return _named(store.children(folder) if listed is None else listed)


def _named(names: Iterable[str]) -> List[_Segment]:
    matches = [_NAME.fullmatch(name) for name in names]
    return [_Segment(int(match[1]), int(match[2])) for match in matches if match]


def _chain(segments: List[_Segment]) -> List[_Segment]:
    """Segments that follow each other from record 0 on, each the longest that begins there."""
    longest: Dict[int, _Segment] = {}
    for segment in sorted(segments):
        longest[segment.first] = segment
    chain: List[_Segment] = []
    while (chain[-1].last + 1 if chain else 0) in longest:
        chain.append(longest[chain[-1].last + 1 if chain else 0])
    return chain


def _records(key: str, segment: _Segment, body: bytes) -> List[Record]:
    lines = body.splitlines()
    if len(lines) != segment.last + 1 - segment.first:
        raise DamagedRecord(f"`{key}` is damaged: it has {len(lines)} lines, not those that its name says")
    try:
        records = [from_line(line) for line in lines]
    except (ValueError, TypeError) as error:
        raise DamagedRecord(f"`{key}` is damaged: {error}") from error
    return [record for record in records if record is not None]
