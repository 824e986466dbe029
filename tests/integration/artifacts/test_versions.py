"""What one version of pandas and numpy writes, another reads: real ones, each installed into a folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import permutations
from pathlib import Path

import pytest

from tests.integration.artifacts import frames

ROOT = Path(frames.__file__).parents[3]

# The oldest that has wheels for this Python, one of pandas 2, and one of pandas 3.
OLD = "pandas==1.5.3" if sys.version_info < (3, 12) else "pandas==2.1.4"
VERSIONS = [(OLD, "numpy<2"), ("pandas==2.2.3", "numpy>=2"), ("pandas==3.*", "numpy>=2")]


def installed(requirements: tuple[str, ...], cache: pytest.Cache) -> Path:
    """A folder with these packages, made once and kept in pytest's cache."""
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    name = "-".join(requirement.translate(str.maketrans("=<>*.", "_____")) for requirement in requirements)
    folder = Path(cache.mkdir(f"libraries-{python}-{name}"))
    if not (folder / "complete").exists():
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--upgrade", "--only-binary", ":all:"]
        subprocess.run([*command, "--target", str(folder), *requirements], check=True)
        (folder / "complete").touch()
    return folder


def run(libraries: Path, *arguments: str) -> str:
    """What the program of `frames` prints when it sees these libraries."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{libraries}", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-W", "ignore", frames.__file__, *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Path]]:
    """For each version its libraries and the folder with what it wrote."""
    found = {}
    for requirements in VERSIONS:
        libraries, folder = installed(requirements, request.config.cache), tmp_path_factory.mktemp("written")
        run(libraries, "write", str(folder))
        found[requirements[0]] = libraries, folder
    return found


@pytest.mark.parametrize(("writer", "reader"), list(permutations([version for version, _ in VERSIONS], 2)))
def test_tables_cross_between_versions(written: dict[str, tuple[Path, Path]], writer: str, reader: str) -> None:
    names = run(written[reader][0], "read", str(written[writer][1])).split()
    assert set(names) == set(frames.tables())
