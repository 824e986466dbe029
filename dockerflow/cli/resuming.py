"""`resume`: which run is resumed, from which step, and what of it holds for the new run.

Its configs are kept, and its parameters, unless others are given: then none of what is reused may have read them. The
code is that of now. What does not depend on the code is found out before the flow's file is imported: a config may
decide what that import gives.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from dockerflow.cli import changing, options
from dockerflow.cli.errors import CommandLineError
from dockerflow.cli.flows import load_flow
from dockerflow.cli.places import place_of, store_of_runs, with_all
from dockerflow.cli.running import Chosen, launch_and_tell, with_hosts
from dockerflow.client.errors import not_found
from dockerflow.flow.checks import check
from dockerflow.flow.current import current
from dockerflow.flow.definition import Flow
from dockerflow.flow.given import NOTHING, Given
from dockerflow.flow.loading import LoadedFlow
from dockerflow.flow.parameters import resolve
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.scheduler.origin import Origin
from dockerflow.store import code_package, history, journal, manifest, runs
from dockerflow.store.base import Store
from dockerflow.store.manifest import ArtifactRef
from dockerflow.store.records import RunStarted
from dockerflow.store.tags import new_tags


@dataclass(frozen=True)
class Wanted:
    """What to resume: a run by its id, or the flow's latest. `given` is what the command line adds to the file; the
    values of the configs are the origin's.
    """

    origin_run_id: str | None = None
    given: Given = NOTHING

    @property
    def run_id(self) -> str | None:
        """Of the origin, which may be given as `Flow/run`, too."""
        return self.origin_run_id.rpartition("/")[2] if self.origin_run_id else None


def resume(chosen: Chosen, wanted: Wanted, command: Callable[..., Any], path: str) -> int:
    """Resume a run and return the exit code; `command` and `path` are what help texts name. Raises DockerflowError."""
    new_tags(chosen.tags)
    chosen = with_hosts(chosen)
    if options.HELP in chosen.words:  # which needs no store
        options.of_resume(load_flow(chosen.file, chosen.flow, wanted.given).flow, chosen.words, command, path)
        return 0
    store = with_all(store_of_runs(chosen.store, delivering=True))
    loaded = load_flow(chosen.file, chosen.flow, _given(store, chosen, wanted))
    asked = options.of_resume(loaded.flow, chosen.words, command, path)
    if asked is None:
        return 0
    origin = _origin(store, loaded.flow, wanted, asked.step)
    check(loaded.flow, containers=chosen.engine != "process")
    with current.launching(loaded.flow, chosen.project(loaded.flow)):
        values = _new_values(store, loaded, origin.started, asked.texts)
    origin = replace(origin, changed=tuple(name for name in _kept(store, origin.started) if name in values))
    changing.require_unread(origin, loaded.flow, changing.Again(chosen, wanted.origin_run_id, asked, place_of(store)))
    return launch_and_tell(chosen, loaded, values, origin)


def _given(store: Store, chosen: Chosen, wanted: Wanted) -> Given:
    """What is given anew with the origin's configs, which are among its parameters; `--with` is said of a run, and not
    kept.

    Nothing is read of an origin that cannot be found: what to say of it is known when the flow is.
    """
    flow = chosen.flow or _flow_with_runs(store, chosen.file)
    ids = runs.run_ids(store, flow) if flow else []
    run_id = wanted.run_id or next(iter(ids), None)
    started = journal.first(store, flow, run_id) if flow and run_id in ids and run_id else None
    if not isinstance(started, RunStarted) or not store.blobs.has(started.code):
        return wanted.given
    return replace(wanted.given, values=code_package.given(bytes(store.blobs.get(started.code))).values)


def _flow_with_runs(store: Store, file: str) -> str | None:
    """The class of a file, which is not imported, that is the name of a flow with runs, if it is the only one."""
    try:
        classes = [node.name for node in ast.parse(Path(file).read_bytes()).body if isinstance(node, ast.ClassDef)]
    except (OSError, SyntaxError, ValueError):  # loading says it better
        return None
    found = set(classes) & set(runs.flow_names(store))
    return found.pop() if len(found) == 1 else None


def _origin(store: Store, flow: Flow, wanted: Wanted, step: str | None) -> Origin:
    ids = runs.run_ids(store, flow.name)
    if not ids:
        hint = "run it first; another store can be named with `--store`"
        raise CommandLineError(f"there is no run of flow `{flow.name}` to resume in the store `{store.name}`", hint)
    run_id = wanted.run_id or ids[0]
    of_flow = wanted.origin_run_id.rpartition("/")[0] if wanted.origin_run_id else ""
    if of_flow not in ("", flow.name):
        raise CommandLineError(
            f"`{wanted.origin_run_id}` is a run of flow `{of_flow}`, and this is flow `{flow.name}`",
            f"name a run of `{flow.name}`; `dockerflow runs list {flow.name}` lists them",
        )
    if run_id not in ids:
        raise not_found("run", run_id, f"flow `{flow.name}`", ids)
    if step is not None and step not in flow.steps:
        raise not_found("step", step, f"flow `{flow.name}`", flow.steps)
    seen = history.read(store, flow.name, run_id)
    if seen.started is None:
        raise history.no_beginning(f"{flow.name}/{run_id}")
    if history.status_now(store, flow.name, run_id, seen) == "running":
        told = "is still running; what it has finished by now is reused"
        print(f"warning: run `{flow.name}/{run_id}` {told}", file=sys.stderr)
    return Origin(seen.started, seen, step)


def _kept(store: Store, started: RunStarted) -> Mapping[str, ArtifactRef]:
    """The parameters and configs of the origin; none where they are lost, which launching says."""
    there = store.blobs.has(started.parameters)
    return manifest.read(store.blobs, started.parameters).artifacts if there else {}


def _new_values(store: Store, loaded: LoadedFlow, started: RunStarted, texts: Mapping[str, str]) -> dict[str, object]:
    """Values of what the origin had not: those given, or their defaults; and those given for what it had, if they are
    others."""
    from dockerflow.scheduler.changed import differing

    if not store.blobs.has(started.parameters):
        return {}
    kept, flow = _kept(store, started), loaded.flow
    needed = tuple(each for each in flow.parameters if each.attribute not in kept or each.name in texts)
    required = next((each for each in needed if each.required and each.name not in texts), None)
    if required is not None:
        raise CommandLineError(
            f"parameter `{required.name}` is required, and run `{started.flow}/{started.run_id}` had none",
            f"give it with `--{required.name} VALUE`, or a default in the flow",
        )
    values = resolve(replace(loaded, flow=replace(flow, parameters=needed)), texts)
    configs = {each.attribute for each in flow.configs} & set(kept)
    return differing({name: value for name, value in values.items() if name not in configs}, kept)
