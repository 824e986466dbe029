from __future__ import annotations

from pathlib import Path

import pytest

from dockerflow.store import directory
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.errors import StoreError
from tests.unit.unprivileged import unprivileged


def test_a_store_is_found_from_any_folder_below_it(tmp_path: Path) -> None:
    made = directory.create(tmp_path)
    assert directory.find(tmp_path / "a" / "b") == made.root
    assert directory.find(tmp_path.parent) is None


def test_making_a_store_twice_keeps_it(tmp_path: Path) -> None:
    directory.create(tmp_path).put("a", b"1")
    assert directory.create(tmp_path).get("a") == b"1"


def test_only_the_configuration_of_a_store_is_committed(store: DirectoryStore) -> None:
    assert (store.root / ".gitignore").read_text().split() == ["*", "!.gitignore", "!config.yaml"]


def test_what_is_being_written_is_not_listed(store: DirectoryStore) -> None:
    store.put("a/b", b"")
    (store.root / "a" / ".tmp-1").write_bytes(b"half")
    assert (store.keys("a"), store.children("a")) == (["a/b"], ["b"])


def test_a_store_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / directory.NAME).write_text("a file")
    with pytest.raises(StoreError, match="cannot make the store"):
        directory.create(tmp_path)
    with pytest.raises(StoreError, match="cannot write `a`"):
        DirectoryStore(tmp_path / directory.NAME).put("a", b"")


def test_what_cannot_be_listed_is_an_error_and_not_empty(tmp_path: Path) -> None:
    """Who deletes what nobody refers to would take it for a store without runs."""
    store = DirectoryStore(tmp_path / "store")
    store.put("runs/F/1/claim", b"")
    closed = tmp_path / "store/runs/F"
    closed.chmod(0o000)
    for look in (lambda: store.children("runs/F"), lambda: list(store.every("runs/"))):
        with unprivileged(tmp_path), pytest.raises(StoreError, match="cannot list"):
            look()
    closed.chmod(0o755)
