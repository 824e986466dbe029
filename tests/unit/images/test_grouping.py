from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dockerflow.environments.lock import Lock, LockedPackage
from dockerflow.images.grouping import BIG, GROUP, groups, ordered


def package(name: str, *needs: str) -> LockedPackage:
    return LockedPackage(
        "conda", name, "1", "0", f"file:///{name}-1-0.conda", name, None, None, tuple((n, "") for n in needs)
    )


def lock(*packages: LockedPackage, requested: tuple[str, ...] = ()) -> Lock:
    return Lock("linux-64", packages, requested, (), "")


SMALL = 1000
PANDAS = (
    package("openssl"), package("zlib"), package("python", "openssl", "zlib"),
    package("blas"), package("numpy", "python", "blas"), package("pytz", "python"), package("six", "python"),
    package("pandas", "numpy", "pytz", "six"),
)  # fmt: skip
SIZES = {"openssl": 3 * BIG, "zlib": SMALL, "python": 30 * BIG, "blas": SMALL, "numpy": 9 * BIG, "pytz": SMALL,
         "six": SMALL, "pandas": 9 * BIG, "scipy": 20 * BIG, "joblib": SMALL, "sklearn": 9 * BIG}  # fmt: skip


def names(lock: Lock, at_most: int = 60) -> list[list[str]]:
    return [[one.name for one in group.packages] for group in groups(lock, SIZES, at_most)]


def test_python_and_its_needs_come_first_what_was_asked_for_last_and_small_ones_share() -> None:
    found = names(lock(*PANDAS, requested=("pandas",)))
    assert found == [["openssl"], ["zlib"], ["python"], ["numpy"], ["blas", "pytz", "six"], ["pandas"]]


def test_environments_with_a_library_in_common_share_the_beginning() -> None:
    more = (package("scipy", "numpy"), package("joblib", "python"), package("sklearn", "scipy", "joblib"))
    one = names(lock(*PANDAS, requested=("pandas",)))
    other = names(lock(*PANDAS, *more, requested=("pandas", "sklearn")))
    assert one[:4] == other[:4]


def test_what_was_asked_for_has_its_own_layer_though_it_is_small() -> None:
    assert ["six"] in names(lock(*PANDAS, requested=("pandas", "six")))


def test_a_cycle_of_dependencies_is_ordered_all_the_same() -> None:
    cyclic = lock(package("python", "pip"), package("pip", "python"), requested=("python",))
    assert [one.name for one in ordered(cyclic, {"python": 1, "pip": 1})] == ["pip", "python"]


_numbers, _sizes = st.integers(0, 11), st.sampled_from([10, BIG - 1, BIG, 5 * BIG])
_packages = st.tuples(_numbers, _sizes, st.lists(_numbers, max_size=3))
_graphs = st.lists(_packages, min_size=1, max_size=12, unique_by=lambda one: one[0])


def name_of(number: int) -> str:
    return "python" if number == 5 else f"p{number}"


@given(_graphs, st.integers(1, 12), st.randoms(use_true_random=False))
def test_every_package_is_in_one_layer_and_the_order_in_the_lock_changes_nothing(
    graph: list[tuple[int, int, list[int]]], at_most: int, random: object
) -> None:
    packages = [package(name_of(number), *map(name_of, needs)) for number, _, needs in graph]
    sizes = {name_of(number): size for number, size, _ in graph}
    found = groups(lock(*packages), sizes, at_most)
    assert sorted(one.name for group in found for one in group.packages) == sorted(sizes)
    assert len(found) <= at_most
    random.shuffle(packages)  # type: ignore[attr-defined]
    assert groups(lock(*packages), sizes, at_most) == found


def test_a_group_of_small_packages_has_a_limit() -> None:
    many = [package(f"p{number:02}") for number in range(40)]
    found = groups(lock(*many), {one.sha256: BIG - 1 for one in many}, 60)
    assert max(len(group.packages) for group in found) == GROUP // (BIG - 1)
    assert len(groups(lock(*many), {one.sha256: BIG - 1 for one in many}, 3)) == 3


@given(_graphs, st.sampled_from([10, BIG, 5 * BIG]), st.sampled_from([10, BIG, 5 * BIG]))
def test_environments_that_differ_in_one_requested_package_share_all_layers_below_it(
    graph: list[tuple[int, int, list[int]]], one_size: int, other_size: int
) -> None:
    common = [package(name_of(number), *map(name_of, needs)) for number, _, needs in graph]
    sizes = {name_of(number): size for number, size, _ in graph}
    asked = package("asked", *sizes)
    sizes |= {"asked": 5 * BIG, "one": one_size, "other": other_size}
    first = groups(lock(*common, asked, package("one", "asked"), requested=("asked", "one")), sizes, 60)
    second = groups(lock(*common, asked, package("other", "asked"), requested=("asked", "other")), sizes, 60)
    assert first[:-2] == second[:-2], "all that was not asked for"
    if one_size == other_size == 10:
        assert first[:-1] == second[:-1], "the one that differs is small, so it is the last of all"


def test_three_hundred_packages_are_within_the_limit_and_in_any_order_the_same() -> None:
    many = [package(f"p{number:03}", *([f"p{number - 7:03}"] if number >= 7 else [])) for number in range(300)]
    sizes = {one.sha256: (number % 5) * BIG // 2 for number, one in enumerate(many)}
    asked = tuple(one.name for one in many[::40])
    found = groups(lock(*many, requested=asked), sizes, 30)
    assert len(found) == 30
    assert groups(lock(*reversed(many), requested=asked), sizes, 30) == found
