"""A join with many inputs reads what it asks for, and keeps what it may have changed."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from dockerflow.runtime.messages import TaskResult
from dockerflow.store import manifest
from dockerflow.store.blobs import Blobs
from tests.unit.runtime.wide_joins import WideJoin


class Join(WideJoin):
    """With blobs in a folder."""

    def __init__(self, folder: Path, width: int, values: Any = lambda number: {"y": number}) -> None:
        self.blobs = Blobs(folder / "blobs")
        super().__init__(folder, self.blobs, width, values)

    def result(self, *lines: str) -> TaskResult:
        return self.run(Blobs(self.blobs.root), *lines)

    def values(self, *lines: str) -> dict[str, Any]:
        result = self.result(*lines)
        assert result.failure is None, result.failure
        refs = manifest.read(self.blobs, str(result.manifest)).artifacts
        return {name: manifest.load(self.blobs, ref) for name, ref in refs.items()}


def test_an_input_that_is_not_touched_is_not_read(tmp_path: Path) -> None:
    join = Join(tmp_path, 100)
    join.blobs.delete(join.manifests[1:50] + join.manifests[51:])
    assert join.values("self.n = len(inputs)", "self.z = inputs[50].y") == {"n": 100, "z": 50}


def test_an_input_that_is_gone_fails_the_step_that_touches_it_with_its_name(tmp_path: Path) -> None:
    join = Join(tmp_path, 3)
    join.blobs.delete(join.manifests[2:])
    result = join.result("self.z = [i.y for i in inputs]")
    assert result.failure is not None
    assert result.failure.message.startswith("step `join` cannot read the artifacts of task `work/2`")


def test_going_through_thousands_of_inputs_needs_the_memory_for_one(tmp_path: Path) -> None:
    def peak(width: int) -> int:
        (tmp_path / str(width)).mkdir()
        join = Join(tmp_path / str(width), width, lambda number: {f"a{n}": number for n in range(20)})
        tracemalloc.start()
        try:
            assert join.values("self.z = sum(i.a0 for i in inputs)") == {"z": sum(range(width))}
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(2_001)  # what is imported once, and Python's table of names, which grows by megabytes at a time
    few, many = peak(100), peak(2_000)
    assert many - few < 2_000 * 500  # a request has some bytes for each; an input has twenty artifacts


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        ("for i in inputs: i.extra = 7", "[i.extra for i in inputs]"),
        ("for i in inputs: i.y = 7", "[i.y for i in inputs]"),
        ("for i in inputs: i.l.append(7)", "[i.l[-1] for i in inputs]"),
        ("a, b, c = inputs; a.l.append(7); inputs[1].l.append(7); c.l.append(7)", "[i.l[-1] for i in inputs]"),
        ("inputs.work.extra = 7", "[inputs[2].extra] * 3"),
    ],
)
def test_what_a_step_changes_in_an_input_is_there_when_it_looks_again(tmp_path: Path, change: str, seen: str) -> None:
    join = Join(tmp_path, 3, lambda number: {"y": number, "l": [number]})
    assert join.values(change, f"self.z = {seen}")["z"] == [7, 7, 7]


def test_an_input_in_use_is_the_same_however_it_is_asked_for(tmp_path: Path) -> None:
    lines = (
        "every = list(inputs)",
        "self.z = all(a is b for a, b in zip(every, inputs)) and every[2] is inputs.work",
        "self.slices = [[i.y for i in inputs[1:]], inputs[-1].y, inputs[True].y]",
    )
    assert Join(tmp_path, 3).values(*lines) == {"z": True, "slices": [[1, 2], 2, 1]}


def test_a_step_may_be_called_as_what_inputs_keep(tmp_path: Path) -> None:
    result = Join(tmp_path, 2).result("self.z = inputs.in_use")
    assert result.failure is not None
    assert result.failure.message.startswith("no step `in_use` leads to this join")


def test_merging_thousands_of_inputs_compares_hashes_and_reads_no_value(tmp_path: Path) -> None:
    """Each has a large value in a blob of its own, which is gone: only its hash is looked at."""
    large = "x" * manifest.LARGE
    join = Join(tmp_path, 2_000, lambda number: {"same": large, f"own{number % 3}": number % 3})
    refs = manifest.read(join.blobs, join.manifests[0]).artifacts
    join.blobs.delete([refs["same"].blob])
    result = join.result("self.merge_artifacts(inputs)")
    assert result.failure is None, result.failure
    merged = manifest.read(join.blobs, str(result.manifest)).artifacts
    assert sorted(merged) == ["own0", "own1", "own2", "same"]
    assert merged["same"].sha256 == refs["same"].sha256


def test_many_inputs_are_shown_by_the_first_of_them(tmp_path: Path) -> None:
    shown = Join(tmp_path, 12).values("self.z = repr(inputs)")["z"]
    assert shown.startswith("<12 inputs: <flow Wide step work>, ")
    assert shown.endswith("and 2 more>")
