from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dockerflow.store import directory, runs
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.errors import StoreError
from dockerflow.store.journal import JournalWriter
from dockerflow.store.records import RunFinished


def test_a_store_is_found_from_any_folder_below_it(tmp_path: Path) -> None:
    made = directory.create(tmp_path)
    assert directory.find(tmp_path / "a" / "b") == made.root
    assert directory.find(tmp_path.parent) is None


def test_making_a_store_twice_keeps_it(tmp_path: Path) -> None:
    directory.create(tmp_path).put("a", b"1")
    assert directory.create(tmp_path).get("a") == b"1"


def test_only_the_configuration_of_a_store_is_committed(store: DirectoryStore) -> None:
    assert (store.root / ".gitignore").read_text().split() == ["*", "!.gitignore", "!config.yaml"]


def test_the_last_object_put_under_a_key_is_the_one_that_is_there(store: DirectoryStore) -> None:
    assert store.get("a/b") is None
    store.put("a/b", b"1")
    store.put("a/b", b"2")
    assert (store.get("a/b"), store.exists("a/b"), store.exists("a")) == (b"2", True, False)
    store.delete("a/b")
    store.delete("a/b")
    assert (store.get("a/b"), store.exists("a/b")) == (None, False)


def test_keys_are_listed_by_any_prefix_and_blobs_are_no_keys(store: DirectoryStore) -> None:
    for key in ("runs/F/1/x", "runs/F/12/x", "runs/G/1", "locks/a"):
        store.put(key, b"")
    store.blobs.put([b"x"])
    assert store.keys() == ["locks/a", "runs/F/1/x", "runs/F/12/x", "runs/G/1"]
    assert store.keys("runs/F/1") == ["runs/F/1/x", "runs/F/12/x"]
    assert store.keys("runs/F/1/") == ["runs/F/1/x"]
    assert store.keys("nothing/") == []
    assert store.children("runs") == ["F", "G"]
    assert store.children("nothing") == []


def test_what_is_being_written_is_not_listed(store: DirectoryStore) -> None:
    store.put("a/b", b"")
    (store.root / "a" / ".tmp-1").write_bytes(b"half")
    assert (store.keys("a"), store.children("a")) == (["a/b"], ["b"])


@pytest.mark.parametrize("key", ["", "/etc/passwd", "../x", "a/../b", "a//b", "a/", ".hidden", "a/.b", "a\0"])
def test_no_key_leads_out_of_the_store(store: DirectoryStore, key: str) -> None:
    with pytest.raises(StoreError, match="is not a key"):
        store.put(key, b"")


def test_of_several_that_put_a_new_object_one_succeeds(store: DirectoryStore) -> None:
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda number: store.put_new("key", b"%d" % number), range(32)))
    assert results.count(True) == 1
    assert store.get("key") == b"%d" % results.index(True)


def test_a_store_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / directory.NAME).write_text("a file")
    with pytest.raises(StoreError, match="cannot make the store"):
        directory.create(tmp_path)
    with pytest.raises(StoreError, match="cannot write `a`"):
        DirectoryStore(tmp_path / directory.NAME).put("a", b"")


# --- runs


def test_runs_are_listed_newest_first(store: DirectoryStore) -> None:
    times = iter([3.0, 1.0, 2.0])
    made = [runs.new_run_id(store, "F", lambda: next(times)) for _ in range(3)]
    for run_id in made:
        begin(store, run_id)
    assert runs.run_ids(store, "F") == [made[0], made[2], made[1]] == ["3000000", "2000000", "1000000"]
    assert runs.flow_names(store) == ["F"]
    assert runs.run_ids(store, "G") == []


def test_a_run_that_has_written_nothing_has_not_begun(store: DirectoryStore) -> None:
    run_id = runs.new_run_id(store, "F")
    assert (runs.has_begun(store, "F", run_id), runs.run_ids(store, "F")) == (False, [])
    begin(store, run_id)
    assert (runs.has_begun(store, "F", run_id), runs.run_ids(store, "F")) == (True, [run_id])


def begin(store: DirectoryStore, run_id: str) -> None:
    writer = JournalWriter(store, "F", run_id)
    writer.append(RunFinished(0.0, "stopped"))
    writer.close()


def test_runs_that_begin_at_one_moment_get_ids_of_their_own(store: DirectoryStore) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: runs.new_run_id(store, "F", lambda: 1.0), range(32)))
    assert sorted(made) == [str(1_000_000 + number) for number in range(32)]
