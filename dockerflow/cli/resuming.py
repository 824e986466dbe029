"""`resume`: which run is resumed, from which step, and what of it holds for the new run.

Its parameters and configs are kept; the code is that of now. What does not depend on the code is found out before the
flow's file is imported: a config may decide what that import gives.
"""

from __future__ import annotations

import ast
import sys
from dataclasses import replace
from pathlib import Path

from dockerflow.cli.errors import CommandLineError
from dockerflow.cli.flows import load_flow
from dockerflow.cli.places import store_of_runs, with_all
from dockerflow.cli.running import Chosen, launch_and_tell, with_hosts
from dockerflow.client.errors import not_found
from dockerflow.errors import DockerflowError
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
from dockerflow.store.records import RunStarted
from dockerflow.store.tags import new_tags


@dataclass(frozen=True)
class Wanted:
    """What to resume: a run by its id, or the flow's latest; the step to run again, or what failed. `given` is what the
    command line adds to the file; the values of the configs are the origin's.
    """

    origin_run_id: str | None = None
    step: str | None = None
    given: Given = NOTHING

    @property
    def run_id(self) -> str | None:
        """Of the origin, which may be given as `Flow/run`, too."""
        return self.origin_run_id.rpartition("/")[2] if self.origin_run_id else None


def split_words(words: list[str], path: str) -> tuple[str, str | None]:
    """The flow file and the step among the words that are no options. Raises CommandLineError."""
    option = next((word for word in words if word.startswith("-")), None)
    if option is not None:
        raise CommandLineError(
            f"`{path}` has no option `{option}`",
            f"a resumed run keeps the parameters of the run that it resumes; `{path} --help` lists the options",
        )
    if not words:
        raise CommandLineError("the flow file is missing", f"write `{path} flow.py`")
    if len(words) > 2:
        raise CommandLineError(f"`{words[2]}` is one word too many", f"write `{path} {words[0]} [STEP]`")
    return words[0], words[1] if len(words) == 2 else None


def resume(chosen: Chosen, wanted: Wanted) -> int:
    """Resume a run and return the exit code. Raises DockerflowError."""
    new_tags(chosen.tags)
    chosen = with_hosts(chosen)
    store = with_all(store_of_runs(chosen.store, delivering=True))
    loaded = load_flow(chosen.file, chosen.flow, _given(store, chosen, wanted))
    origin = _origin(store, loaded.flow, wanted)
    check(loaded.flow, containers=chosen.engine != "process")
    with current.launching(loaded.flow, chosen.project(loaded.flow)):
        values = _new_parameters(store, loaded, origin.started)
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


def _origin(store: Store, flow: Flow, wanted: Wanted) -> Origin:
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
    if wanted.step is not None and wanted.step not in flow.steps:
        raise not_found("step", wanted.step, f"flow `{flow.name}`", flow.steps)
    seen = history.read(store, flow.name, run_id)
    if seen.started is None:
        raise DockerflowError(f"run `{flow.name}/{run_id}` has no beginning that could be read")
    if history.status_now(store, flow.name, run_id, seen) == "running":
        told = "is still running; what it has finished by now is reused"
        print(f"warning: run `{flow.name}/{run_id}` {told}", file=sys.stderr)
    return Origin(seen.started, seen, wanted.step)


def _new_parameters(store: Store, loaded: LoadedFlow, started: RunStarted) -> dict[str, object]:
    """The values of the parameters that the origin did not have: their defaults."""
    if not store.blobs.has(started.parameters):
        return {}  # launching says that they are lost
    kept = manifest.read(store.blobs, started.parameters).artifacts
    new = tuple(each for each in loaded.flow.parameters if each.attribute not in kept)
    required = next((each for each in new if each.required), None)
    if required is not None:
        raise CommandLineError(
            f"parameter `{required.name}` is required, and run `{started.flow}/{started.run_id}` had none",
            "give it a default, or start a new run",
        )
    return resolve(replace(loaded, flow=replace(loaded.flow, parameters=new)), {}) if new else {}
