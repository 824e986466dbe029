"""Whether a step has come back, known to its worker and to a program that the task becomes."""

from __future__ import annotations

from pathlib import Path

from dockerflow.runtime.time_limit import CameBack


def test_a_program_and_its_worker_know_the_same(tmp_path: Path) -> None:
    worker, program = CameBack(), CameBack()
    worker.share(str(tmp_path / "step"))
    program.share(str(tmp_path / "step"))
    program.set()
    assert worker
    program.clear()
    assert not worker


def test_what_comes_before_a_step_takes_nothing_of_its_time(tmp_path: Path) -> None:
    now = [100.0]
    worker, program = (CameBack(clock=lambda: now[0]) for _ in range(2))
    worker.share(str(tmp_path / "step"))
    worker.clear()
    worker.prepare()
    now[0] += 60
    program.share(str(tmp_path / "step"))
    assert worker.left(10) == 10
    program.clear()
    now[0] += 4
    assert worker.left(10) == 6
    now[0] += 7
    assert worker.left(10) == -1


def test_a_full_disk_kills_nobody_who_writes_down_that_a_step_has_come_back(tmp_path: Path) -> None:
    """The file has its place on the disk from the beginning: to write to a hole of a mapped file is deadly then."""
    CameBack().share(str(tmp_path / "step"))
    assert (tmp_path / "step").stat().st_blocks
