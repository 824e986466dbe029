"""A run's journal, in every kind of store."""

from __future__ import annotations

import threading

import pytest

from dockerflow.store import journal
from dockerflow.store.base import Store
from dockerflow.store.errors import DamagedRecord, StoreError
from dockerflow.store.journal import BUFFER, JournalWriter
from dockerflow.store.records import Record, TaskCreated
from dockerflow.store.runs import journal_key


def records(count: int) -> list[Record]:
    return [TaskCreated(float(number), "step", str(number)) for number in range(count)]


def segments(store: Store) -> list[str]:
    return store.children(journal_key("F", "1"))


@pytest.fixture
def writer(store: Store) -> JournalWriter:
    return JournalWriter(store, "F", "1")


def write(writer: JournalWriter, some: list[Record]) -> None:
    """Each record in a segment of its own."""
    for record in some:
        writer.append(record)
        writer.flush()


def test_what_was_flushed_is_read_in_its_order(store: Store, writer: JournalWriter) -> None:
    write(writer, records(3))
    writer.append(records(4)[3])
    assert journal.read(store, "F", "1") == records(3)
    writer.flush()
    assert journal.read(store, "F", "1") == records(4)


def test_a_run_that_has_written_nothing_has_no_records(store: Store) -> None:
    assert journal.read(store, "F", "1") == []


def test_a_full_buffer_is_flushed_by_itself(store: Store, writer: JournalWriter) -> None:
    for record in records(BUFFER + 1):
        writer.append(record)
    assert len(journal.read(store, "F", "1")) == BUFFER


def test_flushing_nothing_writes_nothing(store: Store, writer: JournalWriter) -> None:
    writer.flush()
    writer.close()
    assert segments(store) == []


@pytest.mark.parametrize("count", [1, 4, 5, 6, 17])
def test_segments_are_merged_as_they_pile_up_and_at_the_end(
    store: Store, writer: JournalWriter, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "MERGE", 5)
    write(writer, records(count))
    assert len(segments(store)) == count // 5 + count % 5
    assert journal.read(store, "F", "1") == records(count)
    writer.close()
    assert segments(store) == [f"0000000000-{count - 1:010d}.jsonl"]
    assert journal.read(store, "F", "1") == records(count)


def test_merged_segments_are_merged_again(store: Store, writer: JournalWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "MERGE", 3)
    write(writer, records(27))
    assert segments(store) == ["0000000000-0000000026.jsonl"]


def test_parts_that_outlived_their_merging_are_not_read_twice(store: Store, writer: JournalWriter) -> None:
    write(writer, records(5))
    parts = {key: store.get(key) for key in store.keys(journal_key("F", "1") + "/")}
    writer.close()
    for key, body in list(parts.items())[1:]:
        store.put(key, body or b"")
    assert journal.read(store, "F", "1") == records(5)


def test_every_reading_beside_a_writer_is_a_prefix(
    store: Store, writer: JournalWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "MERGE", 4)
    written, done = records(100), threading.Event()

    def go_on() -> None:
        try:
            write(writer, written)
            writer.close()
        finally:
            done.set()

    thread = threading.Thread(target=go_on)
    thread.start()
    before = 0
    while not done.is_set():
        seen = journal.read(store, "F", "1")
        assert seen == written[: len(seen)]
        assert len(seen) >= before
        before = len(seen)
    thread.join()
    assert journal.read(store, "F", "1") == written


def test_a_record_of_a_newer_version_is_passed_over(store: Store, writer: JournalWriter) -> None:
    write(writer, records(1))
    store.put(f"{journal_key('F', '1')}/0000000001-0000000001.jsonl", b'["Comet",{"time":1}]\n')
    assert journal.read(store, "F", "1") == records(1)


def test_a_lost_part_is_an_error_and_not_a_shorter_run(store: Store, writer: JournalWriter) -> None:
    write(writer, records(3))
    store.delete(f"{journal_key('F', '1')}/{segments(store)[1]}")
    with pytest.raises(DamagedRecord, match="has lost a part"):
        journal.read(store, "F", "1")
    store.delete(f"{journal_key('F', '1')}/{segments(store)[0]}")
    with pytest.raises(DamagedRecord, match="has lost a part"):
        journal.read(store, "F", "1")


@pytest.mark.parametrize("body", [b"\n\n", b"{", b"[1]\n", b'["TaskCreated",{"no":1}]\n'])
def test_a_damaged_part_is_named(store: Store, body: bytes) -> None:
    store.put(f"{journal_key('F', '1')}/0000000000-0000000000.jsonl", body)
    with pytest.raises(DamagedRecord, match=r"0000000000-0000000000\.jsonl` is damaged"):
        journal.read(store, "F", "1")


def test_a_part_emptied_by_a_power_cut_ends_the_journal(store: Store, writer: JournalWriter) -> None:
    write(writer, records(3))
    store.put(f"{journal_key('F', '1')}/{segments(store)[1]}", b"")
    assert journal.read(store, "F", "1") == records(1)
    assert journal.first(store, "F", "1") == records(1)[0]
    store.put(f"{journal_key('F', '1')}/{segments(store)[0]}", b"")
    assert journal.first(store, "F", "1") is None


def test_a_run_has_one_writer(store: Store, writer: JournalWriter) -> None:
    write(writer, records(1))
    with pytest.raises(StoreError, match="has a journal already"):
        JournalWriter(store, "F", "1")
