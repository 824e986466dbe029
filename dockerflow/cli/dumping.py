"""`dump`: the artifacts of tasks, as a table, as JSON, or as values in a file."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import field
from pathlib import Path
from typing import Any

from dockerflow.artifacts.errors import ArtifactError, CannotDecode
from dockerflow.cli.errors import CommandLineError
from dockerflow.cli.looking import in_images
from dockerflow.cli.pathspecs import Selection, origin_of, select
from dockerflow.cli.places import store_of_runs
from dockerflow.cli.tables import print_json, print_table
from dockerflow.cli.words import size
from dockerflow.errors import DockerflowError
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.store import manifest
from dockerflow.store.base import Store
from dockerflow.store.errors import StoreError
from dockerflow.store.history import TaskHistory
from dockerflow.store.manifest import ArtifactRef
from dockerflow.store.run_artifacts import RunArtifacts

# A larger artifact is named without its value, unless the user says otherwise: bytes as they are stored.
MAX_VALUE_SIZE = 1000

Artifacts = Mapping[str, ArtifactRef]
Text = Callable[[TaskHistory, ArtifactRef], str]


@dataclass(frozen=True)
class Wanted:
    """Which artifacts, and how they are shown. `include` are names, none means all."""

    private: bool = False
    max_value_size: int = MAX_VALUE_SIZE
    include: frozenset[str] = frozenset()
    as_json: bool = False
    file: Path | None = None
    in_image: bool = False


def dump(pathspec: str, wanted: Wanted, chosen: str | None) -> int:
    """Print the artifacts of the named tasks, or write their values into a file as a pickled dictionary."""
    if wanted.file is not None and wanted.in_image:
        message = "`--file` writes values of this Python, and `--in-image` shows those of others"
        raise CommandLineError(message, "leave one of the two out")
    store = store_of_runs(chosen)
    selection = select(store, pathspec)
    artifacts = RunArtifacts(store.blobs, selection.run.started)
    found = [(task, _artifacts(artifacts, selection, task, wanted)) for task in selection.tasks]
    if wanted.file is not None:
        _write(wanted.file, {_key(selection, task): _values(store, of_task) for task, of_task in found})
        return 0
    with _in_images(store, selection) if wanted.in_image else _here(store) as text:
        shown = _Shown(wanted.max_value_size, text)
        if wanted.as_json:
            print_json([_dumped(selection, task, of_task, shown) for task, of_task in found])
        else:
            _print_tables(selection, found, shown)
    _tell_what_was_not_read(selection, shown.failed)
    return 0


def _print_tables(selection: Selection, found: Sequence[tuple[TaskHistory, Artifacts]], shown: _Shown) -> None:
    for number, (task, artifacts) in enumerate(found):
        print(f"{chr(10) if number else ''}{selection.pathspec(task)}  {task.status}{_told(selection, task)}")
        rows = [row for name, ref in sorted(artifacts.items()) for row in _rows(name, ref, shown(task, ref) or "")]
        print_table(rows) if rows else print("  no artifacts")


def _rows(name: str, ref: ArtifactRef, value: str) -> Iterator[tuple[str, ...]]:
    """A value of several lines, as that of a data frame, keeps its lines."""
    first, *more = value.split("\n")
    yield f"  {name}", ref.type, size(ref.size), first
    yield from (("", "", "", line) for line in more)


def _told(selection: Selection, task: TaskHistory) -> str:
    caught = ", its exception caught by @catch" if task.latest is not None and task.latest.caught else ""
    origin = origin_of(selection, task)
    return f"{caught}, reused from {origin}" if origin else caught


def _artifacts(every: RunArtifacts, selection: Selection, task: TaskHistory, wanted: Wanted) -> Artifacts:
    ended = task.latest
    if ended is None or ended.manifest is None:
        return {}
    found = every.of(task, ended.manifest, f"task `{selection.pathspec(task)}`")
    return {name: ref for name, ref in found.items() if _is_wanted(name, wanted)}


def _is_wanted(name: str, wanted: Wanted) -> bool:
    return (wanted.private or not name.startswith("_")) and (not wanted.include or name in wanted.include)


@dataclass(frozen=True)
class _Shown:
    """The text of an artifact's value; None for one that is too large, or that cannot be read, which is in `failed`
    then with the reason."""

    max_value_size: int
    text: Text
    failed: list[tuple[ArtifactRef, DockerflowError]] = field(default_factory=list)

    def __call__(self, task: TaskHistory, ref: ArtifactRef) -> str | None:
        if ref.size >= self.max_value_size:
            return None
        try:
            return self.text(task, ref)
        except DockerflowError as error:
            self.failed.append((ref, error))
        except Exception:  # noqa: BLE001 - a value of the user's may do anything when it is asked for its text
            pass
        return None


@contextmanager
def _here(store: Store) -> Iterator[Text]:
    yield lambda task, ref: repr(manifest.load(store.blobs, ref))


@contextmanager
def _in_images(store: Store, selection: Selection) -> Iterator[Text]:
    """As the step that wrote it has it."""
    with in_images(store) as text:
        yield lambda task, ref: text(selection.pathspec(task), ref)


def _tell_what_was_not_read(selection: Selection, failed: Sequence[tuple[ArtifactRef, DockerflowError]]) -> None:
    """Each artifact and reason once, however many tasks have it, on standard error: a table has no room for it."""
    told: dict[str, set[str]] = {}
    for ref, error in failed:
        step = selection.run.steps.get(ref.step)
        image = f"`--in-image` shows it as step `{step.name}` has it, in `{step.image}`" if step and step.image else ""
        hint = image if isinstance(error, CannotDecode) else error.hint
        line = f"artifact `{ref.name}` is not shown: {error.message}{f'; {hint}' if hint else ''}"
        told.setdefault(line, set()).add(ref.sha256)
    for line, values in told.items():
        print(f"{line}{f' ({len(values)} values)' if len(values) > 1 else ''}", file=sys.stderr)


def _dumped(selection: Selection, task: TaskHistory, artifacts: Artifacts, shown: _Shown) -> dict[str, object]:
    return {
        "pathspec": selection.pathspec(task),
        "status": task.status,
        "caught": task.latest is not None and task.latest.caught,
        "origin": origin_of(selection, task),
        "artifacts": [
            {"name": name, "type": ref.type, "size": ref.size, "sha256": ref.sha256, "value": shown(task, ref)}
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
