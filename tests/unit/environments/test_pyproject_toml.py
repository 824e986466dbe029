"""What a `pyproject.toml` asks for."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from dockerflow.environments.errors import InvalidSpec
from dockerflow.environments.spec import EnvironmentSpec
from dockerflow.flow.definition import Conda, Pypi
from tests.unit.environments.asking import asked

PROJECT = """
    [project]
    name = "Our_Analysis"
    requires-python = ">=3.10,<3.13"
    dependencies = ["pandas >= 2", 'requests[socks]; python_version < "3.13"']

    [project.optional-dependencies]
    plot = ["matplotlib>=3"]
    Big_Data = ["dask"]
    all = ["our-analysis[plot,big-data]", "rich"]
"""


def read(folder: Path, text: str, *extras: str, python: str | None = None) -> EnvironmentSpec:
    path = folder / "pyproject.toml"
    path.write_text(textwrap.dedent(text))
    return asked(Pypi(file=str(path), extras=extras), Conda(python=python))


def refused(folder: Path, text: str, *extras: str) -> InvalidSpec:
    with pytest.raises(InvalidSpec) as caught:
        read(folder, text, *extras)
    return caught.value


def test_a_project_asks_for_what_it_depends_on(tmp_path: Path) -> None:
    spec = read(tmp_path, PROJECT)
    assert spec.pypi == ("pandas>=2", 'requests[socks]; python_version < "3.13"')
    assert spec.python == "<3.13,>=3.10"


@pytest.mark.parametrize(
    ("extras", "more"),
    [
        (("plot",), {"matplotlib>=3"}),
        (("BIG.data",), {"dask"}),
        (("all",), {"matplotlib>=3", "dask", "rich"}),
    ],
)
def test_extras_add_to_it(extras: tuple[str, ...], more: set[str], tmp_path: Path) -> None:
    """Also those that the project asks for of itself."""
    assert set(read(tmp_path, PROJECT, *extras).pypi) - set(read(tmp_path, PROJECT).pypi) == more


def test_its_python_narrows_that_of_the_decorators(tmp_path: Path) -> None:
    assert read(tmp_path, PROJECT, python="3.11").python == "3.11"
    with pytest.raises(InvalidSpec, match="two Pythons") as caught:
        read(tmp_path, PROJECT, python="3.9")
    assert "pyproject.toml:4" in caught.value.message


@pytest.mark.parametrize(("said", "python"), [("==3.11.*", "3.11.*"), ("~=3.10", "~=3.10"), ("===3.11.4", "==3.11.4")])
def test_a_python_of_pip_is_one_of_conda(said: str, python: str, tmp_path: Path) -> None:
    assert read(tmp_path, f"[project]\nrequires-python = '{said}'\n").python == python


def test_sources_that_say_nothing_here_are_no_matter(tmp_path: Path) -> None:
    tools = "[tool.uv]\ndev-dependencies = ['pytest']\n[tool.ruff]\nline-length = 1\n"
    assert read(tmp_path, f"[project]\ndependencies = ['pandas']\n{tools}").pypi == ("pandas",)


@pytest.mark.parametrize(
    ("text", "line", "problem", "hint"),
    [
        ("[project\n", 1, "this is not TOML", "mend it"),
        ("[tool.x]\n", 1, "there is no `[project]`", "write `[project]`"),
        ("\n[tool.poetry]\nname = 'x'\n", 2, "in Poetry's own words", "`poetry export`"),
        ("[project]\ndynamic = ['dependencies']\n", 2, "`project.dependencies` is `dynamic`", "`requirements.txt`"),
        ("[project]\ndependencies = 'pandas'\n", 2, "`project.dependencies` is `pandas`; expected a list", "PEP 621"),
        ("[project]\ndependencies = [1]\n", 2, "`project.dependencies` is `1`; expected a requirement", "PEP 621"),
        ("[project]\ndependencies = [\n 'pandas',\n 'a b',\n]\n", 4, "`a b` in `project.dependencies`", "write it"),
        ("[project]\ndependencies = ['x @ git+https://h/x']\n", 2, "is a repository", "`pip wheel`"),
        ("[project]\nrequires-python = '3.11'\n", 2, "`project.requires-python` is `3.11`; expected", "PEP 621"),
        ("[project]\n[tool.uv.sources]\nx = { git = 'y' }\n", 2, "`tool.uv.sources` says where packages", "`indexes`"),
        ("[project]\n[[tool.uv.index]]\nurl = 'y'\n", 2, "`tool.uv.index` says where packages", "`indexes`"),
    ],
)
def test_a_mistake_is_named_with_its_line(text: str, line: int, problem: str, hint: str, tmp_path: Path) -> None:
    error = refused(tmp_path, text)
    assert f"pyproject.toml:{line}" in error.message
    assert problem in error.message
    assert hint in (error.hint or "")


def test_an_extra_that_there_is_not_is_told_with_those_that_there_are(tmp_path: Path) -> None:
    error = refused(tmp_path, PROJECT, "plots")
    assert "step `train` (flow.py:12) asks for the optional dependencies `plots`" in error.message
    assert "`plot`, `Big_Data`, `all`" in error.message
