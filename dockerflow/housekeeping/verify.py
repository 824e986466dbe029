"""Is everything there, and is it what was written? Hash every blob, read every journal and manifest.

Each fault is told with what it means: which artifact of which task, in which runs. To find that out all runs are read
once for all faults together, never once for each. Nothing is changed; `delete_damaged` is asked for by itself.

A store may be verified beside runs that write to it: what a run refers to is there before the run says so, and is
looked for again before it is called missing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import field, replace
from typing import NamedTuple

from dockerflow.housekeeping import several
from dockerflow.housekeeping.references import Reader, References, RunName, every_run
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.store import history, journal, run_tags, runs, uses
from dockerflow.store.base import Store
from dockerflow.store.errors import AccessDenied, DamagedBlob, MissingBlob, StoreError, Unreachable
from dockerflow.store.records import RunStarted
from dockerflow.store.uses import Use

__all__ = ["DAMAGED", "MISSING", "UNREADABLE", "Fault", "Seen", "Verified", "delete_damaged", "verify"]

DAMAGED, MISSING, UNREADABLE = "damaged", "missing", "unreadable"


class Seen(NamedTuple):
    """How far it is: what has been read by now."""

    runs: int = 0
    blobs: int = 0
    size: int = 0  # of the blobs, in bytes


NOTHING = Seen()

Tell = Callable[[Seen], None]


@dataclass(frozen=True)
class Fault:
    """Something that is not as it was written. `kind` is DAMAGED (other bytes than the hash or the size says), MISSING,
    or UNREADABLE (a disk that gives an error; a journal, tags or a manifest that nobody can make sense of).

    `blob` is empty for what is no blob: then `runs` has the one whose it is. A blob without `uses` is used by no run
    that can be read; of `runs` each uses it somewhere.
    """

    kind: str
    blob: str
    error: StoreError
    uses: tuple[Use, ...] = ()
    runs: tuple[RunName, ...] = ()


@dataclass(frozen=True)
class Verified:
    seen: Seen
    faults: tuple[Fault, ...]


@dataclass
class _Looked:
    """A pass: what was found by now."""

    tell: Tell
    seen: Seen = NOTHING
    faults: dict[str, Fault] = field(default_factory=dict)  # by blob
    others: list[Fault] = field(default_factory=list)

    def add(self, checked: _Checked) -> None:
        self.seen = Seen(self.seen.runs, self.seen.blobs + 1, self.seen.size + checked.size)
        if checked.error is not None:
            self.faults[checked.sha256] = Fault(_kind(checked.error), checked.sha256, checked.error)
        self.tell(self.seen)

    def add_run(self, unreadable: Iterable[Fault]) -> None:
        self.seen = self.seen._replace(runs=self.seen.runs + 1)
        self.others += unreadable
        self.tell(self.seen)


class _Checked(NamedTuple):
    sha256: str
    size: int
    error: StoreError | None


def verify(store: Store, selected: Collection[RunName] | None = None, tell: Tell = lambda seen: None) -> Verified:
    """Verify the whole store, or these runs with all that they refer to. Raises Unreachable or AccessDenied."""
    reader, known, looked = Reader(store), References(), _Looked(tell)
    for found in reader.of_runs(every_run(store) if selected is None else selected):
        known.add(found)
        journals = [Fault(UNREADABLE, "", each.error, runs=(each.run,)) for each in found.unreadable if not each.blob]
        looked.add_run(journals or _tags(store, found.run))
    present = set()
    for checked in _checked(store, reader, _all_blobs(store) if selected is None else ()):
        present.add(checked.sha256)
        if not isinstance(checked.error, MissingBlob):  # deleted since it was listed
            looked.add(checked)
    for checked in _checked(store, reader, known.users.keys() - present):
        looked.add(checked)
    for each in known.unreadable:
        if each.blob and each.blob not in looked.faults:  # its bytes are right, and tell nothing
            looked.faults[each.blob] = Fault(UNREADABLE, each.blob, each.error)
    if selected is not None and looked.faults:
        known = _of_all(reader, store)
    return Verified(looked.seen, (*looked.others, *_explained(store, looked.faults, known)))


def delete_damaged(store: Store, verified: Verified) -> list[str]:
    """Remove the blobs that were found with other bytes than their hashes say, and still have them; which.

    As long as one is there, the same value computed again is not written: what is there already is not looked into.
    """
    damaged = [fault.blob for fault in verified.faults if fault.kind == DAMAGED and _is_damaged(store, fault.blob)]
    store.blobs.delete(damaged)
    return damaged


def _is_damaged(store: Store, sha256: str) -> bool:
    try:
        store.blobs.verify(sha256)
    except DamagedBlob:
        return True
    except MissingBlob:
        pass
    return False


def _all_blobs(store: Store) -> Iterator[str]:
    return (found.sha256 for found in store.blobs.every())


def _checked(store: Store, reader: Reader, blobs: Iterable[str]) -> Iterator[_Checked]:
    def check(sha256: str, stop: several.Stop) -> _Checked:
        size = 0
        try:
            for piece in store.blobs.stream(sha256):
                size += len(piece)
                stop()
        except (Unreachable, AccessDenied):
            raise
        except StoreError as error:
            return _Checked(sha256, size, error)
        least = reader.least.get(sha256, 0)
        return _Checked(sha256, size, _too_small(sha256, size, least) if size < least else None)

    return several.done(check, blobs, several.threads_for(store))


def _too_small(sha256: str, size: int, least: int) -> DamagedBlob:
    return DamagedBlob(f"blob `{sha256}` has {size} bytes, and an artifact in it was said to end at {least}")


def _tags(store: Store, run: RunName) -> list[Fault]:
    """What is wrong with a run's tags."""
    try:
        started = journal.first(store, *run)
        if isinstance(started, RunStarted):
            run_tags.read(store, started)
    except (Unreachable, AccessDenied):
        raise
    except StoreError as error:
        return [Fault(UNREADABLE, "", error, runs=(run,))]
    return []


def _of_all(reader: Reader, store: Store) -> References:
    known = References()
    for found in reader.of_runs(every_run(store)):
        known.add(found)
    return known


def _explained(store: Store, faults: dict[str, Fault], known: References) -> Iterator[Fault]:
    """The faults with all that uses the blobs. What was missing, and whose runs are gone by now, is no fault."""
    found: dict[str, list[Use]] = {}
    for run in dict.fromkeys(run for blob in faults for run in known.users.get(blob, ())):
        for use in _uses(store, run):
            if use.blob in faults:
                found.setdefault(use.blob, []).append(use)
    for blob, fault in sorted(faults.items()):
        used = tuple(found.get(blob, ()))
        users = tuple(run for run in known.users.get(blob, ()) if runs.has_begun(store, *run)) if used else ()
        if used or fault.kind != MISSING:
            yield replace(fault, uses=used, runs=users)


def _uses(store: Store, run: RunName) -> Iterator[Use]:
    try:
        yield from uses.of_run(store, history.read(store, *run))
    except (Unreachable, AccessDenied):
        raise
    except StoreError:
        return  # told as a fault of its own


def _kind(error: StoreError) -> str:
    if isinstance(error, MissingBlob):
        return MISSING
    return DAMAGED if isinstance(error, DamagedBlob) else UNREADABLE
