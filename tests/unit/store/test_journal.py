"""A journal whose directory cannot be written; what holds for every kind of store is in the integration tests."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from dockerflow.store import journal
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.errors import StoreError
from dockerflow.store.journal import MERGE, JournalWriter
from dockerflow.store.records import Record, TaskCreated
from dockerflow.store.runs import journal_key


def records(count: int) -> list[Record]:
    return [TaskCreated(float(number), "step", str(number)) for number in range(count)]


def segments(store: DirectoryStore) -> list[str]:
    return store.children(journal_key("F", "1"))


@pytest.fixture
def writer(store: DirectoryStore) -> JournalWriter:
    return JournalWriter(store, "F", "1")


def write(writer: JournalWriter, some: list[Record]) -> None:
    """Each record in a segment of its own."""
    for record in some:
        writer.append(record)
        writer.flush()


class Failing(DirectoryStore):
    """A store whose next writing fails, once, when it is told so."""

    fails = False

    def put(self, key: str, data: bytes, durable: bool = False) -> None:
        if self.fails:
            self.fails = False
            raise StoreError("no space left on device")
        super().put(key, data, durable)


def test_a_segment_that_cannot_be_written_is_written_by_the_next_flush(store: DirectoryStore) -> None:
    failing = Failing(store.root)
    writer = JournalWriter(failing, "F", "1")
    write(writer, records(1))
    writer.append(records(2)[1])
    failing.fails = True
    with pytest.raises(StoreError, match="no space"):
        writer.flush()
    writer.append(records(3)[2])
    writer.close()
    assert journal.read(store, "F", "1") == records(3)


def test_a_merge_that_fails_keeps_its_parts_and_is_made_up_for(
    store: DirectoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "MERGE", 3)
    failing = Failing(store.root)
    writer = JournalWriter(failing, "F", "1")
    write(writer, records(4))
    with pytest.raises(StoreError, match="no space"):
        fail_while_closing(writer, failing)
    assert journal.read(store, "F", "1") == records(4)
    writer.append(records(5)[4])
    writer.close()
    assert journal.read(store, "F", "1") == records(5)
    assert segments(store) == ["0000000000-0000000004.jsonl"]


def fail_while_closing(writer: JournalWriter, failing: Failing) -> None:
    failing.fails = True
    writer.close()


@contextmanager
def no_file_above(size: int) -> Iterator[None]:
    """The system refuses to write more than so many bytes to a file, as a full disk does: part of it is written."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_merge_that_the_disk_has_no_room_for_loses_nothing(store: DirectoryStore, writer: JournalWriter) -> None:
    write(writer, records(MERGE - 1))
    size = len(store.get(f"{journal_key('F', '1')}/{segments(store)[0]}") or b"")
    with no_file_above(4 * size), pytest.raises(StoreError, match="cannot write"):
        write(writer, records(MERGE)[-1:])
    assert journal.read(store, "F", "1") == records(MERGE)
    write(writer, records(MERGE + 1)[-1:])
    writer.close()
    assert journal.read(store, "F", "1") == records(MERGE + 1)
    assert segments(store) == [f"0000000000-{MERGE:010d}.jsonl"]
