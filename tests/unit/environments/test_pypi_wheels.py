"""Which wheel of several an image gets; the stand-ins for what conda brings."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from dockerflow.environments.pypi_wheels import best, stand_in

ANY = "x-1-py3-none-any.whl"


@pytest.mark.parametrize(
    ("names", "python", "platform", "expected"),
    [
        ([ANY, "x-1-cp311-cp311-manylinux2014_x86_64.whl"], "3.11.9", "linux-64", 1),
        (["x-1-cp39-abi3-manylinux1_x86_64.whl", ANY], "3.11.9", "linux-64", 0),
        (["x-1-cp37-cp37m-manylinux2010_x86_64.whl", ANY], "3.7.4", "linux-64", 0),
        (["x-1-cp38-cp38-linux_x86_64.whl", ANY], "3.8.1", "linux-64", 0),
        (["x-1-cp313-cp313t-manylinux_2_17_x86_64.whl", ANY], "3.13.1", "linux-64", 1),
        (["x-1-cp311-cp311-manylinux_2_39_x86_64.whl", ANY], "3.11.9", "linux-64", 1),
        (["x-1-cp311-cp311-musllinux_1_1_x86_64.whl", ANY], "3.11.9", "linux-64", 1),
        (["x-1-cp311-cp311-manylinux2014_x86_64.whl", ANY], "3.11.9", "linux-aarch64", 1),
        (["x-1-cp311-cp311-manylinux_2_28_aarch64.whl", ANY], "3.11.9", "linux-aarch64", 0),
        (["no wheel at all", ANY], "3.11.9", "linux-64", 1),
    ],
)
def test_the_most_special_wheel_that_the_image_can_use_is_taken(
    names: list[str], python: str, platform: str, expected: int
) -> None:
    for order in (names, names[::-1]):
        assert best(order, python, platform) == names[expected]


def test_where_none_fits_there_is_none() -> None:
    assert best(["x-1-cp310-cp310-win_amd64.whl"], "3.11.9", "linux-64") is None
    assert best([], "3.11.9", "linux-64") is None


def test_a_stand_in_says_its_name_and_version_and_asks_for_nothing(tmp_path: Path) -> None:
    with zipfile.ZipFile(stand_in(tmp_path, "scikit-learn", "1.5.2")) as archive:
        assert archive.namelist()[0] == "scikit_learn-1.5.2.dist-info/METADATA"
        assert b"Requires" not in archive.read(archive.namelist()[0])
