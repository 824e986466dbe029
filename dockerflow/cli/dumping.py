"""`dump`: the artifacts of tasks, as a table, as JSON, or as values in a file."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dockerflow.artifacts.errors import ArtifactError
from dockerflow.cli.errors import CommandLineError
from dockerflow.cli.pathspecs import Selection, origin_of, select
from dockerflow.cli.places import store_of_runs
from dockerflow.cli.tables import print_json, print_table
from dockerflow.cli.words import size
from dockerflow.store import manifest
from dockerflow.store.base import Store
from dockerflow.store.errors import StoreError
from dockerflow.store.history import TaskHistory
from dockerflow.store.manifest import ArtifactRef

# A larger artifact is named without its value, unless the user says otherwise: bytes as they are stored.
MAX_VALUE_SIZE = 1000

Artifacts = Mapping[str, ArtifactRef]


@dataclass(frozen=True)
class Wanted:
    """Which artifacts, and how they are shown. `include` are names, none means all."""

    private: bool = False
    max_value_size: int = MAX_VALUE_SIZE
    include: frozenset[str] = frozenset()
    as_json: bool = False
    file: Path | None = None


def dump(pathspec: str, wanted: Wanted, chosen: Path | None) -> int:
    """Print the artifacts of the named tasks, or write their values into a file as a pickled dictionary."""
    store = store_of_runs(chosen)
    selection = select(store, pathspec)
    found = [(task, _artifacts(store, task, wanted)) for task in selection.tasks]
    if wanted.file is not None:
        _write(wanted.file, {_key(selection, task): _values(store, artifacts) for task, artifacts in found})
        return 0
    shown = _Shown(store, wanted)
    if wanted.as_json:
        print_json([_dumped(selection, task, artifacts, shown) for task, artifacts in found])
        return 0
    for number, (task, artifacts) in enumerate(found):
        print(f"{chr(10) if number else ''}{selection.pathspec(task)}  {task.status}{_told(selection, task)}")
        rows = [row for name, ref in sorted(artifacts.items()) for row in _rows(name, ref, shown(ref) or "")]
        print_table(rows) if rows else print("  no artifacts")
    return 0


def _rows(name: str, ref: ArtifactRef, value: str) -> Iterator[tuple[str, ...]]:
    """A value of several lines, as that of a data frame, keeps its lines."""
    first, *more = value.split("\n")
    yield f"  {name}", ref.type, size(ref.size), first
    yield from (("", "", "", line) for line in more)


def _told(selection: Selection, task: TaskHistory) -> str:
    caught = ", its exception caught by @catch" if task.latest is not None and task.latest.caught else ""
    origin = origin_of(selection, task)
    return f"{caught}, reused from {origin}" if origin else caught


def _artifacts(store: Store, task: TaskHistory, wanted: Wanted) -> Artifacts:
    ended = task.latest
    if ended is None or ended.manifest is None:
        return {}
    artifacts = manifest.read(store.blobs, ended.manifest).artifacts
    return {name: ref for name, ref in artifacts.items() if _is_wanted(name, wanted)}


def _is_wanted(name: str, wanted: Wanted) -> bool:
    return (wanted.private or not name.startswith("_")) and (not wanted.include or name in wanted.include)


@dataclass(frozen=True)
class _Shown:
    """The text of an artifact's value; None for one that is too large, or that only its step's image can read."""

    store: Store
    wanted: Wanted

    def __call__(self, ref: ArtifactRef) -> str | None:
        if ref.size >= self.wanted.max_value_size:
            return None
        return _tried(lambda: repr(manifest.load(self.store.blobs, ref)))


def _tried(text: Callable[[], str]) -> str | None:
    try:
        return text()
    except Exception:  # noqa: BLE001 - a value of the user's may do anything when it is loaded or asked for its text
        return None


def _dumped(selection: Selection, task: TaskHistory, artifacts: Artifacts, shown: _Shown) -> dict[str, object]:
    return {
        "pathspec": selection.pathspec(task),
        "status": task.status,
        "caught": task.latest is not None and task.latest.caught,
        "origin": origin_of(selection, task),
        "artifacts": [
            {"name": name, "type": ref.type, "size": ref.size, "sha256": ref.sha256, "value": shown(ref)}
            for name, ref in sorted(artifacts.items())
        ],
    }


# ---- into a file


def _key(selection: Selection, task: TaskHistory) -> str:
    """`run/step/task`, as Metaflow's file has it."""
    return selection.pathspec(task).partition("/")[2]


def _values(store: Store, artifacts: Artifacts) -> dict[str, Any]:
    values = {}
    for name, ref in sorted(artifacts.items()):
        try:
            values[name] = manifest.load(store.blobs, ref)
        except (ArtifactError, StoreError) as error:
            error.hint = error.hint or f"leave it out: name those that you want with `--include`, without `{name}`"
            raise
    return values


def _write(file: Path, values: Mapping[str, Mapping[str, Any]]) -> None:
    try:
        with file.open("wb") as stream:
            pickle.dump(values, stream, protocol=pickle.HIGHEST_PROTOCOL)
    except OSError as error:
        raise CommandLineError(
            f"`{file}` cannot be written: {error.strerror}", "name a file in a folder of yours"
        ) from error
    print(f"{file}: the artifacts of {len(values)} {'task' if len(values) == 1 else 'tasks'}")
