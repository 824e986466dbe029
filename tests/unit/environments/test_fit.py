"""Whether a lock gives what a spec asks for: conda's world, an index's, and both together."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dockerflow.environments.fit import fits, gaps, requested, roots, satisfies
from tests.unit.environments.locks_by_hand import lock, package, spec, wheel

SPEC = replace(spec(numpy=""), pypi=("paint>=1", "numpy<2"), constraints=("colours<3",))
LOCK = lock(SPEC, package("numpy", "1.26.4", ("python", "")), wheel("paint", "1.0", "colours"), wheel("colours", "2.1"))


def test_requirements_of_an_index_count() -> None:
    assert satisfies(LOCK, SPEC) == []
    assert satisfies(LOCK, replace(SPEC, pypi=("paint>=2", "brush"))) == [
        "`brush` is not in it",
        "it has `paint 1.0`, and `paint>=2` is asked for",
    ]


def test_what_conda_brings_is_held_against_what_the_index_is_asked_for() -> None:
    assert satisfies(LOCK, replace(SPEC, pypi=("numpy>=2",))) == ["it has `numpy 1.26.4`, and `numpy>=2` is asked for"]


def test_an_extra_that_nobody_knows_to_be_in_it_does_not_fit() -> None:
    """A step that asks for `paint[oil]` where it asked for `paint` needs packages that the lock may not have."""
    assert satisfies(LOCK, replace(SPEC, pypi=("paint[oil]>=1",))) == [
        "`paint[oil]>=1` is asked for, and nothing says that `paint` is in it with these extras"
    ]


@pytest.mark.parametrize(("version", "build"), [("not a version!!", "py311_0"), ("1.26.4", "a b")])
def test_what_no_conda_package_can_be_does_not_fit(version: str, build: str) -> None:
    edited = lock(SPEC, replace(package("numpy"), version=version, build=build))
    assert f"it has `numpy {version} {build}`, which no conda package can be" in satisfies(edited, SPEC)


def test_constraints_hold_for_what_is_there() -> None:
    assert satisfies(LOCK, replace(SPEC, constraints=("colours<2", "brush<1"))) == [
        "it has `colours 2.1`, and `colours<2` is asked for"
    ]


@pytest.mark.parametrize(
    ("marker", "counts"),
    [
        ("python_version >= '3.11'", True),
        ("python_version < '3.11'", False),
        ("sys_platform == 'win32'", False),
        ("platform_machine == 'aarch64'", False),
        ("extra == 'plot'", False),
    ],
)
def test_markers_are_the_images(marker: str, counts: bool) -> None:
    assert bool(satisfies(LOCK, replace(SPEC, pypi=(f"brush ; {marker}",)))) is counts


def test_a_wheel_of_a_url_is_the_same_by_its_url() -> None:
    same, other = (
        f"paint @ https://index.example/files/paint-{version}-py3-none-any.whl" for version in ("1.0", "2.0")
    )
    assert satisfies(LOCK, replace(SPEC, pypi=(same,))) == []
    assert len(satisfies(LOCK, replace(SPEC, pypi=(other,)))) == 1


def test_conda_is_not_served_by_a_wheel() -> None:
    assert satisfies(LOCK, spec(paint="")) == ["`paint` is not in it"]


def test_what_nobody_asks_for_any_more_does_not_fit() -> None:
    assert fits(LOCK, SPEC) == []
    fewer = replace(SPEC, pypi=())
    assert satisfies(LOCK, fewer) == []
    assert fits(replace(LOCK, requested=("numpy", "paint")), fewer) == [
        "`paint` is in it, and is not asked for any more"
    ]


def test_a_lock_has_all_that_its_packages_need() -> None:
    assert gaps(LOCK) == []
    without = tuple(each for each in LOCK.packages if each.name != "colours")
    assert gaps(replace(LOCK, packages=without)) == ["`paint 1.0` needs `colours`, which is not in it"]


def test_a_conda_package_is_not_served_by_a_wheel() -> None:
    two = lock(SPEC, package("numpy", "1.0", ("colours", "")), wheel("colours"))
    assert gaps(two) == ["`numpy 1.0` needs `colours`, which is not in it"]


def test_names_that_are_asked_for_are_those_in_the_lock() -> None:
    torch = lock(SPEC, package("pytorch", "2.3", ("python", "")), wheel("paint"))
    asked = replace(spec(pytorch=""), pypi=("Torch", "paint", "brush ; sys_platform == 'win32'"))
    assert requested(asked, torch.packages) == ("paint", "pytorch")


def test_roots_are_what_no_other_package_needs() -> None:
    assert roots(LOCK.packages) == ("numpy", "paint")
