"""Whether a step has come back, known to its worker and to a program that the task becomes."""

from __future__ import annotations

from pathlib import Path

from dockerflow.runtime.time_limit import CameBack


def test_a_program_and_its_worker_know_the_same(tmp_path: Path) -> None:
    worker, program = CameBack(), CameBack()
    worker.share(str(tmp_path / "step"))
    worker.prepare()
    program.share(str(tmp_path / "step"))
    assert program.to_come
    program.clear()
    assert not worker.to_come
    assert not worker
    program.set()
    assert worker


def test_a_full_disk_kills_nobody_who_writes_down_that_a_step_has_come_back(tmp_path: Path) -> None:
    """The file has its place on the disk from the beginning: to write to a hole of a mapped file is deadly then."""
    CameBack().share(str(tmp_path / "step"))
    assert (tmp_path / "step").stat().st_blocks
