"""`spin`: which past task a step is run again for, and what it gives beside what that gave."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dockerflow.cli import sentences
from dockerflow.cli.errors import CommandLineError, show_error
from dockerflow.cli.flows import load_flow
from dockerflow.cli.past_inputs import Past, Wanted, past_task, step_of
from dockerflow.cli.places import config_here, place_of, store_for_writing
from dockerflow.cli.running import view_for
from dockerflow.cli.tables import print_table
from dockerflow.cli.words import duration, size
from dockerflow.errors import DockerflowError
from dockerflow.flow.checks import check
from dockerflow.flow.current import current
from dockerflow.flow.given import NOTHING, Given
from dockerflow.flow.loading import LoadedFlow
from dockerflow.flow.parameters import resolve
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.runtime.messages import RunTask
from dockerflow.scheduler.past import task_again
from dockerflow.store import code_package, manifest
from dockerflow.store.base import BlobStore, Store
from dockerflow.store.manifest import ArtifactRef
from dockerflow.store.records import LogLine, RunStarted

if TYPE_CHECKING:
    from dockerflow.scheduler.spinning import Spun

# Values that are larger as they are stored are not shown.
LARGEST = 1000

# Of a value that is shown.
_LONGEST = 80

Refs = Mapping[str, ArtifactRef]


@dataclass(frozen=True)
class Chosen:
    """What the command line says."""

    file: Path
    step: str
    flow: str | None = None
    from_: str | None = None
    index: int | None = None
    artifacts: Path | None = None
    given: Given = NOTHING
    engine: str = "docker"
    hosts: tuple[str, ...] = ()
    package_suffixes: tuple[str, ...] = ()
    store: str | None = None


def spin(chosen: Chosen) -> int:
    """Run the step, show what it gives, and return the exit code: 1 where it failed. Raises DockerflowError."""
    if "/" in chosen.step:
        if chosen.from_ is not None:
            raise CommandLineError(
                f"`{chosen.step}` and `--from {chosen.from_}` both say whose inputs", "leave one out"
            )
        chosen = replace(chosen, from_=chosen.step, step=step_of(chosen.step))
    if chosen.hosts:
        from dockerflow.cli import hosts

        if chosen.engine == "process":
            raise CommandLineError("`--engine process` and `--host` exclude each other", "leave one of them out")
        chosen = replace(chosen, hosts=hosts.chosen(chosen.hosts))
    store = store_for_writing(chosen.store, config_here())
    loaded, past = _loaded(chosen, store)
    check(loaded.flow, containers=chosen.engine != "process")
    return _spun(chosen, store, loaded, past)


def _loaded(chosen: Chosen, store: Store) -> tuple[LoadedFlow, Past]:
    """The flow as its file is now, with the configs that the past run had, unless others are given."""
    loaded = load_flow(chosen.file, chosen.flow, chosen.given)
    past = past_task(Wanted(chosen.step, chosen.from_, chosen.index), store, loaded.flow)
    if not loaded.flow.configs or chosen.given.configs or not store.blobs.has(past.started.code):
        return loaded, past
    values = code_package.given(bytes(store.blobs.get(past.started.code))).values
    return load_flow(chosen.file, chosen.flow, replace(chosen.given, values=values)), past


# ---- running it


def _spun(chosen: Chosen, store: Store, loaded: LoadedFlow, past: Past) -> int:
    from dockerflow.scheduler.spinning import SpinRequest, spun

    task = replace(task_again(past.run, past.task), step=chosen.step)
    _require(store, past, task)
    with current.launching(loaded.flow, None):
        values = _new_parameters(store, loaded, past.started)
    if chosen.artifacts is not None:
        task = _with_artifacts(store, task, _artifacts_of(chosen.artifacts))
    request = SpinRequest(
        loaded,
        task,
        values,
        config_here(),
        store,
        chosen.engine,
        chosen.hosts,
        chosen.package_suffixes,
    )
    print(f"step `{chosen.step}` {past.told}", file=sys.stderr, flush=True)
    with view_for(place_of(store)) as view, spun(request, view.notify, _print) as found:
        return _told(chosen, store, past, found)


def _require(store: Store, past: Past, task: RunTask) -> None:
    needed = (task.parameters, *(each.manifest for each in task.inputs), *(each.manifest for each in task.foreach))
    if not all(map(store.blobs.has, dict.fromkeys(needed))):
        raise DockerflowError(
            f"what task {past.pathspec} received is no longer in the store `{store.name}`",
            "take the inputs of another run with `--from`, or run the flow again",
        )


def _new_parameters(store: Store, loaded: LoadedFlow, started: RunStarted) -> dict[str, object]:
    """Of the flow's parameters those that the past run had not: their defaults."""
    kept = manifest.read(store.blobs, started.parameters).artifacts
    new = tuple(each for each in loaded.flow.parameters if each.attribute not in kept)
    required = next((each for each in new if each.required), None)
    if required is not None:
        raise CommandLineError(
            f"parameter `{required.name}` is required, and run `{started.flow}/{started.run_id}` had none",
            "give it a default",
        )
    return resolve(replace(loaded, flow=replace(loaded.flow, parameters=new)), {}) if new else {}


