"""What stands on a flow and on its step comes together as in Metaflow, and files are read as it reads them.

Metaflow's decorators are asked themselves, without a run. Where we differ on purpose: names that are spelled in two
ways are one package, a step may have packages of both worlds, and markers in files are kept.
"""

from __future__ import annotations

import itertools
import json
import linecache
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from dockerflow.flow.definition import Conda, Pypi
from dockerflow.flow.loading import load
from tests.unit.environments.asking import asked

SCRIPT = Path(__file__).parent / "metaflow_packages.py"

OPTIONS: tuple[dict[str, Any], ...] = (
    {},
    {"packages": {"numpy": "1.26.4", "pandas": ">=2"}},
    {"packages": {"numpy": "2.0.0"}, "python": "3.11"},
    {"packages": {"rich": ""}, "disabled": True},
    {"python": "3.9", "disabled": False},
)
MERGED = list(itertools.product(("conda", "pypi"), OPTIONS, OPTIONS))
FLOW = """
from dockerflow import FlowSpec, conda, conda_base, pypi, pypi_base, step
@{kind}_base(**{base})
class F(FlowSpec):
    @{kind}(**{own})
    @step
    def start(self):
        self.next(self.end)
    @step
    def end(self):
        pass
"""
LINES = ("numpy==1.26.4", "pandas>=2,<3", "rich", "dask[array,test]>=2024.1", "scikit-learn ~= 1.5  # why", "  a!=2")
REQUIREMENTS = "\n".join(["# first", *LINES, "", "python>=3.10"])
DEPENDENCIES = [line.partition("#")[0].strip() for line in LINES]
PROJECT = f"[project]\nname = 'x'\nrequires-python = '>=3.10'\ndependencies = {DEPENDENCIES!r}\n"


@pytest.fixture(scope="module")
def metaflow(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Its answers."""
    folder = tmp_path_factory.mktemp("metaflow")
    question = json.dumps({"merged": MERGED, "requirements": REQUIREMENTS, "project": PROJECT})
    done = subprocess.run(
        [sys.executable, str(SCRIPT)],
        input=question,
        cwd=folder,
        env={**os.environ, "METAFLOW_HOME": str(folder), "USER": "tester"},
        capture_output=True,
        text=True,
        check=True,
    )
    answers: dict[str, Any] = json.loads(done.stdout)
    return answers


@pytest.mark.parametrize("number", range(len(MERGED)))
def test_a_step_gets_the_same_packages(number: int, metaflow: dict[str, Any], tmp_path: Path) -> None:
    kind, base, own = MERGED[number]
    path = tmp_path / "a_flow.py"
    path.write_text(FLOW.format(kind=kind, base=base, own=own))
    linecache.clearcache()
    flow = load(path).flow
    assert flow.problems == ()
    conda, pypi = flow.steps["start"].decorator(Conda), flow.steps["start"].decorator(Pypi)
    if conda is not None:
        ours: list[Any] = [dict(conda.libraries), conda.python, conda.disabled]
    else:
        assert pypi is not None
        ours = [dict(pypi.packages), pypi.python, pypi.disabled]
    assert ours == metaflow["merged"][number]


def test_a_requirements_txt_names_the_same_packages(metaflow: dict[str, Any], tmp_path: Path) -> None:
    _same(Pypi(file=_written(tmp_path / "requirements.txt", REQUIREMENTS)), metaflow["requirements"])


def test_a_project_names_the_same_packages(metaflow: dict[str, Any], tmp_path: Path) -> None:
    _same(Pypi(file=_written(tmp_path / "pyproject.toml", PROJECT)), metaflow["project"])


def _written(path: Path, text: str) -> str:
    path.write_text(text)
    return str(path)


def _same(pypi: Pypi, theirs: dict[str, Any]) -> None:
    spec = asked(pypi)
    ours = {(one.name, frozenset(one.extras)): one.specifier for one in map(Requirement, spec.pypi)}
    assert ours == dict(_words(package, version) for package, version in theirs["packages"].items())
    assert spec.python == theirs["python"]


def _words(package: str, version: str) -> tuple[tuple[str, frozenset[str]], SpecifierSet]:
    """Metaflow's words, in which an exact version is bare."""
    named = Requirement(package)
    return (named.name, frozenset(named.extras)), SpecifierSet(f"=={version}" if version[:1].isdigit() else version)
