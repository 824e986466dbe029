"""Environments of conda packages and wheels together: order, sharing, whose files win, what cannot be together."""

from __future__ import annotations

import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from dockerflow.environments.lock import Lock
from dockerflow.images.bytecode import without_bytecode
from dockerflow.images.clashes import installation_order, lost_paths
from dockerflow.images.errors import PackageError
from dockerflow.images.grouping import groups
from dockerflow.images.image import Layer, StepImage
from dockerflow.images.metadata import Python
from tests.unit.images.made import File, Made, locked
from tests.unit.images.made_wheel import MadeWheel, WheelEntry
from tests.unit.images.test_builder import ASKED, BIG, ONE, PYTHON, TWO, build

SITE = "lib/python3.11/site-packages"
SMALL = MadeWheel("small", {"small.py": WheelEntry(b"s"), "share.py": WheelEntry(b"small")}, depends=("one",))
OTHER = MadeWheel("other", {"other.py": WheelEntry(b"o"), "share.py": WheelEntry(b"other")}, depends=("Small",))
WANTED = MadeWheel(
    "wanted", {"{data}/data/lib/one": WheelEntry(b"the wheel's")}, depends=("small", "other"),
    entry_points="[console_scripts]\nwanted = wanted:main\n",
)  # fmt: skip
CONDA = [PYTHON, BIG, ONE, TWO, ASKED]
WHEELS = [SMALL, OTHER, WANTED]


def lock_of(
    folder: Path, conda: list[Made], wheels: list[MadeWheel], requested: tuple[str, ...] = ("asked", "wanted")
) -> Lock:
    packages = [locked(made, made.write(folder)) for made in conda] + [wheel.locked(folder) for wheel in wheels]
    return Lock("linux-64", tuple(packages), requested, (), "0" * 64)


def titles(image: StepImage) -> list[str]:
    return [layer.title for layer in image.layers]


def files(layer: Layer) -> dict[str, bytes]:
    with tarfile.open(layer.path) as tar:
        found = {member.name.removeprefix("opt/env/"): tar.extractfile(member) for member in tar if member.isreg()}
        return {name: file.read() for name, file in found.items() if file is not None}


def test_wheels_lie_above_conda_packages_and_what_was_asked_for_last(tmp_path: Path) -> None:
    image = build(tmp_path, lock_of(tmp_path, CONDA, WHEELS)).image
    conda = ["base", "dockerflow", "python 3.11.4", "big 1.0", "2 small packages", "asked 1.0"]
    assert titles(image) == [*conda, "2 small packages", "wanted 1.0"]


def test_an_environment_to_which_wheels_are_added_begins_with_the_one_without(tmp_path: Path) -> None:
    without = build(tmp_path, lock_of(tmp_path, CONDA, [])).image
    image = build(tmp_path, lock_of(tmp_path, CONDA, [SMALL])).image
    assert image.layers[: len(without.layers)] == without.layers


def test_the_same_lock_gives_the_same_image_anywhere(tmp_path: Path) -> None:
    one = build(tmp_path / "a", lock_of(tmp_path / "channel", CONDA, WHEELS)).image
    other = build(tmp_path / "b" / "c", lock_of(tmp_path / "mirror", CONDA, WHEELS)).image
    assert (one.config, one.manifest, one.reference) == (other.config, other.manifest, other.reference)
    assert build(tmp_path / "a", lock_of(tmp_path / "channel", CONDA, WHEELS)).layers_built == 0


def test_the_layers_of_an_image_with_wheels_never_drift(tmp_path: Path) -> None:
    """Change only together with a RECIPE."""
    image = build(tmp_path, lock_of(tmp_path, CONDA, WHEELS)).image
    assert [layer.diff_id for layer in image.layers[-2:]] == [
        "sha256:d0f00594d2ebe766c7b4fc1547f90da96967c55fc8247f33257f4662cee4c3cb",
        "sha256:17b1aff6f37c11898354e317709d4b70d1c877a36761f9f9c3721755b183bb5b",
    ]