def _artifacts_of(file: Path) -> dict[str, Any]:
    if not file.is_file():
        what = "is no file" if file.exists() else "does not exist"
        raise CommandLineError(f"`{file}` {what}", "name a Python file that has a dictionary ARTIFACTS")
    try:
        found = runpy.run_path(str(file)).get("ARTIFACTS")
    except Exception as error:
        raise CommandLineError(f"`{file}` does not run: {type(error).__name__}: {error}") from error
    if not isinstance(found, dict) or not all(isinstance(name, str) for name in found):
        raise CommandLineError(
            f"`{file}` has no dictionary ARTIFACTS with names for keys", 'write `ARTIFACTS = {"name": value}`'
        )
    return found


def _with_artifacts(store: Store, task: RunTask, values: Mapping[str, Any]) -> RunTask:
    """The same with other inputs. Raises CommandLineError for a step that has none."""
    if not task.inputs:
        raise CommandLineError(
            f"step `{task.step}` is the first: it has no inputs that `--artifacts-module` could change",
            "run the flow with other parameters",
        )
    blobs = store.blobs
    changed = tuple(
        replace(each, manifest=manifest.write(blobs, values, manifest.read(blobs, each.manifest).artifacts))
        for each in task.inputs
    )
    return replace(task, inputs=changed)


def _print(line: LogLine) -> None:
    stream = sys.stderr if line.stream == "stderr" else sys.stdout
    print(line.text, end="\n" if line.ended else "", file=stream, flush=True)


# ---- what it gave


def _told(chosen: Chosen, store: Store, past: Past, found: Spun) -> int:
    left = manifest.read(found.blobs, found.manifest).artifacts if found.manifest else {}
    latest = past.task.latest
    before = manifest.read(store.blobs, latest.manifest).artifacts if latest and latest.manifest else {}
    rows = list(_rows(chosen.step, found.blobs, left, before, found.failure is None))
    if rows:
        print(f"\nbeside {past.pathspec}:" if before else "")
        print_table(rows)
    if found.failure is not None:
        if found.failure.traceback:
            print(f"\n{found.failure.traceback.rstrip()}\n", file=sys.stderr)
        show_error(
            DockerflowError(
                f"step `{chosen.step}` failed: {sentences.reason(found.failure)}", found.failure.hint or None
            ),
            sys.stderr,
        )
        return 1
    to = ", ".join(f"`{each}`" for each in found.following)
    print(f"\nstep `{chosen.step}` done in {duration(found.seconds)}{f'; {to} would follow' if to else ''}")
    return 0


def _rows(step: str, blobs: BlobStore, left: Refs, before: Refs, ended: bool) -> Iterator[tuple[str, ...]]:
    """What the step made, and what is another than it was; what it only passes on is not shown. `ended`: it came to
    its end, so that nothing more follows."""
    for name in sorted(left.keys() | before.keys()):
        now, then = left.get(name), before.get(name)
        if name.startswith("_") or (now is not None and now.step != step and then is not None and _same(now, then)):
            continue
        if now is None and then is not None and ended:
            yield f"  {name}", then.type, "", "", "no longer set"
        elif now is not None and (now.step == step or then is not None):
            yield f"  {name}", now.type, size(now.size), _shown(blobs, now), _compared(now, then, bool(before))


def _compared(now: ArtifactRef, then: ArtifactRef | None, compared: bool) -> str:
    if not compared:
        return ""
    return "new" if then is None else "same" if _same(now, then) else "differs"


def _same(now: ArtifactRef, then: ArtifactRef) -> bool:
    return now.sha256 == then.sha256


def _shown(blobs: BlobStore, ref: ArtifactRef) -> str:
    if ref.size >= LARGEST:
        return ""
    try:
        text = repr(manifest.load(blobs, ref))
    except Exception:  # noqa: BLE001 - a value of the user's may do anything, or need what is not here
        return ""
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
