from __future__ import annotations

from pathlib import Path

import pytest

from dockerflow.store.directory import DirectoryStore, create


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    return create(tmp_path)
