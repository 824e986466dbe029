"""What is read off wheels: their kind, their dependencies, and the numpy that they were built against."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockerflow.setup.wheels import NUMPY_1_API, NUMPY_2_API, Resolution, Wheel
from tests.unit.setup.wheel_files import write_wheel

MARKERS = {"python_version": "3.11", "python_full_version": "3.11.7", "sys_platform": "linux", "os_name": "posix"}
PLATFORM = "cp311-cp311-manylinux_2_17_x86_64"


def resolution(*wheels: Wheel) -> Resolution:
    return Resolution({wheel.name: wheel for wheel in wheels}, MARKERS)


@pytest.mark.parametrize("tag", ["py3-none-any", "py2.py3-none-any"])
def test_a_wheel_for_any_platform_is_pure(tmp_path: Path, tag: str) -> None:
    assert write_wheel(tmp_path, "one", tag=tag).pure


@pytest.mark.parametrize("tag", [PLATFORM, "cp37-abi3-manylinux_2_17_x86_64", "py3-none-manylinux_2_17_x86_64"])
def test_a_wheel_for_one_platform_is_not(tmp_path: Path, tag: str) -> None:
    assert not write_wheel(tmp_path, "one", tag=tag).pure


def test_a_wheel_for_one_python_is_not_pure(tmp_path: Path) -> None:
    assert not write_wheel(tmp_path, "one", tag="cp311-none-any").pure


def test_only_dependencies_whose_marker_holds_are_needed(tmp_path: Path) -> None:
    metadata = "Requires-Dist: two>=1\nRequires-Dist: old; python_version<'3.9'\nRequires-Dist: dev; extra=='dev'\n"
    wheel = write_wheel(tmp_path, "one", metadata=metadata)
    assert [str(needed) for needed in resolution(wheel).dependencies(wheel)] == ["two>=1"]


def test_an_extra_of_a_dependency_becomes_a_dependency(tmp_path: Path) -> None:
    one = write_wheel(tmp_path, "one", metadata="Requires-Dist: two[fast]\n")
    two = write_wheel(tmp_path, "two", metadata="Requires-Dist: plain\nRequires-Dist: quick>=2; extra=='fast'\n")
    needed = resolution(one, two).dependencies(one)
    assert [requirement.name for requirement in needed] == ["two", "quick"]


def test_packages_that_need_extras_of_themselves_do_not_go_round_forever(tmp_path: Path) -> None:
    one = write_wheel(tmp_path, "one", metadata="Requires-Dist: one[all]; extra=='most'\n")
    assert [r.name for r in resolution(one).dependencies(one, ["most"])] == ["one"]


@pytest.mark.parametrize(
    ("module", "needs_numpy_1"),
    [
        (b"\x7fELF " + NUMPY_1_API, True),
        (b"\x7fELF " + NUMPY_2_API + b"\0" + NUMPY_1_API, False),
        (b"\x7fELF nothing of numpy", False),
    ],
)
def test_the_numpy_of_a_wheel_is_read_off_its_modules(tmp_path: Path, module: bytes, needs_numpy_1: bool) -> None:
    assert write_wheel(tmp_path, "one", tag=PLATFORM, files={"one.so": module}).needs_numpy_1 is needs_numpy_1


def test_a_set_with_numpy_2_and_a_wheel_built_against_numpy_1_is_not_consistent(tmp_path: Path) -> None:
    built = write_wheel(tmp_path, "built", tag=PLATFORM, files={"built.so": NUMPY_1_API})
    assert not resolution(built, write_wheel(tmp_path, "numpy", "2.1.0")).consistent
    assert resolution(built, write_wheel(tmp_path, "numpy", "1.26.4")).consistent
    assert resolution(built).consistent
