"""Why an image is another than it was, in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dockerflow.images.build_history import History, LastBuild, Whose, note, read
from dockerflow.images.build_record import KeyParts, RecordedPackage
from dockerflow.images.changes import between, why
from tests.unit.images.test_build_record import PANDAS, PARTS

BUILD = LastBuild("dockerflow/step:0123", "sha256:" + "1" * 64, PARTS)
OWN = LastBuild("tools:1", "sha256:" + "2" * 64, None)
SIX = RecordedPackage("pip", "six", "1.16.0", "", "f" * 64)
WHOSE = Whose("/home/me/flow.py", "Flow", "start")


def with_packages(*packages: RecordedPackage) -> KeyParts:
    return replace(PARTS, packages=packages, lock_hash="0" * 64)


PYTHON = PARTS.packages[1]


@pytest.mark.parametrize(
    ("after", "told"),
    [
        (with_packages(replace(PANDAS, version="2.2.3"), PYTHON), "packages: pandas 1.5.3 → 2.2.3"),
        (with_packages(replace(PANDAS, build="py311_1"), PYTHON), "packages: pandas 1.5.3 (py311_0 → py311_1)"),
        (
            with_packages(replace(PANDAS, sha256="0" * 64), PYTHON),
            "packages: pandas 1.5.3 (other contents: aaaaaaaaaaaa → 000000000000)",
        ),
        (with_packages(PANDAS, SIX, PYTHON), "packages: + six 1.16.0"),
        (with_packages(PYTHON), "packages: - pandas 1.5.3"),
        (with_packages(PANDAS, replace(PYTHON, version="3.12.1")), "packages: python 3.11.4 → 3.12.1"),
        (replace(PARTS, requested=("numpy",)), "requested: + numpy, - pandas"),
        (replace(PARTS, platform="linux-aarch64"), "platform: linux-64 → linux-aarch64"),
        (
            replace(PARTS, base_diff_ids=("sha256:0",), base_digest="sha256:" + "9" * 64),
            "base image: debian:bookworm-slim is another one now (dddddddddddd → 999999999999)",
        ),
        (
            replace(PARTS, base_diff_ids=("sha256:0",), base_name="ubuntu", base_digest="sha256:" + "9" * 64),
            "base image: debian:bookworm-slim → ubuntu (dddddddddddd → 999999999999)",
        ),
        (
            replace(PARTS, recipes=(("image", 1), ("layers", 3), ("bytecode", None))),
            "dockerflow itself: it makes layers of packages in another way now",
        ),
    ],
)
def test_the_part_of_the_key_that_changed_is_named(after: KeyParts, told: str) -> None:
    assert between(BUILD, replace(BUILD, parts=after)) == (told,)


def test_every_part_of_the_key_that_changed_is_named() -> None:
    after = replace(with_packages(PANDAS, SIX, PYTHON), requested=("pandas", "six"), lock_hash="0" * 64)
    assert between(BUILD, replace(BUILD, parts=after)) == ("packages: + six 1.16.0", "requested: + six")


def test_a_recipe_that_only_new_packages_need_is_no_change_of_its_own() -> None:
    after = replace(with_packages(PANDAS, SIX, PYTHON), recipes=(*PARTS.recipes, ("wheels", 1)))
    assert between(BUILD, replace(BUILD, parts=after)) == ("packages: + six 1.16.0",)


def test_a_base_that_is_only_called_otherwise_is_no_change() -> None:
    assert between(BUILD, replace(BUILD, parts=replace(PARTS, base_name="mirror/debian", base_digest="x"))) == ()


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (OWN, OWN, ()),
        (OWN, BUILD, ("the step had an image of its own, `tools:1`, and has libraries now",)),
        (BUILD, OWN, ("the step had libraries, and has an image of its own now, `tools:1`",)),
        (
            OWN,
            replace(OWN, digest="sha256:" + "3" * 64),
            ("`tools:1` is another image now (222222222222 → 333333333333)",),
        ),
        (
            OWN,
            replace(OWN, name="tools:2", digest="sha256:" + "3" * 64),
            ("image: `tools:1` → `tools:2` (222222222222 → 333333333333)",),
        ),
    ],
)
def test_an_image_of_the_steps_own_is_told_by_its_name(before: LastBuild, after: LastBuild, told: object) -> None:
    assert between(before, after) == told


CHANGED = replace(BUILD, parts=with_packages(PANDAS, SIX, PYTHON))


@pytest.mark.parametrize(
    ("before", "after", "built", "sent", "told"),
    [
        (None, BUILD, 3, 3, "first build here"),
        (None, BUILD, 0, 0, "first build here; the same image was there already"),
        (None, OWN, 0, 0, "first build here"),
        (History(BUILD), BUILD, 0, 0, "nothing has changed since its last build here"),
        (History(BUILD), BUILD, 1, 0, "the same as at its last build here, but layers of it had gone from the cache"),
        (History(BUILD), BUILD, 0, 5, "the same as at its last build here, but the engine did not have it"),
        (History(BUILD), CHANGED, 1, 1, "changed since its last build here: packages: + six 1.16.0"),
        (
            History(CHANGED, BUILD),
            CHANGED,
            0,
            0,
            "nothing has changed since its last build here, which differed from the one before in"
            " packages: + six 1.16.0",
        ),
    ],
)
def test_why_an_image_was_built(before: History | None, after: LastBuild, built: int, sent: int, told: str) -> None:
    assert why(before, after, built, sent) == told


def test_a_history_keeps_the_last_build_and_the_one_that_was_another(tmp_path) -> None:
    assert read(tmp_path, WHOSE) is None
    note(tmp_path, WHOSE, BUILD)
    assert read(tmp_path, WHOSE) == History(BUILD)
    note(tmp_path, WHOSE, BUILD)
    assert read(tmp_path, WHOSE) == History(BUILD)
    note(tmp_path, WHOSE, CHANGED)
    note(tmp_path, WHOSE, CHANGED)
    assert read(tmp_path, WHOSE) == History(CHANGED, BUILD)
    assert read(tmp_path, replace(WHOSE, step="end")) is None
    assert read(tmp_path, replace(WHOSE, flow_file="/home/you/flow.py")) is None


def test_a_history_that_cannot_be_read_counts_as_none_and_is_written_anew(tmp_path) -> None:
    note(tmp_path, WHOSE, BUILD)
    (path,) = (tmp_path / "builds").iterdir()
    path.write_text('{"version": 1, "last": {"name": 3}}')
    assert read(tmp_path, WHOSE) is None
    note(tmp_path, WHOSE, OWN)
    assert read(tmp_path, WHOSE) == History(OWN)
