"""The tags of a run: many may change them at once, from here and from steps."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from dockerflow.store import run_tags, tags
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.journal import JournalWriter
from dockerflow.store.records import RunStarted

STARTED = RunStarted(1.0, "F", "1", "ada", "", "", (), tags=("first",), system_tags=("user:ada", "runtime:docker"))


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    store = DirectoryStore(tmp_path / "store")
    journal = JournalWriter(store, "F", "1")
    journal.append(STARTED)
    journal.close()
    return store


def test_a_run_of_before_system_tags_has_that_of_its_user(store: DirectoryStore) -> None:
    assert run_tags.system_tags(RunStarted(1.0, "F", "1", "ada", "", "", ())) == {"user:ada"}


class Overtaken(DirectoryStore):
    """A store whose writer is put aside before it writes, for as long as others make `changes`."""

    changes: list[str]

    def put_new(self, key: str, data: bytes) -> bool:
        while self.changes:
            run_tags.mutate(DirectoryStore(self.root), STARTED, tags.change(add=[self.changes.pop()]))
        return super().put_new(key, data)


@pytest.mark.parametrize("before", [0, 1, 5])
@pytest.mark.parametrize("others", [1, run_tags.KEPT - 1, run_tags.KEPT, run_tags.KEPT + 1, 2 * run_tags.KEPT])
def test_a_writer_that_was_overtaken_loses_nothing(store: DirectoryStore, before: int, others: int) -> None:
    """Also where its number was taken, replaced, and deleted in the meantime."""
    for number in range(before):
        run_tags.mutate(store, STARTED, tags.change(add=[f"before {number}"]))
    slow = Overtaken(store.root)
    slow.changes = [f"other {number}" for number in range(others)]
    expected = {"first", "mine", *slow.changes, *(f"before {number}" for number in range(before))}
    assert run_tags.mutate(slow, STARTED, tags.change(add=["mine"])) == expected
    assert run_tags.read(store, STARTED) == expected


def test_what_is_no_change_in_an_outbox_is_passed_over(store: DirectoryStore, tmp_path: Path) -> None:
    outbox, outside = tmp_path / "outbox", tmp_path / "outside.json"
    outbox.mkdir()
    outside.write_text(json.dumps({"flow": "F", "run_id": "1", "remove": [], "add": ["from a link"]}))
    (outbox / "tags-1.json").symlink_to(outside)
    (outbox / "tags-2.json").mkdir()
    os.mkfifo(outbox / "tags-3.json")
    os.link(outside, outbox / "tags-4.json")
    for number, text in enumerate(
        ["", "[]", '{"flow": "F"}', "[" * 100_000, '{"flow": "../x", "run_id": "1", "remove": [], "add": ["a"]}']
    ):
        (outbox / f"tags-5{number}.json").write_text(text)
    run_tags.take_over(store, outbox)
    run_tags.take_over(store, tmp_path / "none")
    assert run_tags.read(store, STARTED) == {"first"}
    assert outside.exists()


def test_a_step_cannot_have_a_journal_of_its_own_believed(store: DirectoryStore, tmp_path: Path) -> None:
    """Its outbox lies below the folder of the runs, and what it makes there may lead anywhere on the host."""
    outbox, victim = store.root / "runs/F/1/outbox/3", tmp_path / "victim"
    victim.mkdir()
    forged = RunStarted(1.0, "F/1/outbox", "3", "eve", "", "", ())
    journal = JournalWriter(store, "F/1/outbox", "3")
    journal.append(forged)
    journal.close()
    (outbox / "tags").symlink_to(victim)
    run_tags.ask(outbox, "F/1/outbox", "3", tags.change(add=["x"]))
    assert [one.run_id for one, _ in run_tags.take_over(store, outbox)] == ["3"]
    assert list(victim.iterdir()) == []
