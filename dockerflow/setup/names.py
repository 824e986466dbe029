"""Translate names and version specs between PyPI and conda.

Most names are the same on both sides; the few that are not and that data scientists use are listed here. A version spec
of one side is nearly always one of the other; what has no counterpart (`a|b`) is an error that says so.
"""

from __future__ import annotations

import re

from dockerflow.setup.errors import ChannelNotMade

# conda-forge's name for what PyPI calls otherwise.
CONDA_NAMES = {
    "build": "python-build",
    "graphviz": "python-graphviz",
    "msgpack": "msgpack-python",
    "opencv-python-headless": "opencv",
    "tables": "pytables",
    "torch": "pytorch",
    "tzdata": "python-tzdata",
    "xgboost": "py-xgboost",
}
PYPI_NAMES = {conda: pypi for pypi, conda in CONDA_NAMES.items()}


def normalized(name: str) -> str:
    """A name as PEP 503 compares names."""
    return re.sub(r"[-_.]+", "-", name).lower()


def conda_name(pypi_name: str) -> str:
    name = normalized(pypi_name)
    return CONDA_NAMES.get(name, name)


def pypi_name(conda_name: str) -> str:
    name = normalized(conda_name)
    return PYPI_NAMES.get(name, name)


def conda_version(version: str) -> str:
    """A PEP 440 version as conda writes it: no dash may be in it, for file names are split there."""
    return version.replace("-", "_")


def conda_spec(specifiers: str) -> str:
    """A PEP 440 specifier set as a conda version spec, sorted: `>=1.2,!=1.3.*` stays, `===1.2` becomes `==1.2`."""
    parts = (part.strip().replace(" ", "") for part in specifiers.split(",") if part.strip())
    return ",".join(sorted(_conda_part(part) for part in parts))


def _conda_part(part: str) -> str:
    if part.startswith("==="):
        return part[1:]
    if part.startswith("==") and part.endswith(".*"):
        return part[2:]
    return part


def pip_requirement(conda_name: str, spec: str) -> str:
    """A conda name and version spec as a requirement for pip. A bare version is exact, as everywhere in a flow."""
    if "|" in spec:
        raise ChannelNotMade(
            f"`{conda_name} {spec}` cannot be made from PyPI: `|` has no counterpart there.",
            "ask for a range (`>=1.5,<2`) or for one version",
        )
    parts = [_pip_part(part.strip().replace(" ", "")) for part in spec.split(",")]
    return pypi_name(conda_name) + ",".join(part for part in parts if part)


def _pip_part(part: str) -> str:
    if part in ("", "*"):
        return ""
    if re.match(r"[<>~!]=?|==", part):
        return part
    if part.startswith("="):  # conda's fuzzy form: `=1.5` is `1.5.*`
        return f"=={part[1:].removesuffix('.*').removesuffix('*')}.*"
    return f"=={part}"
