"""The tags of a run, in every kind of store: many may change them at once, from here and from steps."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from dockerflow.store import run_tags, runs, tags
from dockerflow.store.base import Store
from dockerflow.store.errors import DamagedRecord, TaggingError
from dockerflow.store.journal import JournalWriter
from dockerflow.store.records import RunStarted
from tests.integration.store.kinds import Where

STARTED = RunStarted(1.0, "F", "1", "ada", "", "", (), tags=("first",), system_tags=("user:ada", "runtime:docker"))


@pytest.fixture(autouse=True)
def _begun(store: Store) -> None:
    journal = JournalWriter(store, "F", "1")
    journal.append(STARTED)
    journal.close()


def kept(store: Store) -> list[str]:
    return store.children(f"{runs.run_key('F', '1')}/tags")


def test_a_run_without_changes_has_the_tags_that_it_began_with(store: Store) -> None:
    assert run_tags.read(store, STARTED) == {"first"}
    assert kept(store) == []


def test_a_change_is_there_for_every_reader(where: Where, store: Store) -> None:
    run_tags.mutate(store, STARTED, tags.change(["first"], ["second", "ü b"]))
    assert run_tags.read(where.open(), STARTED) == {"second", "ü b"}


def test_a_change_of_nothing_writes_nothing(store: Store) -> None:
    assert run_tags.mutate(store, STARTED, tags.change(["other"], ["first", "user:ada"])) == {"first"}
    assert kept(store) == []


def test_a_refused_change_changes_nothing(store: Store) -> None:
    with pytest.raises(TaggingError):
        run_tags.mutate(store, STARTED, tags.change(["user:ada"], ["new"]))
    assert run_tags.read(store, STARTED) == {"first"}


def test_many_changes_leave_few_files(store: Store) -> None:
    for number in range(3 * run_tags.KEPT):
        run_tags.mutate(store, STARTED, tags.change([f"{number - 1}"], [f"{number}"]))
    assert run_tags.read(store, STARTED) == {"first", f"{3 * run_tags.KEPT - 1}"}
    assert len(kept(store)) <= run_tags.KEPT + 1


def test_a_change_that_a_power_cut_emptied_is_passed_over(store: Store) -> None:
    for number in range(3):
        run_tags.mutate(store, STARTED, tags.change(add=[f"{number}"]))
    for emptied, left in (("3.json", {"first", "0", "1"}), ("2.json", {"first", "0"}), ("1.json", {"first"})):
        store.put(f"{runs.run_key('F', '1')}/tags/{emptied}", b"")
        assert run_tags.read(store, STARTED) == left
    assert run_tags.mutate(store, STARTED, tags.change(add=["new"])) == {"first", "new"}
    assert run_tags.read(store, STARTED) == {"first", "new"}
    assert kept(store)[-1] == "4.json"


def add_and_remove(where: Where, name: str) -> None:
    store = where.open()
    for number in range(20):
        run_tags.mutate(store, STARTED, tags.change(add=[f"{name} {number}"]))
        if number >= 2:
            run_tags.mutate(store, STARTED, tags.change(remove=[f"{name} {number - 2}"]))


def test_processes_that_change_tags_at_once_lose_none_of_their_changes(where: Where, store: Store) -> None:
    """Each has 38 changes, so that numbers are deleted while others write."""
    spawning = multiprocessing.get_context("spawn")
    processes = [spawning.Process(target=add_and_remove, args=(where, name)) for name in "abcd"]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 4
    assert run_tags.read(store, STARTED) == {"first", *(f"{name} {number}" for name in "abcd" for number in (18, 19))}


@pytest.mark.parametrize("body", [b'{"tags": [3]}', b'{"tags": "abc"}', b'{"tags": ["a"', b"[]", b"\xff"])
def test_a_damaged_change_is_named(store: Store, body: bytes) -> None:
    store.put("runs/F/1/tags/3.json", body)
    with pytest.raises(DamagedRecord, match=r"runs/F/1/tags/3\.json"):
        run_tags.read(store, STARTED)


# ---- from steps


def test_what_a_step_asks_for_reaches_the_store_once(store: Store, tmp_path: Path) -> None:
    run_tags.ask(tmp_path, "F", "1", tags.change(["first"], ["a"]))
    run_tags.ask(tmp_path, "F", "1", tags.change(["a"], ["b"]))
    assert run_tags.read(store, STARTED) == {"first"}
    assert [one.change.add for one in run_tags.asked(tmp_path)] == [{"a"}, {"b"}]
    assert run_tags.take_over(store, tmp_path) == []
    assert run_tags.read(store, STARTED) == {"b"}
    assert list(run_tags.asked(tmp_path)) == []


def test_what_cannot_be_done_is_told_and_the_rest_is_done(store: Store, tmp_path: Path) -> None:
    run_tags.ask(tmp_path, "F", "1", tags.change(["user:ada"]))
    run_tags.ask(tmp_path, "F", "9", tags.change(add=["a"]))
    run_tags.ask(tmp_path, "F", "1", tags.change(add=["b"]))
    refused = run_tags.take_over(store, tmp_path)
    assert [error.message.split("`")[1] for _, error in refused] == ["user:ada", "F/9"]
    assert run_tags.read(store, STARTED) == {"first", "b"}


def test_a_journal_that_tells_of_another_run_is_not_believed(store: Store, tmp_path: Path) -> None:
    journal = JournalWriter(store, "F", "2")
    journal.append(STARTED)
    journal.close()
    run_tags.ask(tmp_path, "F", "2", tags.change(add=["x"]))
    assert len(run_tags.take_over(store, tmp_path)) == 1
    assert run_tags.read(store, STARTED) == {"first"}
