"""How much room runs take: each, each flow, and the whole store.

A blob that several runs use is stored once. So of each run two figures are told: what it uses, and what only it uses,
which is what would be free without it. All runs are read and all blobs listed, whatever part is shown: what is used by
one alone is known only then.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import field

from dockerflow.housekeeping.references import RunName, Unreadable, of_store
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.store import history, manifest
from dockerflow.store.base import Store

__all__ = ["Artifact", "Room", "Sizes", "artifacts_of", "sizes"]


@dataclass
class Room:
    """Blobs and their bytes: those that something uses, and those that it alone uses. `objects` are bytes of journals,
    tags and logs, which are nobody else's either."""

    blobs: int = 0
    size: int = 0
    own_blobs: int = 0
    own_size: int = 0
    objects: int = 0

    @property
    def free_without(self) -> int:
        return self.own_size + self.objects

    def add(self, size: int, alone: bool) -> None:
        self.blobs, self.size = self.blobs + 1, self.size + size
        if alone:
            self.own_blobs, self.own_size = self.own_blobs + 1, self.own_size + size


@dataclass
class Sizes:
    """`runs` newest first, flow by flow; `unused` are blobs that no run uses, and `all` has them among its own.

    Where a run or a manifest was `unreadable`, what it uses may be among the unused.
    """

    flows: dict[str, Room] = field(default_factory=dict)
    runs: dict[RunName, Room] = field(default_factory=dict)
    all: Room = field(default_factory=Room)
    unused: Room = field(default_factory=Room)
    missing: int = 0
    unreadable: tuple[Unreadable, ...] = ()


@dataclass(frozen=True)
class Artifact:
    """A value of a task, in its encoding; tasks that pass it on have the same one."""

    pathspec: str
    size: int
    type: str
    blob: str


def sizes(store: Store, tell: Callable[[int], None] = lambda done: None) -> Sizes:
    """Raises Unreachable or AccessDenied. `tell` is told how many runs have been read."""
    known = of_store(store, tell)
    found = Sizes({run.flow: Room() for run in known.runs}, {run: Room() for run in known.runs})
    found.unreadable = tuple(known.unreadable)
    for blob in store.blobs.every():
        _add(found, known.users.pop(blob.sha256, ()), blob.size)
    found.missing = len(known.users)
    for key, size in store.every("runs/"):
        flow, run_id, *_ = [*key.split("/")[1:], ""]
        if RunName(flow, run_id) in found.runs:
            found.runs[RunName(flow, run_id)].objects += size
            found.flows[flow].objects += size
        found.all.objects += size
    return found


def _add(found: Sizes, users: Collection[RunName], size: int) -> None:
    found.all.add(size, alone=True)
    if not users:
        found.unused.add(size, alone=True)
    for run in users:
        found.runs[run].add(size, alone=len(users) == 1)
    flows = {run.flow for run in users}
    for flow in flows:
        found.flows[flow].add(size, alone=len(flows) == 1)


def artifacts_of(store: Store, run: RunName, step: str = "", task_id: str = "") -> list[Artifact]:
    """The artifacts of a run, a step or a task, the largest first, each once: where it was first. Raises StoreError."""
    seen: dict[tuple[str, str], Artifact] = {}
    for name, each in _named(store, run, step, task_id):
        artifact = Artifact(f"{run}/{name}", each.size, each.type, each.blob)
        seen.setdefault((each.sha256, each.name), artifact)
    return sorted(seen.values(), key=lambda each: (-each.size, each.pathspec))


def _named(store: Store, run: RunName, step: str, task_id: str) -> Iterator[tuple[str, manifest.ArtifactRef]]:
    for task in history.read(store, *run).tasks.values():
        here, result = task.created, task.latest
        if (
            result is None
            or result.manifest is None
            or step not in ("", here.step)
            or task_id not in ("", here.task_id)
        ):
            continue
        refs = manifest.read(store.blobs, result.manifest).artifacts
        yield from ((f"{here.step}/{here.task_id}/{name}", ref) for name, ref in refs.items())
