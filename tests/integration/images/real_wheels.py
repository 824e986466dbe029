"""Real wheels from the package index, resolved by pip, which we did not write, and kept between runs.

Versions are pinned, so that what a test sees does not change under it; what they need is resolved once and kept under
the tests' cache folder by what was asked for.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from dockerflow.environments.lock import LockedPackage
from dockerflow.images.packages import PackageCache
from tests import channel

REQUIREMENTS = (
    "pandas==2.2.3",
    "scikit-learn==1.5.2",
    "numpy==1.26.4",
    "jupyterlab-widgets==3.0.13",  # data files
    "jupyter-core==5.7.2",  # console scripts
    "docutils==0.17.1",  # scripts with `#!python`
    "greenlet==3.1.1",  # headers, and modules in C++
)


def resolved(requirements: Sequence[str] = REQUIREMENTS) -> tuple[LockedPackage, ...]:
    """What pip would install for `requirements` into a Python like this one."""
    key = hashlib.sha256(json.dumps([sys.version, *requirements]).encode()).hexdigest()[:16]
    report = channel.cache() / f"wheels-{key}.json"
    if not report.is_file():
        command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--only-binary", ":all:"]
        environment = {name: value for name, value in os.environ.items() if name != "PIP_FIND_LINKS"}
        done = subprocess.run(
            [*command, "--quiet", "--report", "-", *requirements], capture_output=True, check=True, env=environment
        )
        report.parent.mkdir(parents=True, exist_ok=True)
        report.write_bytes(done.stdout)
    return tuple(_locked(found) for found in json.loads(report.read_bytes())["install"])


def named(packages: Sequence[LockedPackage], name: str) -> LockedPackage:
    return next(package for package in packages if package.name == name)


def kept() -> PackageCache:
    """Where the wheels are between runs."""
    return PackageCache(channel.cache() / "wheels")


def _locked(found: dict[str, Any]) -> LockedPackage:
    described = found["metadata"]
    needs = [Requirement(text) for text in described.get("requires_dist", ())]
    active = [one for one in needs if one.marker is None or one.marker.evaluate({"extra": ""})]
    names = {str(canonicalize_name(one.name)) for one in active}
    return LockedPackage(
        manager="pip", name=str(canonicalize_name(described["name"])), version=described["version"], build="",
        url=found["download_info"]["url"], sha256=found["download_info"]["archive_info"]["hashes"]["sha256"], md5=None,
        size=None, dependencies=tuple((name, "") for name in sorted(names)),
    )  # fmt: skip
