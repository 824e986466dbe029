"""The oldest Python that a step may ask for, and the newest kinds: what was new ten years apart must both fit."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest
from rattler.index import index_fs

from dockerflow.environments.lock import Lock
from dockerflow.environments.solver import solve
from dockerflow.environments.spec import EnvironmentSpec
from dockerflow.images.builder import ImageBuilder
from dockerflow.images.image import StepImage
from tests.unit.images.made import Entry, File, Made, lock_of
from tests.unit.images.oracle import union_of_layers
from tests.unit.images.test_builder import base, build
from tests.unit.images.test_determinism import Compiled

SITE = "lib/python3.7/site-packages"
PYTHON = Made("python", {"bin/python3.7": File(b"x", 0o755), "lib/python3.7/os.py": File(b"x = 1\n")}, version="3.7.4")
NUMPY = Made("numpy", {f"{SITE}/numpy/__init__.py": File(b"x")}, version="1.16.4", depends=("python >=3.7,<3.8.0a0",))
PURE: dict[str, Entry] = {"site-packages/pytz/__init__.py": File(b"def main(): pass\n")}
PYTZ = Made("pytz", PURE, version="2019.2", noarch="python", depends=("python",), entry_points=("pytz = pytz:main",))
# As its header says, by hash and unchecked (PEP 552).
VALID = b"\x42\r\r\n\1\0\0\0" + bytes(8) + b"code"
PANDAS = Made(
    "pandas",
    {f"{SITE}/pandas/__init__.py": File(b"x"), f"{SITE}/pandas/__pycache__/__init__.cpython-37.pyc": File(VALID)},
    version="0.24.2",
    build="py37he6710b0_0",
    depends=("numpy >=1.11.3,<2.0a0", "python >=3.7,<3.8.0a0", "pytz"),
)


def compiled_image(folder: Path, lock: Lock) -> StepImage:
    return ImageBuilder(folder / "cache", base(folder / "cache"), Compiled()).build(lock)


@pytest.mark.parametrize("archive_format", ["conda", "tar.bz2"])
def test_the_pandas_and_python_of_2019_lock_and_build(tmp_path: Path, archive_format: str) -> None:
    channel = tmp_path / "channel"
    for made in (PYTHON, NUMPY, PYTZ, PANDAS, replace(PYTHON, version="3.8.1"), replace(PANDAS, version="0.25.0")):
        replace(made, format=archive_format).write(channel)
    asyncio.run(index_fs(channel))
    lock = solve(EnvironmentSpec("3.7.4", (("pandas", "0.24.2"),), (channel.as_uri(),), "linux-64"))
    assert {(one.name, one.version) for one in lock.packages} == {
        ("python", "3.7.4"), ("numpy", "1.16.4"), ("pytz", "2019.2"), ("pandas", "0.24.2")
    }  # fmt: skip
    found = union_of_layers(compiled_image(tmp_path, lock))
    assert found["bin/pytz"][3].startswith(b"#!/opt/env/bin/python3.7\n")
    for path in ("pandas/__init__.py", "numpy/__init__.py", "pytz/__init__.py"):
        assert f"{SITE}/{path}" in found
    assert f"{SITE}/pytz/__pycache__/__init__.cpython-37.pyc" in found
    assert json.loads(found["conda-meta/pandas-0.24.2-py37he6710b0_0.json"][3])["version"] == "0.24.2"


@pytest.mark.parametrize(
    ("site", "tag"),
    [("lib/python3.13/site-packages", "cpython-313"), ("lib/python3.13t/site-packages", "cpython-313t")],
)
def test_a_noarch_package_goes_where_the_newest_python_wants_it(tmp_path: Path, site: str, tag: str) -> None:
    index = {"python_site_packages_path": site}
    python = Made("python", {"bin/python3.13": File(b"x", 0o755)}, version="3.13.1", index=index)
    lock: Lock = lock_of(tmp_path / "channel", [python, PYTZ])
    found = union_of_layers(compiled_image(tmp_path, lock))
    assert f"{site}/pytz/__init__.py" in found
    assert f"{site}/pytz/__pycache__/__init__.{tag}.pyc" in found
    assert found["bin/pytz"][3].startswith(b"#!/opt/env/bin/python3.13\n")


def test_another_python_gives_a_noarch_package_another_layer_and_the_rest_the_same(tmp_path: Path) -> None:
    data = Made("data", {"share/data": File(b"x")}, depends=("python",))
    images = [
        build(tmp_path / "cache", lock_of(tmp_path / "channel", [python, PYTZ, data], ("pytz", "data"))).image
        for python in (PYTHON, replace(PYTHON, version="3.8.1"))
    ]
    one, other = ({layer.title: layer.diff_id for layer in image.layers} for image in images)
    assert one["pytz 2019.2"] != other["pytz 2019.2"]
    assert one["data 1.0"] == other["data 1.0"]
