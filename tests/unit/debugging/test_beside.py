"""Jupyter beside an image: which images need it, and beside which it cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockerflow.config import Config
from dockerflow.debugging.beside import Asked, folders_for, is_needed
from dockerflow.debugging.there import There
from dockerflow.environments.errors import EnvironmentsError


def there(kind: str = "cpython", libc: str = "glibc 2.36", **libraries: str) -> There:
    return There("3.11.7", kind, libc, libraries)


@pytest.mark.parametrize(
    ("found", "needed"),
    [
        (there(), True),
        (there(jupyterlab="4.0"), True),
        (there(ipykernel="6.0"), True),
        (there(jupyterlab="4.0", ipykernel="6.0"), False),
        (there(notebook="6.0", ipykernel="6.0"), False),
    ],
)
def test_jupyter_is_needed_where_there_is_nothing_to_open_or_no_kernel(found: There, needed: bool) -> None:
    assert is_needed(found) == needed


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (there(kind="pypy"), "3.11.7 (pypy, glibc 2.36)"),
        (there(kind="cpython without a lock"), "3.11.7 (cpython without a lock, glibc 2.36)"),
        (there(libc=""), "3.11.7 (cpython, without the C library of GNU)"),
    ],
)
def test_a_python_that_no_wheels_are_looked_for_is_refused_before_anybody_is_asked(
    found: There, said: str, tmp_path: Path
) -> None:
    told: list[str] = []
    with pytest.raises(EnvironmentsError) as refused:
        folders_for(Asked(found, "linux-64", "Flow/1/step/2"), Config(cache_dir=tmp_path), told.append)
    assert f"no packages are known for its Python {said}" in refused.value.message
    assert "--notebook" in refused.value.hint
    assert (told, list(tmp_path.iterdir())) == ([], [])
