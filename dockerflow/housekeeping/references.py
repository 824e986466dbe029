"""What runs refer to: one pass over all of them, each manifest read once.

A blob does not say who uses it. So who wants to know of many blobs reads all journals, a few at a time, and the
manifests that they name, and remembers of these the hashes alone: a hundred thousand blobs take some ten megabytes.

Nothing is passed over in silence. What is gone, and what is there and cannot be read, is told with the run that named
it: who deletes must stop there, since nobody knows what an unreadable journal or manifest refers to; one that is gone
refers to nothing. A server that does not answer, or refuses, ends the pass with its error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import field
from itertools import islice
from typing import NamedTuple

from dockerflow.lazy_dataclasses import dataclass
from dockerflow.store import history, manifest, runs, uses
from dockerflow.store.base import Store
from dockerflow.store.errors import AccessDenied, MissingBlob, StoreError, Unreachable

# Runs whose journals are read before the manifests that they name: what is remembered of a run meanwhile is small.
BATCH = 64


class RunName(NamedTuple):
    flow: str
    run_id: str

    def __str__(self) -> str:
        return f"{self.flow}/{self.run_id}"


class Unreadable(NamedTuple):
    """What is there and cannot be read: a manifest, or, where `blob` is empty, the run's journal or the list of what is
    mirrored for it."""

    run: RunName
    blob: str
    error: StoreError


@dataclass(frozen=True)
class RunReferences:
    """All blobs that a run refers to, whether they are there or not; `gone` are manifests that are not.

    What is in manifests that are gone or unreadable is not among them, nor anything of an unreadable journal.
    """

    run: RunName
    blobs: frozenset[str]
    gone: tuple[str, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()


@dataclass
class References:
    """What runs refer to together: who uses each blob, in the order in which the runs were read."""

    users: dict[str, list[RunName]] = field(default_factory=dict)
    runs: list[RunName] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)

    def add(self, found: RunReferences) -> None:
        self.runs.append(found.run)
        self.unreadable += found.unreadable
        for blob in found.blobs:
            self.users.setdefault(blob, []).append(found.run)


def every_run(store: Store, flow: str | None = None) -> Iterator[RunName]:
    """The runs that have begun, newest first; flow by flow, or of one flow."""
    for name in runs.flow_names(store) if flow is None else [flow]:
        yield from (RunName(name, run_id) for run_id in runs.run_ids(store, name))


def of_store(store: Store, tell: Callable[[int], None] = lambda done: None) -> References:
    """What all runs refer to; `tell` is told how many have been read. Raises Unreachable or AccessDenied."""
    found = References()
    for one in Reader(store).of_runs(every_run(store)):
        found.add(one)
        tell(len(found.runs))
    return found


class Reader:
    """Reads what runs refer to. It remembers manifests, which never change, so that a run read again costs its journal
    and what is new in it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.least: dict[str, int] = {}  # how many bytes a blob must have by what is said to be in it
        self._inside: dict[str, frozenset[str]] = {}
        self._names: dict[str, str] = {}  # one object for each hash, however many refer to it

    def of_runs(self, names: Iterable[RunName]) -> Iterator[RunReferences]:
        """What each of these runs refers to, in order; nothing for a run that is not there. Raises Unreachable or
        AccessDenied."""
        rest = iter(names)
        while batch := list(islice(rest, BATCH)):
            named = self._store.each(self._named, batch)
            failed = self._read(sorted({sha256 for one in named for sha256 in one.manifests} - self._inside.keys()))
            yield from (self._references(one, failed) for one in named)

    def _named(self, run: RunName) -> _Named:
        try:
            direct = [*uses.direct(history.read(self._store, *run)), *uses.mirrored(self._store, *run)]
        except (Unreachable, AccessDenied):
            raise
        except StoreError as error:
            return _Named(run, frozenset(), frozenset(), error)
        manifests = frozenset(self._one(use.blob) for use in direct if use.is_manifest)
        return _Named(run, manifests | {self._one(use.blob) for use in direct}, manifests)

    def _read(self, manifests: list[str]) -> dict[str, StoreError]:
        """Remember what is in these, and return why the others could not be read."""
        failed: dict[str, StoreError] = {}
        for sha256, found in zip(manifests, self._store.each(self._ends, manifests), strict=True):
            if isinstance(found, StoreError):
                failed[sha256] = found
                continue
            self._inside[sha256] = frozenset(self._one(blob) for blob in found if blob != sha256)
            for blob, end in found.items():
                self.least[self._one(blob)] = max(end, self.least.get(blob, 0))
        return failed

    def _ends(self, sha256: str) -> dict[str, int] | StoreError:
        """The blobs that a manifest refers to, and where the last artifact in each ends."""
        ends: dict[str, int] = {}
        try:
            refs = manifest.read(self._store.blobs, sha256).artifacts.values()
        except (Unreachable, AccessDenied):
            raise
        except StoreError as error:
            return error
        for ref in refs:
            ends[ref.blob] = max(ref.offset + ref.size, ends.get(ref.blob, 0))
        return ends

    def _references(self, named: _Named, failed: dict[str, StoreError]) -> RunReferences:
        unread = sorted(named.manifests & failed.keys())
        inside = (self._inside[sha256] for sha256 in named.manifests - failed.keys())
        unreadable = [Unreadable(named.run, each, failed[each]) for each in unread if not _is_gone(failed[each])]
        if named.error is not None:
            unreadable.append(Unreadable(named.run, "", named.error))
        return RunReferences(
            named.run,
            named.blobs.union(*inside),
            tuple(each for each in unread if _is_gone(failed[each])),
            tuple(unreadable),
        )

    def _one(self, sha256: str) -> str:
        return self._names.setdefault(sha256, sha256)


class _Named(NamedTuple):
    """What a journal names by itself; `manifests` are among `blobs`. `error`: it cannot be read."""

    run: RunName
    blobs: frozenset[str]
    manifests: frozenset[str]
    error: StoreError | None = None


def _is_gone(error: StoreError) -> bool:
    return isinstance(error, MissingBlob)
