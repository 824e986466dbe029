"""What is remembered of an image that was built."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dockerflow.images import build_record
from dockerflow.images.build_record import BuildRecord, KeyParts, RecordedLayer, RecordedPackage
from tests.unit.images.known import built, small_lock

PANDAS = RecordedPackage("conda", "pandas", "1.5.3", "py311_0", "a" * 64)
PARTS = KeyParts(
    platform="linux-64",
    packages=(PANDAS, RecordedPackage("conda", "python", "3.11.4", "0", "b" * 64)),
    requested=("pandas",),
    lock_hash="c" * 64,
    base_name="debian:bookworm-slim",
    base_digest="sha256:" + "d" * 64,
    base_diff_ids=("sha256:" + "e" * 64,),
    base_path="/usr/bin",
    prefix="/opt/env",
    recipes=(("image", 1), ("layers", 2), ("bytecode", None)),
)
RECORD = BuildRecord(
    PARTS,
    "dockerflow/step:0123",
    "sha256:" + "1" * 64,
    "sha256:" + "2" * 64,
    (RecordedLayer("sha256:" + "3" * 64, 1024, "pandas 1.5.3", (PANDAS,)),),
)


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    build_record.write(tmp_path, RECORD)
    assert build_record.read(tmp_path, RECORD.build_key) == RECORD
    assert list(build_record.all_records(tmp_path)) == [RECORD]


def test_what_the_base_is_called_does_not_make_another_image() -> None:
    assert replace(PARTS, base_name="mirror/debian:12", base_digest="sha256:0").build_key == PARTS.build_key
    assert replace(PARTS, base_diff_ids=("sha256:0",)).build_key != PARTS.build_key


@pytest.mark.parametrize("change", [{"version": 0}, {"layers": None}, {"parts": {}}, {"parts": None}])
def test_a_record_of_another_form_counts_as_none(tmp_path: Path, change: dict[str, object]) -> None:
    build_record.write(tmp_path, RECORD)
    path = build_record.path_of(tmp_path, RECORD.build_key)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    assert build_record.read(tmp_path, RECORD.build_key) is None
    assert list(build_record.all_records(tmp_path)) == []


def test_a_record_under_another_key_counts_as_none(tmp_path: Path) -> None:
    build_record.write(tmp_path, RECORD)
    path = build_record.path_of(tmp_path, RECORD.build_key)
    path.rename(path.with_name("0" * 64 + ".json"))
    assert build_record.read(tmp_path, "0" * 64) is None


def test_a_folder_without_records_has_none(tmp_path: Path) -> None:
    assert list(build_record.all_records(tmp_path)) == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda record: record["layers"].pop(),
        lambda record: record["layers"].reverse(),
        lambda record: record["layers"][-1].update(diff_id=record["layers"][0]["diff_id"]),
        lambda record: record["layers"][-1].update(diff_id=7),
        lambda record: record["layers"][-1].update(size=record["layers"][-1]["size"] + 1),
        lambda record: record["parts"]["packages"].append(["no", "package"]),
        lambda record: record["parts"].update(lock_hash="\ud800"),
        lambda record: record.update(config_digest="sha256:" + "0" * 64),
    ],
)
def test_a_record_that_says_something_else_than_was_built_makes_no_other_image(
    tmp_path: Path, damage: Callable[[dict[str, Any]], object]
) -> None:
    image = built(tmp_path, small_lock(tmp_path))
    (path,) = (tmp_path / "images").iterdir()
    record = json.loads(path.read_text())
    damage(record)
    path.chmod(0o644)
    path.write_text(json.dumps(record))
    assert built(tmp_path, small_lock(tmp_path)) == image
