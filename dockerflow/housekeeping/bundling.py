"""Write a run into a bundle, and bring one into a store.

Into the bundle goes what the run refers to, the files that its images are made of, and of its artifacts those that are
asked for: to run it again takes its code and its parameters, and to compare the results their hashes, which the lists
of artifacts have. The file appears under its name when it is complete.

A bundle comes into a store as a run is copied from one store to another: see `copy`.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field
from errno import EDQUOT, ENOSPC
from functools import partial
from pathlib import Path
from tarfile import PAX_FORMAT, TarInfo
from typing import IO

from dockerflow.housekeeping import bundle, cut_off_logs, mirroring
from dockerflow.housekeeping import copy as copying
from dockerflow.housekeeping.bundle import Index
from dockerflow.housekeeping.bundle_store import BundleStore
from dockerflow.housekeeping.copy import Copied, Seen
from dockerflow.housekeeping.errors import BundleError
from dockerflow.housekeeping.mirroring import Lost, Places
from dockerflow.housekeeping.references import Reader, RunName
from dockerflow.housekeeping.waiting import waiting_runs
from dockerflow.images.errors import ExportError
from dockerflow.images.export import write_file
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.store import history, journal, mirror, runs, uses
from dockerflow.store.base import Store, missing
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.errors import DamagedBlob, DamagedRecord, MissingBlob, StoreError
from dockerflow.store.history import RunHistory
from dockerflow.store.records import RunStarted
from dockerflow.store.uses import Use

__all__ = ["Content", "Wanted", "bring", "content", "require_new", "write"]

Read = Callable[[], Iterator[bytes]]
Tell = Callable[[int], None]

_BLOCK = 512


@dataclass(frozen=True)
class Wanted:
    """`artifacts` are the names of those whose values are to be in it, None: all. Small ones are always: they are in
    the lists of artifacts. `images`: what the run's images are made of.
    """

    artifacts: frozenset[str] | None = frozenset()
    images: bool = True

    def has(self, artifact: str) -> bool:
        return self.artifacts is None or artifact in self.artifacts


@dataclass(frozen=True)
class Content:
    """What is to be written. `lost` is what it takes to make the images and could not be had; `artifacts` are the names
    of those that are left out.
    """

    index: Index
    objects: Mapping[str, bytes] = field(repr=False)
    blobs: Mapping[str, Read] = field(repr=False)
    lost: tuple[Lost, ...] = ()
    artifacts: tuple[str, ...] = ()
    image_files: int = 0


def content(places: Places, run: RunName, wanted: Wanted) -> Content:
    """Find all that belongs into the bundle; packages are fetched for it. Raises BundleError, StoreError."""
    store = places.store
    lines = _journal(store, run)
    seen = history.read(store, *run)
    asked = _Asked(store, run, seen, wanted)
    found = mirroring.find(places, run) if wanted.images else mirroring.Found((), ())
    had = {part.kept.blob for part in found.parts}  # also where the store should have it and has not
    reads: dict[str, Read] = {blob: partial(store.blobs.stream, blob) for blob in asked.blobs if blob not in had}
    sizes = dict(zip(reads, store.each(store.blobs.size, reads)))
    for part in found.parts:
        reads[part.kept.blob], sizes[part.kept.blob] = part.read, part.kept.size
    objects = _objects(store, run, seen, lines)
    kept = (*asked.mirrored, *(part.kept for part in found.parts))
    if kept:
        objects[mirror.key(*run)] = mirror.to_bytes(kept)
    hashed = {key: (len(body), hashlib.sha256(body).hexdigest()) for key, body in objects.items()}
    index = Index(run, hashed, sizes, asked.left_out, wanted.images)
    return Content(index, objects, reads, found.lost, asked.names, len(found.parts))


def write(content: Content, path: Path, force: bool = False, tell: Tell = lambda size: None) -> int:
    """The file's size. Raises BundleError; nothing is left of a file that could not be completed."""
    require_new(path, force)
    with _explaining(path):
        _require_room(path, content.index.size)
        return write_file(path, lambda file: _write(content, file, tell), force)


def require_new(path: Path, force: bool = False) -> None:
    """Raises BundleError where a file must not be, or cannot be, put."""
    if path.is_dir():
        raise BundleError(f"`{path}` is a folder", f"name a file in it: `{path / 'run.tar'}`")
    if path.exists() and not force:
        raise BundleError(f"`{path}` is there already", "name another file, or replace it with `--force`")


def bring(found: BundleStore, target: Store, tell: Callable[[Seen], None] = lambda seen: None) -> Copied:
    """Have the store hold the run of the bundle. Raises BundleError where it cannot; there is nothing of it then that
    anybody would take for a run."""
    _require_own(found)
    if isinstance(target, DirectoryStore):
        lacking = sum(size for blob, size in found.index.blobs.items() if not target.blobs.has(blob))
        _require_room(target.root, lacking)
    wanted = copying.Wanted([found.index.run], tell=tell, without=found.index.left_out)
    done = copying.copy(found, target, wanted)
    for left_out in done.left_out:
        if isinstance(left_out.error, DamagedBlob | DamagedRecord | MissingBlob):
            raise _changed(found, left_out.why) from left_out.error
        hint = left_out.error.hint if left_out.error else None
        raise BundleError(f"`{found.path}` cannot be imported: {left_out.why}", hint) from left_out.error
    return done


# ---- what belongs into it


