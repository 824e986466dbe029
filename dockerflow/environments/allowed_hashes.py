"""Hashes that a step's own files give for packages (`--hash=sha256:…`): one of them must be the archive's.

Who writes them down wants exactly these archives, whatever an index gives some day. A package without any may be
whatever the index has.
"""

from __future__ import annotations

from dockerflow.environments.lock import LockedPackage
from dockerflow.environments.spec import EnvironmentSpec


def allowed(spec: EnvironmentSpec, package: LockedPackage) -> bool:
    hashes = dict(spec.hashes).get(package.name) if package.manager == "pip" else None
    return hashes is None or package.sha256 in hashes


def refusal(package: LockedPackage) -> str:
    """Why the package is none of those that are allowed."""
    return f"`{package.file_name}` has the sha256 {package.sha256}, which is none of those written for `{package.name}`"
