"""What a control group says about the number of processes, in files as the kernel writes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockerflow.runtime import pids


@pytest.mark.parametrize("folder", [".", "pids"], ids=["version 2", "version 1"])
def test_refusals_are_counted_and_the_limit_is_told(folder: str, tmp_path: Path) -> None:
    (tmp_path / folder).mkdir(exist_ok=True)
    (tmp_path / folder / "pids.events").write_text("max 17\n")
    (tmp_path / folder / "pids.max").write_text("4096\n")
    assert pids.refusals(str(tmp_path)) == 17
    assert "may have 4,096 processes and threads" in pids.hint(str(tmp_path))


@pytest.mark.parametrize("content", ["", "max\n", "max x\n", "other 3\n"])
def test_nothing_is_known_where_nobody_says(content: str, tmp_path: Path) -> None:
    assert pids.refusals(str(tmp_path)) == 0
    (tmp_path / "pids.events").write_text(content)
    assert pids.refusals(str(tmp_path)) == 0


def test_without_a_limit_there_is_no_number(tmp_path: Path) -> None:
    (tmp_path / "pids.max").write_text("max\n")
    assert "may have so many processes" in pids.hint(str(tmp_path))
