"""The tags of a run: many may change them at once, from here and from steps."""

from __future__ import annotations

import json
import multiprocessing
import os
from pathlib import Path

import pytest

from dockerflow.store import run_tags, runs, tags
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.errors import DamagedRecord, TaggingError
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


def kept(store: DirectoryStore) -> list[str]:
    return store.children(f"{runs.run_key('F', '1')}/tags")


def test_a_run_without_changes_has_the_tags_that_it_began_with(store: DirectoryStore) -> None:
    assert run_tags.read(store, STARTED) == {"first"}
    assert kept(store) == []


def test_a_change_is_there_for_every_reader(store: DirectoryStore) -> None:
    run_tags.mutate(store, STARTED, tags.change(["first"], ["second", "ü b"]))
    assert run_tags.read(DirectoryStore(store.root), STARTED) == {"second", "ü b"}


def test_a_change_of_nothing_writes_nothing(store: DirectoryStore) -> None:
    assert run_tags.mutate(store, STARTED, tags.change(["other"], ["first", "user:ada"])) == {"first"}
    assert kept(store) == []


def test_a_refused_change_changes_nothing(store: DirectoryStore) -> None:
    with pytest.raises(TaggingError):
        run_tags.mutate(store, STARTED, tags.change(["user:ada"], ["new"]))
    assert run_tags.read(store, STARTED) == {"first"}


def test_a_run_of_before_system_tags_has_that_of_its_user(store: DirectoryStore) -> None:
    assert run_tags.system_tags(RunStarted(1.0, "F", "1", "ada", "", "", ())) == {"user:ada"}


def test_many_changes_leave_few_files(store: DirectoryStore) -> None:
    for number in range(3 * run_tags.KEPT):
        run_tags.mutate(store, STARTED, tags.change([f"{number - 1}"], [f"{number}"]))
    assert run_tags.read(store, STARTED) == {"first", f"{3 * run_tags.KEPT - 1}"}
    assert len(kept(store)) <= run_tags.KEPT + 1


def test_a_change_that_a_power_cut_emptied_is_passed_over(store: DirectoryStore) -> None:
    for number in range(3):
        run_tags.mutate(store, STARTED, tags.change(add=[f"{number}"]))
    for emptied, left in (("3.json", {"first", "0", "1"}), ("2.json", {"first", "0"}), ("1.json", {"first"})):
        store.put(f"{runs.run_key('F', '1')}/tags/{emptied}", b"")
        assert run_tags.read(store, STARTED) == left
    assert run_tags.mutate(store, STARTED, tags.change(add=["new"])) == {"first", "new"}
    assert run_tags.read(store, STARTED) == {"first", "new"}
    assert kept(store)[-1] == "4.json"


def add_and_remove(root: Path, name: str) -> None:
    store = DirectoryStore(root)
    for number in range(20):
        run_tags.mutate(store, STARTED, tags.change(add=[f"{name} {number}"]))
        if number >= 2:
            run_tags.mutate(store, STARTED, tags.change(remove=[f"{name} {number - 2}"]))


def test_processes_that_change_tags_at_once_lose_none_of_their_changes(store: DirectoryStore) -> None:
    """Each has 38 changes, so that numbers are deleted while others write."""
    spawning = multiprocessing.get_context("spawn")
    processes = [spawning.Process(target=add_and_remove, args=(store.root, name)) for name in "abcd"]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 4
    assert run_tags.read(store, STARTED) == {"first", *(f"{name} {number}" for name in "abcd" for number in (18, 19))}


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


@pytest.mark.parametrize("body", [b'{"tags": [3]}', b'{"tags": "abc"}', b'{"tags": ["a"', b"[]", b"\xff"])
def test_a_damaged_change_is_named(store: DirectoryStore, body: bytes) -> None:
    store.put("runs/F/1/tags/3.json", body)
    with pytest.raises(DamagedRecord, match=r"runs/F/1/tags/3\.json"):
        run_tags.read(store, STARTED)


# ---- from steps


def test_what_a_step_asks_for_reaches_the_store_once(store: DirectoryStore, tmp_path: Path) -> None:
    run_tags.ask(tmp_path, "F", "1", tags.change(["first"], ["a"]))
    run_tags.ask(tmp_path, "F", "1", tags.change(["a"], ["b"]))
    assert run_tags.read(store, STARTED) == {"first"}
    assert [one.change.add for one in run_tags.asked(tmp_path)] == [{"a"}, {"b"}]
    assert run_tags.take_over(store, tmp_path) == []
    assert run_tags.read(store, STARTED) == {"b"}
    assert list(run_tags.asked(tmp_path)) == []


def test_what_cannot_be_done_is_told_and_the_rest_is_done(store: DirectoryStore, tmp_path: Path) -> None:
    run_tags.ask(tmp_path, "F", "1", tags.change(["user:ada"]))
    run_tags.ask(tmp_path, "F", "9", tags.change(add=["a"]))
    run_tags.ask(tmp_path, "F", "1", tags.change(add=["b"]))
    refused = run_tags.take_over(store, tmp_path)
    assert [error.message.split("`")[1] for _, error in refused] == ["user:ada", "F/9"]
    assert run_tags.read(store, STARTED) == {"first", "b"}


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


def test_a_journal_that_tells_of_another_run_is_not_believed(store: DirectoryStore, tmp_path: Path) -> None:
    journal = JournalWriter(store, "F", "2")
    journal.append(STARTED)
    journal.close()
    run_tags.ask(tmp_path, "F", "2", tags.change(add=["x"]))
    assert len(run_tags.take_over(store, tmp_path)) == 1
    assert run_tags.read(store, STARTED) == {"first"}
