"""Find the lock of an environment, or make it.

In this order: a lock that was committed beside the flow (`committed`), one that the store has of an earlier run, a new
one, which the store then keeps. A committed lock that was made for these steps and no longer gives what they ask for is
passed over, and that is told. A step that names a lock file of its own gets that one (`given`).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from dockerflow.environments import committed, given, lock_file
from dockerflow.environments.errors import LockFileError
from dockerflow.environments.lock import Lock
from dockerflow.environments.spec import EnvironmentSpec, GivenLock
from dockerflow.progress import EnvironmentLocked, EnvironmentSolving, LockPassedOver, Notify
from dockerflow.store.base import Store
from dockerflow.store.runs import lock_key


def lock_for(
    environment: EnvironmentSpec | GivenLock,
    store: Store,
    flow_file: str | Path,
    notify: Notify,
    steps: Sequence[str],
) -> Lock:
    """The lock of what `steps` of the flow in `flow_file` ask for. Several threads may ask at once.

    Raises EnvironmentsError: also for a committed lock that cannot be read, since somebody counts on it.
    """
    began = time.perf_counter()
    if isinstance(environment, GivenLock):
        source, path, lock = "given", str(environment.file), given.read(environment, steps)
    else:
        source, path, lock = _of_spec(environment, store, Path(flow_file), notify, tuple(steps))
    notify(EnvironmentLocked(tuple(steps), source, len(lock.packages), time.perf_counter() - began, path))
    return lock


def _of_spec(
    spec: EnvironmentSpec, store: Store, flow_file: Path, notify: Notify, steps: tuple[str, ...]
) -> tuple[str, str, Lock]:
    found, passed_over = committed.find(spec, flow_file, steps)
    if found is not None:
        return "committed", str(found[0]), found[1]
    for each in passed_over:
        notify(LockPassedOver(steps, str(each.path), each.reason))
    lock = of_runs(spec, store)
    if lock is not None:
        return "store", "", lock
    notify(EnvironmentSolving(steps))
    from dockerflow.environments import solver  # noqa: PLC0415 - takes long to import, and seldom is there anything new

    lock = solver.solve(spec, steps)
    store.put(lock_key(lock.spec_hash), lock_file.dumps(lock).encode())
    return "solved", "", lock


def of_runs(spec: EnvironmentSpec, store: Store) -> Lock | None:
    """The lock that the store has of earlier runs. A damaged one counts as none: it is solved again and replaced."""
    spec = spec.with_python
    data = store.get(lock_key(spec.spec_hash))
    if data is None:
        return None
    try:
        file = lock_file.read(data.decode(), lock_key(spec.spec_hash), spec.platform)
    except (LockFileError, UnicodeDecodeError):
        return None
    return file.lock if file.intact and file.lock.spec_hash == spec.spec_hash else None
