"""Find the lock of a spec, or make it.

In this order: a lock that was committed beside the flow, one that the store has of an earlier run, a new one, which
the store then keeps. Committed locks are all files `*.yml` and `*.yaml` in the folder `<flow>.locks` beside
`<flow>.py`; which of them belongs to a step is said by what is in it and not by its name: it was made for the same
spec, or, if another tool made it, its packages satisfy the spec. A committed lock that no longer satisfies its spec
is passed over.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from rattler import BuildString, PackageRecord

from dockerflow.environments import lock_file, requirements, solver
from dockerflow.environments.errors import LockFileError
from dockerflow.environments.lock import Lock, LockedPackage
from dockerflow.environments.lock_file import LockFile
from dockerflow.environments.requirements import Requirement
from dockerflow.environments.spec import EnvironmentSpec
from dockerflow.progress import EnvironmentLocked, EnvironmentSolving, Notify
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.runs import lock_key

_SUFFIXES = (".yml", ".yaml")


def lock_for(
    spec: EnvironmentSpec, store: DirectoryStore, flow_file: str | Path, notify: Notify, steps: Sequence[str]
) -> Lock:
    """The lock of `spec`, which `steps` of the flow in `flow_file` ask for. Several threads may ask at once.

    Raises EnvironmentsError: also for a committed lock that cannot be read, since somebody counts on it.
    """
    began = time.perf_counter()
    source, lock = "committed", _committed(spec, Path(flow_file))
    if lock is None:
        source, lock = "store", _kept(spec, store)
    if lock is None:
        notify(EnvironmentSolving(tuple(steps)))
        source, lock = "solved", solver.solve(spec, steps)
        store.put(lock_key(spec.spec_hash), lock_file.dumps(lock).encode())
    notify(EnvironmentLocked(tuple(steps), source, len(lock.packages), time.perf_counter() - began))
    return lock


def committed_folder(flow_file: str | Path) -> Path:
    """Where the locks of a flow are that are kept in version control."""
    return Path(flow_file).with_suffix(".locks")


def satisfies(lock: Lock, spec: EnvironmentSpec) -> list[str]:
    """Why the lock does not give what the spec asks for; empty if it does."""
    if lock.platform != spec.platform:
        return [f"it is for `{lock.platform}`, and `{spec.platform}` is asked for"]
    reasons = (_lacking(lock, requirement) for requirement in requirements.of(spec))
    return [reason for reason in reasons if reason is not None]


def _committed(spec: EnvironmentSpec, flow_file: Path) -> Lock | None:
    found = list(_committed_files(spec, flow_file))
    for file in found:
        if file.lock.spec_hash == spec.spec_hash and (file.intact or not satisfies(file.lock, spec)):
            return file.lock
    names = tuple(sorted({requirement.name for requirement in requirements.of(spec)} - {"python"}))
    for file in found:
        if not file.lock.spec_hash and not satisfies(file.lock, spec):
            return replace(file.lock, spec_hash=spec.spec_hash, requested=names)
    return None


def _committed_files(spec: EnvironmentSpec, flow_file: Path) -> Iterator[LockFile]:
    folder = committed_folder(flow_file)
    if not folder.is_dir():
        return
    for path in sorted(path for path in folder.iterdir() if path.suffix in _SUFFIXES):
        try:
            yield lock_file.read(path.read_text(encoding="utf-8"), str(path), spec.platform)
        except lock_file.OtherPlatform:
            continue
        except (OSError, UnicodeDecodeError) as error:
            raise LockFileError(f"the lock `{path}` cannot be read: {error}") from error


def _kept(spec: EnvironmentSpec, store: DirectoryStore) -> Lock | None:
    """The store's lock. One that is damaged counts as none: it is solved again and replaced."""
    data = store.get(lock_key(spec.spec_hash))
    if data is None:
        return None
    try:
        file = lock_file.read(data.decode(), lock_key(spec.spec_hash), spec.platform)
    except (LockFileError, UnicodeDecodeError):
        return None
    return file.lock if file.intact and file.lock.spec_hash == spec.spec_hash else None


def _lacking(lock: Lock, requirement: Requirement) -> str | None:
    package = lock.package(requirement.name)
    if package is None:
        return f"`{requirement.name}` is not in it"
    if not requirement.match_spec.matches(_record(package, lock.platform)):
        return f"it has `{package.name} {package.version}`, and `{requirement}` is asked for"
    return None


def _record(package: LockedPackage, platform: str) -> PackageRecord:
    return PackageRecord(package.name, package.version, BuildString(package.build), 0, platform)