class _Asked:
    """Of all that a run refers to, what is to be in the bundle."""

    def __init__(self, store: Store, run: RunName, seen: RunHistory, wanted: Wanted) -> None:
        self.mirrored = mirror.read(store, *run) if wanted.images else ()
        used = [use for use in uses.of_run(store, seen) if use not in set(uses.mirrored(store, *run))]
        artifacts = {use.blob: _name(use) for use in used if _name(use)}
        _require_names(run, wanted, {_name(use) for use in used} - {""})
        needed = {use.blob for use in used if not _name(use) or wanted.has(_name(use))}
        self.blobs = sorted(needed.union(each.blob for each in self.mirrored))
        self.left_out = frozenset(artifacts.keys() - needed)
        self.names = tuple(sorted({artifacts[blob] for blob in self.left_out}))


def _name(use: Use) -> str:
    """Of an artifact; empty for what is none."""
    kind, _, name = use.what.partition(" ")
    return name if kind == "artifact" else ""


def _require_names(run: RunName, wanted: Wanted, names: set[str]) -> None:
    unknown = sorted((wanted.artifacts or frozenset()) - names)
    if unknown:
        there = ", ".join(f"`{name}`" for name in sorted(names)) or "none"
        raise BundleError(f"run `{run}` has no artifact `{unknown[0]}`", f"it has {there}")


def _journal(store: Store, run: RunName) -> bytes:
    """Of a run that is over and all there. Raises BundleError, or what is wrong with it."""
    if runs.is_alive(store, *run):
        raise BundleError(f"run `{run}` still runs", "export it when it has ended")
    if run in waiting_runs(store):
        raise BundleError(
            f"a part of run `{run}` waits on this machine to be brought to its store",
            "the next command that writes to the store brings it, such as `dockerflow run`",
        )
    (found,) = Reader(store).of_runs([run])
    for unreadable in found.unreadable:
        raise unreadable.error
    for gone in found.gone:
        raise missing(gone, store.name)
    return journal.text(store, *run)


def _objects(store: Store, run: RunName, seen: RunHistory, lines: bytes) -> dict[str, bytes]:
    """All of a run but its blobs and what is mirrored for it, as they are in a folder."""
    tags = store.get_many(store.keys(f"{runs.run_key(*run)}/tags/"))
    locks = store.get_many({runs.lock_key(step.spec_hash) for step in seen.steps.values() if step.spec_hash})
    cut_off = {
        runs.log_key(*run, task.created.task_id, attempt.number): _log(store, run, task.created.task_id, attempt.number)
        for task in seen.tasks.values()
        for attempt in task.attempts
        if attempt.finished is None
    }
    found = {key: body for key, body in {**tags, **locks, **cut_off}.items() if body}
    return {**found, f"{runs.run_key(*run)}/claim": b"", journal.whole_key(*run, lines): lines}


def _log(store: Store, run: RunName, task_id: str, attempt: int) -> bytes:
    return b"".join(cut_off_logs.pieces(store, run, task_id, attempt))


# ---- the file


def _write(content: Content, file: IO[bytes], tell: Tell) -> int:
    index = content.index.to_bytes()
    size = _member(file, bundle.INDEX, len(index), iter([index]))
    for key, body in sorted(content.objects.items()):
        size += _member(file, key, len(body), iter([body] if body else []))
    for sha256, bytes_of_it in sorted(content.index.blobs.items()):
        blocks = _verified(sha256, content.blobs[sha256](), tell)
        size += _member(file, bundle.blob_member(sha256), bytes_of_it, blocks)
    file.write(b"\0" * (2 * _BLOCK))
    return size + 2 * _BLOCK


def _member(file: IO[bytes], name: str, size: int, blocks: Iterator[bytes]) -> int:
    """Bytes that were written. Raises StoreError where the blocks are not so many bytes."""
    member = TarInfo(name)
    member.size = size
    header = member.tobuf(PAX_FORMAT)
    file.write(header)
    written = sum(file.write(block) for block in blocks)
    if written != size:
        raise StoreError(f"`{name}` was changed while it was read", "export the run again")
    file.write(b"\0" * (-size % _BLOCK))
    return len(header) + size + -size % _BLOCK


def _verified(sha256: str, blocks: Iterator[bytes], tell: Tell) -> Iterator[bytes]:
    hashed = hashlib.sha256()
    for block in blocks:
        hashed.update(block)
        yield block
        tell(len(block))
    if hashed.hexdigest() != sha256:
        raise StoreError(f"what should be blob `{sha256}` was changed while it was read", "export the run again")


@contextmanager
def _explaining(path: Path) -> Iterator[None]:
    try:
        yield
    except ExportError as error:
        raise BundleError(error.message, error.hint) from error
    except OSError as error:
        full = error.errno in (ENOSPC, EDQUOT)
        what = f"no space left on the disk of `{path}`" if full else f"`{path}` cannot be written: {error.strerror}"
        raise BundleError(what, "name a file in another folder") from error


def _require_room(path: Path, size: int) -> None:
    there = next(folder for folder in (path.absolute(), *path.absolute().parents) if folder.exists())
    free = shutil.disk_usage(there).free
    if free < size:
        raise BundleError(
            f"the disk of `{path}` has {free / 1e9:,.1f} GB left, and this takes {size / 1e9:,.1f} GB",
            "free some space, or take a folder on another disk",
        )


# ---- into a store


def _require_own(found: BundleStore) -> None:
    """Raises BundleError for a journal that is not of the run that the index names."""
    run = found.index.run
    try:
        first = journal.first(found, *run)
    except StoreError as error:
        raise _changed(found, error.message) from error
    if not isinstance(first, RunStarted) or (first.flow, first.run_id) != run:
        raise _changed(found, f"its journal is not that of run `{run}`")


def _changed(found: BundleStore, why: str) -> BundleError:
    return BundleError(f"`{found.path}` cannot be imported: {why}", "fetch the file again: it was changed on the way")
