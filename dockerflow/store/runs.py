"""Where a run's objects are, and which runs there are.

    runs/<flow>/<run id>/claim              made first, so that no two runs get one id
    runs/<flow>/<run id>/held               locked by the run's scheduler while it lives, see `hold`
    runs/<flow>/<run id>/outbox/            what its containers write, see `blobs`
    runs/<flow>/<run id>/journal/<segment>  see `journal`
    runs/<flow>/<run id>/tags/<number>      see `run_tags`
    runs/<flow>/<run id>/logs/<attempt>     what an attempt that runs has printed so far, see `log`
    locks/<spec hash>.yml                   conda-lock files, see `dockerflow.environments`
    blobs/…                                 everything else: artifacts, logs, code packages

A run id is the time of its beginning in microseconds since the epoch, as in Metaflow: ids sort as the runs began.
"""

from __future__ import annotations

import fcntl
import os
import platform
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Callable, Iterator, List, Tuple

from dockerflow.store import files
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.errors import StoreError


def run_key(flow: str, run_id: str) -> str:
    return f"runs/{flow}/{run_id}"


def journal_key(flow: str, run_id: str) -> str:
    return f"{run_key(flow, run_id)}/journal"


def outbox_folder(store: DirectoryStore, flow: str, run_id: str) -> Path:
    return store.root / run_key(flow, run_id) / "outbox"


def running_log(store: DirectoryStore, flow: str, run_id: str, task_id: str, attempt: int) -> Path:
    return store.root / run_key(flow, run_id) / "logs" / f"{task_id}.{attempt}"


def held_file(store: DirectoryStore, flow: str, run_id: str) -> Path:
    return store.root / run_key(flow, run_id) / "held"


def lock_key(spec_hash: str) -> str:
    return f"locks/{spec_hash}.yml"


def flow_names(store: DirectoryStore) -> List[str]:
    """The flows that have runs, sorted."""
    return store.children("runs")


def run_ids(store: DirectoryStore, flow: str) -> List[str]:
    """The runs of a flow that have begun, newest first."""
    ids = sorted(store.children(f"runs/{flow}"), key=_age, reverse=True)
    return [run_id for run_id in ids if has_begun(store, flow, run_id)]


def has_begun(store: DirectoryStore, flow: str, run_id: str) -> bool:
    """Whether a run has written anything: one that was killed before that has an id and nothing to tell."""
    return bool(store.children(journal_key(flow, run_id)))


def new_run_id(store: DirectoryStore, flow: str, clock: Callable[[], float] = time.time) -> str:
    """An id that no other run of the flow has or will get, higher than those of all runs that began before."""
    number = int(clock() * 1_000_000)
    while not store.put_new(f"{run_key(flow, str(number))}/claim", b""):
        number += 1
    return str(number)


@contextmanager
def hold(store: DirectoryStore, flow: str, run_id: str) -> Iterator[None]:
    """Be the living scheduler of a run, for `is_alive`: from before its first record and its outbox to after its last.

    The system takes the lock back when the process ends, however it ends. On a file system that has no locks the run
    goes on without one. Raises StoreError where the lock file cannot be made.
    """
    path = held_file(store, flow, run_id)
    with ExitStack() as open_files:
        try:
            files.make_folder(path.parent)
            stream = open_files.enter_context(path.open("wb", 0))
            with suppress(OSError):
                fcntl.flock(stream, fcntl.LOCK_EX)  # waits at most for a reader that asks `is_alive`
            stream.write(platform.node().encode())
            os.fchmod(stream.fileno(), 0o644)
        except OSError as error:
            raise StoreError(f"cannot write `{path}`: {error.strerror}") from error
        try:
            yield
        finally:
            with suppress(OSError):
                path.unlink()


def is_alive(store: DirectoryStore, flow: str, run_id: str) -> bool:
    """Whether the scheduler of a run lives; of one on another machine, or where locks do not work, True if it might.

    Locks over a network file system are seen by other machines or not, as it likes. So of a run that another machine
    began (by its name in the lock file) only the end is known for sure.
    """
    try:
        with held_file(store, flow, run_id).open() as stream:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return stream.read() not in ("", platform.node())
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:  # locked, or not to be known
        return True


def _age(run_id: str) -> Tuple[int, str]:
    return (int(run_id) if run_id.isdigit() else 0, run_id)
