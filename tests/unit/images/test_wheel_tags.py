from __future__ import annotations

import pytest

from dockerflow.environments.lock import LockedPackage
from dockerflow.images.errors import PackageError
from dockerflow.images.metadata import Python
from dockerflow.images.wheel_tags import check_is_wheel, check_tags

OLD = Python("3.7", "lib/python3.7/site-packages")
PYTHON = Python("3.11", "lib/python3.11/site-packages")
NEW = Python("3.13", "lib/python3.13/site-packages")
FREE = Python("3.13", "lib/python3.13t/site-packages")
PYPY = Python("3.9", "lib/pypy3.9/site-packages")


def package(file_name: str) -> LockedPackage:
    return LockedPackage("pip", "lib", "1.0", "", f"https://index.test/packages/{file_name}", "0" * 64, None, None)


@pytest.mark.parametrize(
    ("python", "tag", "platform"),
    [
        (PYTHON, "py3-none-any", "linux-64"),
        (PYTHON, "py2.py3-none-any", "linux-64"),
        (PYTHON, "py311-none-any", "linux-64"),
        (PYTHON, "py37-none-any", "linux-64"),
        (PYTHON, "cp311-none-any", "linux-64"),
        (PYTHON, "cp38-abi3-manylinux1_x86_64", "linux-64"),
        (PYTHON, "cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64", "linux-64"),
        (PYTHON, "cp311-cp311-manylinux_2_36_x86_64", "linux-64"),
        (PYTHON, "cp311-cp311-linux_x86_64", "linux-64"),
        (PYTHON, "py3-none-manylinux_2_28_aarch64", "linux-aarch64"),
        (OLD, "cp37-cp37m-manylinux2010_x86_64", "linux-64"),
        (OLD, "cp36-abi3-manylinux1_x86_64", "linux-64"),
        (NEW, "cp313-cp313-manylinux_2_27_x86_64", "linux-64"),
        (FREE, "cp313-cp313t-manylinux_2_27_x86_64", "linux-64"),
        (FREE, "py3-none-any", "linux-64"),
        (PYPY, "py3-none-any", "linux-64"),
    ],
)
def test_a_wheel_that_the_environment_can_use_is_taken(python: Python, tag: str, platform: str) -> None:
    check_tags(package(f"lib-1.0-{tag}.whl"), python, platform)


@pytest.mark.parametrize(
    ("python", "tag", "platform", "said"),
    [
        (PYTHON, "cp312-cp312-manylinux2014_x86_64", "linux-64", "is for `cp312-cp312`, the environment has"),
        (PYTHON, "cp311-cp311-macosx_11_0_arm64", "linux-64", "is for `macosx_11_0_arm64`, the env"),
        (PYTHON, "cp311-cp311-manylinux2014_aarch64", "linux-64", "is for `manylinux2014_aarch64`, the env"),
        (PYTHON, "cp311-cp311-manylinux2014_x86_64", "linux-aarch64", "on `linux-aarch64` with glibc 2.36"),
        (PYTHON, "cp311-cp311-manylinux_2_39_x86_64", "linux-64", "is for `manylinux_2_39_x86_64`, the env"),
        (PYTHON, "cp311-cp311-musllinux_1_1_x86_64", "linux-64", "is for `musllinux_1_1_x86_64`, the env"),
        (PYTHON, "cp311-cp311-win_amd64", "linux-64", "is for `win_amd64`, the env"),
        (PYTHON, "py2-none-any", "linux-64", "is for `py2-none`, the env"),
        (PYTHON, "py312-none-any", "linux-64", "is for `py312-none`, the env"),
        (OLD, "cp37-cp37-manylinux2014_x86_64", "linux-64", "is for `cp37-cp37`, the env"),
        (NEW, "cp313-cp313t-manylinux2014_x86_64", "linux-64", "is for `cp313-cp313t`, the env"),
        (FREE, "cp313-cp313-manylinux2014_x86_64", "linux-64", "the environment has Python 3.13, free-threaded, on"),
        (FREE, "cp39-abi3-manylinux2014_x86_64", "linux-64", "is for `cp39-abi3`, the env"),
        (PYPY, "cp39-cp39-manylinux2014_x86_64", "linux-64", "is for `cp39-cp39`, the env"),
    ],
)  # fmt: skip
def test_a_wheel_for_another_python_or_platform_is_refused(python: Python, tag: str, platform: str, said: str) -> None:
    wheel = package(f"lib-1.0-{tag}.whl")
    with pytest.raises(PackageError) as refused:
        check_tags(wheel, python, platform)
    assert said in refused.value.message
    assert wheel.file_name in refused.value.message
    assert "lock again" in str(refused.value.hint)


def test_a_file_that_is_called_like_no_wheel_is_refused() -> None:
    with pytest.raises(PackageError, match=r"`lib\.whl` is not the name of a wheel"):
        check_tags(package("lib.whl"), PYTHON, "linux-64")


@pytest.mark.parametrize("file_name", ["lib-1.0.tar.gz", "lib-1.0.zip", "lib-1.0-py3.11.egg", "lib-1.0.exe"])
def test_what_is_no_wheel_is_refused_with_the_ways_out(file_name: str) -> None:
    with pytest.raises(PackageError, match="package `lib` is refused") as refused:
        check_is_wheel(package(file_name))
    assert f"`{file_name}`" in refused.value.message
    assert ("source distribution" in refused.value.message) is file_name.endswith((".gz", ".zip"))
    for way in ("a version of `lib` that has wheels", "`@conda`", "`pip wheel lib==1.0`", "a folder or an index"):
        assert way in str(refused.value.hint)


@pytest.mark.parametrize("rest", ["", "#sha256=0123", "?token=1/2", "#a/b"])
def test_a_name_is_read_from_a_url_as_it_is_meant(rest: str) -> None:
    wheel = package(f"lib-1.0%2Bcpu-py3-none-any.whl{rest}")
    assert wheel.file_name == "lib-1.0+cpu-py3-none-any.whl"
    check_is_wheel(wheel)
    check_tags(wheel, PYTHON, "linux-64")
