from __future__ import annotations

from pathlib import Path

import pytest

from dockerflow.store.directory import DirectoryStore, create


@pytest.fixture(autouse=True)
def _anna(monkeypatch: pytest.MonkeyPatch) -> None:
    """The user who ran the runs."""
    monkeypatch.setenv("DOCKERFLOW_USER", "anna")
    for variable in ("DOCKERFLOW_STORE", "DOCKERFLOW_OUTBOX"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DirectoryStore:
    """A store in the working directory."""
    monkeypatch.chdir(tmp_path)
    return create(tmp_path)
