"""A wheel as a conda package: where its files go, what it depends on, how its scripts start."""

from __future__ import annotations

from pathlib import Path

from dockerflow.setup.archive import PLACEHOLDER, CondaPackage
from dockerflow.setup.interpreter import Interpreter
from dockerflow.setup.wheel_package import package
from dockerflow.setup.wheels import NUMPY_1_API, Resolution, Wheel
from tests.unit.setup.wheel_files import write_wheel

MARKERS = {"python_version": "3.11", "python_full_version": "3.11.7", "sys_platform": "linux", "os_name": "posix"}
PYTHON = Interpreter(Path("/p/bin/python3.11"), "3.11.7", Path("/p"), Path("/p/lib/python3.11"), MARKERS)
PLATFORM = "cp311-cp311-manylinux_2_17_x86_64"
ENTRY_POINTS = "[console_scripts]\nRun = one.cli:main\nother=one:Class.run [extra]\n\n[something.else]\na = b\n"


def packaged(wheel: Wheel) -> CondaPackage:
    return package(wheel, Resolution({wheel.name: wheel}, MARKERS), PYTHON, "linux-64")


def paths(made: CondaPackage) -> set[str]:
    return {file.path for file in made.files}


def test_a_pure_wheel_becomes_one_package_for_every_platform(tmp_path: Path) -> None:
    made = packaged(write_wheel(tmp_path, "One_two", metadata="Requires-Python: >=3.8\n"))
    assert (made.name, made.version, made.build, made.subdir) == ("one-two", "1.0", "py_0", "noarch")
    assert made.depends == ("python >=3.8",)
    assert "site-packages/One_two.py" in paths(made)


def test_a_platform_wheel_becomes_a_package_for_this_python(tmp_path: Path) -> None:
    made = packaged(write_wheel(tmp_path, "one", tag=PLATFORM, files={"one.so": b"\x7fELF"}))
    assert (made.build, made.subdir, made.depends) == ("py311_0", "linux-64", ("python 3.11.*",))
    assert made.entry_points is None
    assert "lib/python3.11/site-packages/one.so" in paths(made)


def test_dependencies_that_differ_between_pythons_tie_the_package_to_one(tmp_path: Path) -> None:
    made = packaged(write_wheel(tmp_path, "one", metadata="Requires-Dist: two; python_version < '3.11'\n"))
    assert (made.build, made.subdir, made.depends) == ("py311_0", "noarch", ("python 3.11.*",))


def test_dependencies_have_condas_names_and_one_entry_each(tmp_path: Path) -> None:
    metadata = "Requires-Dist: tzdata (>=2022.1)\nRequires-Dist: two>=1\nRequires-Dist: two<3\n"
    made = packaged(write_wheel(tmp_path, "one", metadata=metadata))
    assert made.depends == ("python", "python-tzdata >=2022.1", "two <3,>=1")


def test_what_was_built_against_numpy_1_says_so(tmp_path: Path) -> None:
    metadata = "Requires-Dist: numpy>=1.21\n"
    made = packaged(write_wheel(tmp_path, "one", tag=PLATFORM, metadata=metadata, files={"one.so": NUMPY_1_API}))
    assert made.depends == ("numpy <2,>=1.21", "python 3.11.*")


def test_a_pure_wheel_leaves_its_entry_points_to_the_installer(tmp_path: Path) -> None:
    made = packaged(write_wheel(tmp_path, "one", files={"one-1.0.dist-info/entry_points.txt": ENTRY_POINTS}))
    assert made.entry_points == ("Run = one.cli:main", "other = one:Class.run")


def test_a_platform_wheel_brings_its_console_scripts_along(tmp_path: Path) -> None:
    files = {"one-1.0.dist-info/entry_points.txt": ENTRY_POINTS}
    made = packaged(write_wheel(tmp_path, "one", tag=PLATFORM, files=files))
    script = next(file for file in made.files if file.path == "bin/other")
    assert script.executable
    assert script.placeholder == PLACEHOLDER
    text = script.content.decode()
    assert text.startswith(f"#!{PLACEHOLDER}/bin/python\n")
    assert "from one import Class\n" in text
    assert "sys.exit(Class.run())" in text


def test_the_data_of_a_wheel_goes_where_its_scheme_says(tmp_path: Path) -> None:
    files = {
        "one-1.0.data/scripts/tool": "#!python\nprint()\n",
        "one-1.0.data/scripts/shell": "#!/bin/sh\n",
        "one-1.0.data/data/share/one.txt": "text",
        "one-1.0.data/purelib/more.py": "",
    }
    made = packaged(write_wheel(tmp_path, "one", tag=PLATFORM, files=files))
    found = {file.path: file for file in made.files}
    assert found["bin/tool"].content == f"#!{PLACEHOLDER}/bin/python\nprint()\n".encode()
    assert found["bin/shell"].content == b"#!/bin/sh\n"
    assert found["bin/shell"].placeholder is None
    assert {"share/one.txt", "lib/python3.11/site-packages/more.py"} <= set(found)
    assert not any(".data" in path for path in found)


def test_scripts_of_a_pure_wheel_are_where_an_installer_looks_for_them(tmp_path: Path) -> None:
    made = packaged(write_wheel(tmp_path, "one", files={"one-1.0.data/scripts/tool": "#!python\n"}))
    assert "python-scripts/tool" in paths(made)


def test_the_package_is_marked_as_installed_by_conda(tmp_path: Path) -> None:
    made = packaged(write_wheel(tmp_path, "one"))
    assert "site-packages/one-1.0.dist-info/INSTALLER" in paths(made)
