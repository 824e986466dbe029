"""Files as a store and a cache write them."""

from __future__ import annotations

import shutil
from pathlib import Path

from dockerflow.store.files import TEMPORARY, temporary_below


def test_temporary_files_are_found_also_while_folders_beside_them_go(tmp_path: Path) -> None:
    """Several commands share a cache, and each may remove what it has made."""
    (tmp_path / "going" / "deep").mkdir(parents=True)
    for name in (f"{TEMPORARY}1", "kept", f"going/{TEMPORARY}2", f"going/deep/{TEMPORARY}3"):
        (tmp_path / name).touch()
    assert {path.name for path in temporary_below(tmp_path)} == {f"{TEMPORARY}{number}" for number in (1, 2, 3)}
    found = temporary_below(tmp_path)
    assert next(found) == tmp_path / f"{TEMPORARY}1"
    shutil.rmtree(tmp_path / "going")
    assert list(found) == []
