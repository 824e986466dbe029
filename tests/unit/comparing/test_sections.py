"""What two runs' records say beside each other: locks package by package, images, large foreaches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dockerflow.comparing.artifacts import Side
from dockerflow.comparing.sections import Asked, Section, sections
from dockerflow.environments import lock_file
from dockerflow.environments.lock import Lock, LockedPackage
from dockerflow.store import manifest
from dockerflow.store.base import Store
from dockerflow.store.directory import create
from dockerflow.store.errors import StoreError
from dockerflow.store.history import RunHistory
from dockerflow.store.manifest import LARGE
from dockerflow.store.records import AttemptFinished, GitState, RunFinished, RunStarted, StepRecord, TaskCreated
from tests.unit.environments.locks_by_hand import CHANNEL, package


def locked(store: Store, *packages: LockedPackage) -> str:
    lock = Lock("linux-64", packages, (), (CHANNEL,), "0" * 64)
    return store.blobs.put([lock_file.dumps(lock).encode()])


def side(store: Store, *steps: StepRecord) -> Side:
    return Side(store, RunHistory.of([RunStarted(1.0, "F", "1", "ada", "", "", steps)]))


def part(name: str, first: Side, second: Side) -> Section:
    [found] = sections(first, second, Asked(only=frozenset({name})))
    return found


def given(store: Store, **values: Any) -> Side:
    """A run with parameters, which nobody has ended."""
    sha256 = manifest.write(store.blobs, values, {})
    return Side(store, RunHistory.of([RunStarted(1.0, "F", "1", "ada", sha256, "", ())]))


def test_a_parameter_whose_value_is_lost_is_told_beside_the_others(tmp_path: Path) -> None:
    store = create(tmp_path)
    first, second = (given(store, large=bytes([number]) * LARGE, x=number) for number in (1, 2))
    assert second.history.started is not None
    store.blobs.delete([manifest.read(store.blobs, second.history.started.parameters).artifacts["large"].blob])
    large, x = part("parameters", first, second).rows
    assert large[0] == "large"
    assert large[1].startswith("differs, and cannot be read: ")
    assert x == ("x", "1 → 2 (+1)")
    [only, _] = part("parameters", given(store), second).rows
    assert only[1].startswith("only in the second: it cannot be read: ")


def test_lost_parameters_end_no_comparison_of_artifacts(tmp_path: Path) -> None:
    store = create(tmp_path)
    first, second = given(store, x=1), given(store, x=2)
    store.blobs.delete([each.sha256 for each in store.blobs.every()])
    with pytest.raises(StoreError, match="the parameters of run `F/1` are lost") as raised:
        part("parameters", first, second)
    assert raised.value.hint == "compare the others: `--only code,locks,images,artifacts`"
    assert part("artifacts", first, second).same


def test_a_run_whose_scheduler_is_gone_was_killed(tmp_path: Path) -> None:
    store = create(tmp_path)
    assert part("run", given(store), given(store)).facts["first"]["status"] == "killed"


def test_what_did_not_run_took_no_time_that_could_be_compared(tmp_path: Path) -> None:
    store = create(tmp_path)
    begun = RunStarted(1.0, "F", "1", "", "", "", (StepRecord("start", ("end",)), StepRecord("end", ())))
    ran = TaskCreated(1.0, "start", "1", (), ()), AttemptFinished(3.0, "start", "1", 0, True, True, seconds=2.0)
    whole, killed = (Side(store, RunHistory.of([begun, *ran, *end])) for end in ([RunFinished(4.0, "failed")], []))
    assert part("timings", whole, killed).rows[1:] == (
        ("start", "1", "2.0 s", "2.0 s", "+0 %", ""),
        ("end", "0", "", "", "", ""),
        ("(the run)", "1", "3.0 s", "", "", ""),
    )


def test_the_branch_and_what_was_not_committed_are_told(tmp_path: Path) -> None:
    store = create(tmp_path)
    states = GitState("c" * 40, "main", None, ""), GitState("", "", True, "")
    sides = (Side(store, RunHistory.of([RunStarted(1.0, "F", "1", "", "", "", (), git=git)])) for git in states)
    assert dict(part("run", *sides).rows)["git"] == (
        "cccccccccccc perhaps with changes on main → no commit yet with changes"
    )


def test_locks_are_compared_package_by_package_and_steps_told_together(tmp_path: Path) -> None:
    store = create(tmp_path)
    python = package("python", "3.11.9")
    old = locked(
        store, python, package("pandas", "1.5.3"), package("pytz", "2024.1"), package("six", "1.16.0", build="a")
    )
    new = locked(
        store, python, package("pandas", "2.2.3"), package("tzdata", "2025"), package("six", "1.16.0", build="b")
    )
    first = side(store, *(StepRecord(name, (), lock=old) for name in ("a", "b")), StepRecord("c", (), lock=old))
    second = side(store, *(StepRecord(name, (), lock=new) for name in ("a", "b")), StepRecord("c", (), lock=old))
    found = part("locks", first, second)
    assert (found.same, found.summary) == (False, "those of 1 environment differ")
    assert found.lines == (
        "a, b:", "  pandas 1.5.3 → 2.2.3", "  six 1.16.0 a → b", "  + tzdata 2025", "  - pytz 2024.1"
    )  # fmt: skip
    assert found.facts["steps"]["b"]["packages"][2:] == [
        {"name": "tzdata", "manager": "conda", "before": None, "after": "2025 py311_0"},
        {"name": "pytz", "manager": "conda", "before": "2024.1 py311_0", "after": None},
    ]
    assert part("locks", first, first).summary == "the same"


def test_a_lock_that_is_lost_or_missing_is_told(tmp_path: Path) -> None:
    store = create(tmp_path)
    there = locked(store, package("python", "3.11.9"))
    found = part("locks", side(store, StepRecord("a", (), lock=there)), side(store, StepRecord("a", ())))
    assert found.lines == ("a:", "  only the first has a lock, of 1 package")
    found = part("locks", side(store, StepRecord("a", (), lock=there)), side(store, StepRecord("a", (), lock="0" * 64)))
    assert found.lines[1].startswith("  the lock of the second cannot be read: ")


def test_of_images_it_says_what_made_them_differ(tmp_path: Path) -> None:
    store = create(tmp_path)
    step = StepRecord(
        "a", (), image="dockerflow/step:1", config_digest="sha256:" + "1" * 64, lock="c" * 64, base_image="debian:12",
        base_digest="sha256:" + "b" * 64, python_version="3.11.9", transform="image 1, layers 2",
    )  # fmt: skip
    first = side(store, step)
    other = StepRecord(**{**vars(step), "config_digest": "sha256:" + "2" * 64, "transform": "image 1, layers 3"})
    found = part("images", first, side(store, other))
    assert found.rows == (("a", "111111111111 → 222222222222"), ("", "made by: image 1, layers 2 → image 1, layers 3"))
    other = StepRecord(**{**vars(step), "config_digest": "sha256:" + "2" * 64})
    assert part("images", first, side(store, other)).rows[-1] == ("", "of the same lock, base image and recipes")
    by_registry = StepRecord(**{**vars(step), "config_digest": "", "manifest_digest": "sha256:" + "3" * 64})
    assert part("images", first, side(store, by_registry)).same, "one digest each of the two that an image has"
    found = part("images", first, side(store, StepRecord("a", ()), StepRecord("b", ())))
    assert found.rows == (("a", "111111111111 → a process"), ("b", "only the second has the step"))
