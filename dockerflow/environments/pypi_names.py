"""Which Python distributions a conda package brings, by the names that package indexes have for them.

conda's name is nearly always the index's; the ones that data scientists meet and that differ are listed here. A package
brings a Python distribution if it depends on Python. One that does and brings none is no harm: it only means that a
distribution of that name is not taken from an index.
"""

from __future__ import annotations

from collections.abc import Container, Iterable

from packaging.utils import canonicalize_name

from dockerflow.environments.lock import LockedPackage

# conda-forge's packages whose distributions have other names. The `-base` and `-core` packages hold what the package
# without the ending, which adds dependencies, stands for.
_DISTRIBUTIONS = {
    "bokeh-base": ("bokeh",),
    "dask-core": ("dask",),
    "faiss": ("faiss-cpu",),
    "matplotlib-base": ("matplotlib",),
    "msgpack-python": ("msgpack",),
    "opencv": ("opencv-python", "opencv-python-headless"),
    "py-lightgbm": ("lightgbm",),
    "py-opencv": ("opencv-python", "opencv-python-headless"),
    "py-xgboost": ("xgboost",),
    "pyqt": ("pyqt5",),
    "pytables": ("tables",),
    "python-build": ("build",),
    "python-duckdb": ("duckdb",),
    "python-flatbuffers": ("flatbuffers",),
    "python-graphviz": ("graphviz",),
    "python-igraph": ("igraph",),
    "python-kaleido": ("kaleido",),
    "python-xxhash": ("xxhash",),
    "python-tzdata": ("tzdata",),
    "pytorch": ("torch",),
    "pytorch-cpu": ("torch",),
    "pytorch-gpu": ("torch",),
    "ray-core": ("ray",),
    "seaborn-base": ("seaborn",),
    "tensorflow-base": ("tensorflow",),
}
_PYTHON = frozenset({"python", "python_abi", "pypy"})


def distributions(conda_name: str) -> tuple[str, ...]:
    """The names on an index of what the conda package of this name brings."""
    return _DISTRIBUTIONS.get(conda_name, (canonicalize_name(conda_name),))


def conda_names(distribution: str, asked: Container[str] = ()) -> tuple[str, ...]:
    """The conda packages that would bring this distribution; of several those in `asked`, or all of them."""
    names = [name for name, brings in _DISTRIBUTIONS.items() if distribution in brings]
    return tuple(name for name in names if name in asked) or (*names, distribution)


def brought(packages: Iterable[LockedPackage]) -> dict[str, LockedPackage]:
    """The Python distributions in these conda packages, by their names on an index."""
    return {
        name: package
        for package in packages
        if package.name not in _PYTHON and any(dependency in _PYTHON for dependency, _ in package.dependencies)
        for name in distributions(package.name)
    }
