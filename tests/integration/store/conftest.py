from __future__ import annotations

from pathlib import Path

import pytest

from dockerflow.store.base import BlobStore, Store
from tests.integration.store import kinds
from tests.integration.store.kinds import Where


@pytest.fixture(params=kinds.KINDS)
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Where:
    server = kinds.BUCKETS.get(request.param)
    bucket = request.getfixturevalue(f"{server}_bucket") if server else None
    return kinds.store_of(request.param, tmp_path / ".dockerflow", bucket)


@pytest.fixture
def store(where: Where) -> Store:
    """An empty store of each kind in turn."""
    return where.open()


@pytest.fixture
def blobs(store: Store) -> BlobStore:
    return store.blobs
