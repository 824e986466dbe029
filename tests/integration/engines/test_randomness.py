"""Tasks draw random numbers as processes of their own would, though they are forks of one worker."""

from __future__ import annotations

import random
from pathlib import Path

import numpy
import pytest

from dockerflow.engines.process import ProcessHost
from tests.integration.engines.conversation import Scene


def drawn(flow: str, root: Path) -> list[list[float]]:
    """The numbers that two tasks of a flow draw, from `random` and from numpy."""
    scene = Scene(ProcessHost(), root, "")
    try:
        worker = scene.start(flow)
        return [worker.artifacts(worker.run("start")[1])["drawn"] for _ in range(2)]
    finally:
        scene.close()


def test_tasks_of_one_worker_draw_different_numbers(tmp_path: Path) -> None:
    first, second = drawn("Unseeded", tmp_path)
    assert first[0] != second[0]
    assert first[1] != second[1]


def test_a_seed_in_the_flow_file_holds_for_every_task(tmp_path: Path) -> None:
    own = random.Random(42), numpy.random.RandomState(42)
    assert drawn("Seeded", tmp_path) == [[pytest.approx(own[0].random()), pytest.approx(own[1].random())]] * 2
