from __future__ import annotations

from pathlib import Path

import pytest

from dockerflow.store.directory import DirectoryStore, create


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DirectoryStore:
    """A store in the working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DOCKERFLOW_STORE", raising=False)
    return create(tmp_path)
