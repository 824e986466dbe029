"""A cache that cannot be used is an error with its path and a way out, never a mistake of our own."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from dockerflow.images.errors import CacheError, explaining_cache
from dockerflow.images.files import write_json
from dockerflow.images.provide import ImageProvider
from tests.unit.unprivileged import unprivileged


def test_a_cache_that_cannot_be_made_is_told_before_anything_is_asked_of_the_engine(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / "cache"
    with pytest.raises(CacheError, match=f"the cache `{folder}` cannot be used: File exists") as caught:
        ImageProvider(cast(Any, None), "debian", folder)
    assert "DOCKERFLOW_CACHE_DIR" in (caught.value.hint or "")


def test_a_cache_that_may_not_be_written_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    with unprivileged(tmp_path), pytest.raises(CacheError, match="Permission denied"), explaining_cache(tmp_path):
        write_json(tmp_path / "images" / "key.json", {})


def test_what_is_wrong_with_other_files_is_not_blamed_on_the_cache(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), explaining_cache(tmp_path / "cache"):
        (tmp_path / "other").read_bytes()