def test_a_wheel_that_was_asked_for_says_so_and_has_another_layer(tmp_path: Path) -> None:
    asked = build(tmp_path, lock_of(tmp_path, [PYTHON], [SMALL], ("small",))).image
    needed = build(tmp_path, lock_of(tmp_path, [PYTHON], [SMALL], ())).image
    requested = f"{SITE}/small-1.0.dist-info/REQUESTED"
    assert requested in files(asked.layers[-1])
    assert requested not in files(needed.layers[-1])


def test_a_wheel_is_installed_after_conda_packages_and_wins(tmp_path: Path) -> None:
    """`wanted` brings a file of the conda package `one`; `other` needs `small`, so its `share.py` comes later."""
    lock = lock_of(tmp_path, CONDA, WHEELS)
    assert [(one.manager, one.name) for one in installation_order(lock)][-3:] == [
        ("pip", "small"), ("pip", "other"), ("pip", "wanted")
    ]  # fmt: skip
    found: dict[str, list[bytes]] = {}
    for layer in build(tmp_path, lock).image.layers:
        for path, content in files(layer).items():
            found.setdefault(path, []).append(content)
    assert found["lib/one"] == [b"the wheel's"]
    assert found[f"{SITE}/share.py"] == [b"other"]
    assert {path: contents for path, contents in found.items() if len(contents) > 1} == {}


def test_packages_of_the_same_name_are_two(tmp_path: Path) -> None:
    """conda's `small` is no Python library, as conda's `redis` is a server and the index's a client for it."""
    native = Made("small", {"lib/libsmall.so": File(b"1")}, depends=("python",), format="tar.bz2")
    lock = lock_of(tmp_path, [PYTHON, native], [SMALL], ())
    lost = lost_paths(lock, {package: (f"{package.manager}/file",) for package in lock.packages})
    assert len(lost) == 3
    found = groups(lock, {package.sha256: 1 for package in lock.packages}, 60)
    assert [[(one.manager, one.name) for one in group.packages] for group in found] == [
        [("conda", "python")], [("conda", "small")], [("pip", "small")]
    ]  # fmt: skip
    assert titles(build(tmp_path, lock).image)[-3:] == ["python 3.11.4", "small 1.0", "small 1.0"]


def test_groups_of_both_kinds_are_one_layer_where_there_are_too_many(tmp_path: Path) -> None:
    lock = lock_of(tmp_path, CONDA, WHEELS)
    found = groups(lock, {package.sha256: 1 for package in lock.packages}, 2)
    assert [group.title for group in found] == ["python 3.11.4", "7 small packages"]
    wheels = [replace(SMALL, name=f"w{number:02}", files={}) for number in range(70)]
    many = lock_of(tmp_path, CONDA, wheels, tuple(wheel.name for wheel in wheels))
    image = build(tmp_path, many).image
    assert len(image.layers) == 64
    written = {path for layer in image.layers for path in files(layer)}
    assert {f"{SITE}/w{number:02}-1.0.dist-info/RECORD" for number in range(70)} <= written


@pytest.mark.parametrize(
    "metadata", ["small_lib-2.0.dist-info/METADATA", "small.lib-2.0-py3.11.egg-info", "Small-Lib.egg-info/x"]
)
def test_a_library_from_conda_and_as_a_wheel_is_refused(tmp_path: Path, metadata: str) -> None:
    """Whatever the conda package is called."""
    conda = Made("py-small", {f"site-packages/{metadata}": File()}, noarch="python", depends=("python",))
    wheel = MadeWheel("small-lib", {})
    with pytest.raises(PackageError, match=r"`py-small` and `small-lib` \(a wheel\) clash: both bring .* `small-lib`"):
        build(tmp_path, lock_of(tmp_path, [PYTHON, conda], [wheel]))


