"""`store copy` of what is not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockerflow.cli.copying import Wanted, copy_runs
from dockerflow.errors import DockerflowError
from dockerflow.store.directory import create
from dockerflow.store.errors import StoreError
from tests.unit.client.runs_by_hand import successful_run


def test_a_source_that_is_not_there_is_named_as_it_was_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StoreError, match="there is no store at `nowhere`, from which") as refused:
        copy_runs(Wanted("nowhere", "target"))
    assert "--store" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("pathspec", ["Films/1", "Filmz", "Films/1/start"])
def test_for_runs_that_are_not_there_no_target_is_made(tmp_path: Path, pathspec: str) -> None:
    store = create(tmp_path / "source")
    successful_run(store)
    with pytest.raises(DockerflowError):
        copy_runs(Wanted(store.name, str(tmp_path / "target"), pathspecs=(pathspec,)))
    assert not (tmp_path / "target").exists()


def test_a_source_without_runs_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It may be the wrong prefix or folder."""
    store = create(tmp_path / "source")
    assert copy_runs(Wanted(store.name, str(tmp_path / "target"))) == 0
    assert capsys.readouterr().err == f"there are no runs in `{store.name}`\n"
