"""What the flow file imports and a step's container cannot have, and names in its folder that are taken."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockerflow.flow.checks import check, problems
from dockerflow.flow.errors import FlowFileError, InvalidFlow
from dockerflow.flow.loading import load
from tests.unit.flow.sources import written

FLOW = """
        class F(FlowSpec):
            @conda(libraries={"something": ""})
            @step
            def start(self):
                self.next(self.end)
            @step
            def end(self):
                pass
"""


def _lacking(folder: Path, imports: str, flow: str = FLOW) -> list[tuple[str, int, str]]:
    lines = "".join(f"        {line}\n" for line in imports.splitlines())
    found = problems(load(written(folder, lines + flow)).flow, containers=True)
    return [(Path(each.file).name, each.line, each.message) for each in found]


@pytest.mark.parametrize(
    "line",
    [
        "import a_missing_library.deeper as lib",
        "from a_missing_library import x",
        "class A:\n    import a_missing_library",
        "try:\n    import a_missing_library\nfinally:\n    pass",
    ],
)
def test_import_that_a_step_without_libraries_cannot_make_is_a_problem(line: str, tmp_path: Path) -> None:
    ((file, _, message),) = _lacking(tmp_path, line)
    assert file == "a_flow.py"
    assert message.startswith("every step imports `a_missing_library")
    assert message.endswith("` with the flow file, and step `end` asks for no library")


def test_library_that_this_machine_has_is_no_reason_for_a_container_to_have_it(tmp_path: Path) -> None:
    ((_, line, message),) = _lacking(tmp_path, "import json\nimport pytest")
    assert (line, message) == (
        3,
        "every step imports `pytest` with the flow file, and step `end` asks for no library",
    )


def test_hint_names_the_package_as_conda_does(tmp_path: Path) -> None:
    path = written(tmp_path, "        import yaml\n" + FLOW)
    (problem,) = problems(load(path).flow, containers=True)
    assert problem.hint == (
        "import it inside the steps that use it, or give every step the library: "
        '`@conda_base(libraries={"pyyaml": ""})`'
    )


@pytest.mark.parametrize(
    "line",
    [
        "import json, tomllib, distutils, dockerflow, setuptools",
        "try:\n    import a_missing_library\nexcept ImportError:\n    pass",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import a_missing_library",
        "import contextlib\nwith contextlib.suppress(ImportError):\n    import a_missing_library",
        "def later():\n    import a_missing_library",
        "import a_helper, a_package.part, a_folder.part",
    ],
)
def test_import_that_may_work_is_none(line: str, tmp_path: Path) -> None:
    (tmp_path / "a_helper.py").write_text("")
    for name in ("a_package", "a_folder"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "part.py").write_text("")
    (tmp_path / "a_package" / "__init__.py").write_text("")
    assert _lacking(tmp_path, line) == []


def test_module_of_a_folder_that_the_flow_puts_on_the_path_is_the_users_own(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "a_module_in_lib.py").write_text("")
    lines = 'import os, sys\nsys.path.append(os.path.join(os.path.dirname(__file__), "lib"))\nimport a_module_in_lib'
    assert _lacking(tmp_path, lines) == []


def test_what_the_users_modules_import_counts_too(tmp_path: Path) -> None:
    package = tmp_path / "a_package_of_two"
    package.mkdir()
    (package / "__init__.py").write_text("from . import first\n")
    (package / "first.py").write_text("from .second import X\n")
    (package / "second.py").write_text("\nimport a_missing_library\nX = 1\n")
    ((file, line, _),) = _lacking(tmp_path, "import a_package_of_two")
    assert (file, line) == ("second.py", 2)


def test_step_with_some_library_may_get_any_module_with_it(tmp_path: Path) -> None:
    base = FLOW.replace("class F", '@conda_base(libraries={"other": ""})\n        class F')
    assert _lacking(tmp_path, "import a_missing_library", base) == []
    off = base.replace(
        "            @step\n            def end",
        "            @conda(disabled=True)\n            @step\n            def end",
    )
    ((_, _, message),) = _lacking(tmp_path, "import a_missing_library", off)
    assert message.endswith("step `end` asks for no library")


def test_python_alone_is_no_library(tmp_path: Path) -> None:
    base = FLOW.replace("class F", '@conda_base(python="3.11", libraries={"python": "3.11"})\n        class F')
    assert len(_lacking(tmp_path, "import a_missing_library", base)) == 1


def test_it_is_no_problem_where_every_step_runs_in_this_python(tmp_path: Path) -> None:
    flow = load(written(tmp_path, "        import pytest\n" + FLOW)).flow
    check(flow)
    with pytest.raises(InvalidFlow, match="every step imports `pytest`"):
        check(flow, containers=True)


def test_misspelt_neighbour_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "plotting.py").write_text("")
    assert len(_lacking(tmp_path, "import ploting")) == 1


@pytest.mark.parametrize("name", ["random", "queue"])
def test_file_beside_the_flow_may_not_hide_a_module_of_python(name: str, tmp_path: Path) -> None:
    (tmp_path / f"{name}.py").write_text("")
    (problem,) = problems(load(written(tmp_path, FLOW)).flow)
    assert (problem.file, problem.message) == (
        str(tmp_path / f"{name}.py"),
        f"`{name}.py` hides the module `{name}` of Python, which other modules need",
    )
    assert problem.hint == "give the file another name"


def test_package_beside_the_flow_may_not_hide_one_either(tmp_path: Path) -> None:
    (tmp_path / "logging").mkdir()
    (tmp_path / "logging" / "__init__.py").write_text("")
    (tmp_path / "email").mkdir()  # no package: Python's own comes first
    (problem,) = problems(load(written(tmp_path, FLOW)).flow)
    assert problem.message.startswith("`logging/__init__.py` hides the module `logging`")


@pytest.mark.parametrize(("name", "package"), [("something", "something"), ("skimage", "scikit-image")])
def test_file_may_not_have_the_name_of_a_library_that_a_step_asks_for(name: str, package: str, tmp_path: Path) -> None:
    path = written(tmp_path, FLOW.replace("something", package), f"{name}.py")
    (problem,) = problems(load(path).flow)
    assert problem.message == f"`{name}.py` hides the library `{name}`, which a step asks for"


@pytest.mark.parametrize(
    "line", ["from a_library_like_the_flow import x", "import a_library_like_the_flow as x; x.y()"]
)
def test_flow_file_that_imports_the_library_of_its_own_name_says_so(line: str, tmp_path: Path) -> None:
    path = written(tmp_path, f"        {line}\n" + FLOW, "a_library_like_the_flow.py")
    with pytest.raises(FlowFileError) as raised:
        load(path)
    assert raised.value.hint == (
        "it imports itself: give `a_library_like_the_flow.py` another name than that of the library that it needs"
    )