def test_a_library_inside_another_is_no_clash(tmp_path: Path) -> None:
    vendored = Made("pip", {"site-packages/pip/_vendor/small-1.dist-info/METADATA": File()}, noarch="python")
    build(tmp_path, lock_of(tmp_path, [PYTHON, vendored], [SMALL]))


def test_a_file_of_a_wheel_that_is_a_folder_of_a_conda_package_is_refused(tmp_path: Path) -> None:
    wheel = MadeWheel("small", {"{data}/data/lib/big/file": WheelEntry()})
    with pytest.raises(PackageError, match=r"`big` and `small` \(a wheel\) clash: `lib/big` is a file"):
        build(tmp_path, lock_of(tmp_path, [PYTHON, BIG], [wheel]))


def test_a_wheel_without_conda_s_python_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match=r"`small` is a wheel, and the lock has no `python` from conda") as refused:
        build(tmp_path, lock_of(tmp_path, [ONE], [SMALL]))
    assert "@pypi" in str(refused.value.hint)


@pytest.mark.parametrize("tag", ["cp312-cp312-manylinux2014_x86_64", "py3-none-macosx_11_0_arm64"])
def test_a_wheel_for_something_else_is_refused_before_anything_is_written(tmp_path: Path, tag: str) -> None:
    with pytest.raises(PackageError, match=tag):
        build(tmp_path / "cache", lock_of(tmp_path, [PYTHON], [replace(SMALL, tag=tag)]))
    assert len(list((tmp_path / "cache" / "layers").iterdir())) == 1, "the base"


def test_a_source_distribution_is_refused_before_anything_is_fetched(tmp_path: Path) -> None:
    lock = lock_of(tmp_path, [PYTHON], [SMALL])
    source = replace(lock.packages[-1], url="https://localhost:1/small-1.0.tar.gz")
    with pytest.raises(PackageError, match=r"`small` is refused: `small-1\.0\.tar\.gz` is a source distribution"):
        build(tmp_path, replace(lock, packages=(*lock.packages[:-1], source)))


def test_a_tampered_wheel_stops_the_build(tmp_path: Path) -> None:
    lock = lock_of(tmp_path, [PYTHON], [SMALL])
    (tmp_path / SMALL.file_name).write_bytes(b"tampered")
    with pytest.raises(PackageError, match=r"`small-1\.0-py3-none-any\.whl` is not the one in the lock"):
        build(tmp_path / "cache", lock)
    assert not (tmp_path / "cache" / "images").exists()


def test_a_wheel_s_modules_are_compiled_unless_they_bring_bytecode_that_stays_valid(tmp_path: Path) -> None:
    """A `.pyc` that is valid for its source's time alone is not: nobody knows the zip's time to the second."""
    by_hash = b"\xa7\r\r\n" + (1).to_bytes(4, "little") + bytes(8) + b"code"
    by_time = b"\xa7\r\r\n" + bytes(4) + (1_600_000_000).to_bytes(4, "little") + (1).to_bytes(4, "little") + b"code"
    wheel = MadeWheel("lib", {
        "lib/a.py": WheelEntry(b"1"), "{data}/purelib/lib/b.py": WheelEntry(b"1"),
        "{data}/platlib/lib/c.py": WheelEntry(b"1"), "{data}/data/share/d.py": WheelEntry(b"1"),
        "{data}/scripts/e.py": WheelEntry(b"1"), "lib/tests/f.py": WheelEntry(b"1"),
        "lib/g.py": WheelEntry(b"1"), "lib/__pycache__/g.cpython-311.pyc": WheelEntry(by_hash),
        "lib/h.py": WheelEntry(b"1"), "lib/__pycache__/h.cpython-311.pyc": WheelEntry(by_time),
    })  # fmt: skip
    image = build(tmp_path, lock_of(tmp_path, [PYTHON], [wheel])).image
    found = without_bytecode(image.layers[-1], Python("3.11", SITE)).paths
    assert found == tuple(f"opt/env/{SITE}/lib/{name}.py" for name in "abch")
