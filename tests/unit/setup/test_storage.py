"""Where the store is said to be, and what is said of too little room."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockerflow.config import Config
from dockerflow.setup import storage
from dockerflow.store.directory import create
from tests.unit.unprivileged import unprivileged


def test_the_nearest_store_is_named(tmp_path: Path) -> None:
    root = create(tmp_path).root
    (tmp_path / "below").mkdir()
    assert storage.look_at_store(Config(), tmp_path / "below").text == str(root)


def test_a_configured_store_is_named_with_where_it_is_configured(tmp_path: Path) -> None:
    config = Config(store=tmp_path, sources={"store": "DOCKERFLOW_STORE"})
    assert storage.look_at_store(config, tmp_path).text == f"{tmp_path} (DOCKERFLOW_STORE)"


def test_the_room_is_that_of_the_folder_that_is_there(tmp_path: Path) -> None:
    (finding,) = storage.look_at_disk(Config(cache_dir=tmp_path / "not" / "there"), None)
    assert "GiB free for the cache" in finding.text


def test_too_little_room_is_told_with_what_to_remove(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "ENOUGH", 2**80)
    (finding,) = storage.look_at_disk(Config(cache_dir=tmp_path), None)
    assert finding.state == "broken"
    assert finding.hint == "remove what is no longer used from it"


def test_a_store_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    root = create(tmp_path).root
    tmp_path.chmod(0o755)
    with unprivileged(tmp_path):
        for config in (Config(), Config(store=root)):
            finding = storage.look_at_store(config, tmp_path)
            assert (finding.state, finding.text) == ("broken", f"{root} cannot be written: Permission denied")


def test_a_folder_in_which_no_store_can_be_made_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    with unprivileged(tmp_path):
        finding = storage.look_at_store(Config(), tmp_path)
    assert (finding.state, finding.text) == (
        "broken",
        f"{tmp_path / '.dockerflow'} cannot be written: Permission denied",
    )
    assert "DOCKERFLOW_STORE" in (finding.hint or "")


def test_a_cache_that_cannot_be_made_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (finding,) = storage.look_at_disk(Config(cache_dir=tmp_path / "file" / "cache"), None)
    assert (finding.subject, finding.state) == ("cache", "broken")
    assert "DOCKERFLOW_CACHE_DIR" in (finding.hint or "")


def test_looking_leaves_nothing_behind(tmp_path: Path) -> None:
    assert storage.look_at_store(Config(), tmp_path).good
    assert list(tmp_path.iterdir()) == []
