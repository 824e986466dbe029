"""`rerun`: run a past run once more, from its record alone, and say what came out the same.

Nothing is asked of this machine but an engine: the code, the parameters and the images are those of the record. The
flow's file is unpacked into a folder of its own and imported from there, as it was on the machine of then.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from dockerflow.cli import reproduction
from dockerflow.cli.changing import refusals
from dockerflow.cli.errors import DIFFERENT, CommandLineError, nearest
from dockerflow.cli.pathspecs import select
from dockerflow.cli.places import store_of_runs, with_all
from dockerflow.cli.reproduction import Reproduction
from dockerflow.cli.running import Chosen, launched, with_hosts
from dockerflow.client.errors import not_found
from dockerflow.comparing.artifacts import Side
from dockerflow.flow.checks import check
from dockerflow.flow.current import current
from dockerflow.flow.loading import LoadedFlow, load
from dockerflow.flow.parameters import resolve
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.scheduler.changed import differing, rerun_from
from dockerflow.scheduler.origin import Origin, Reproduced
from dockerflow.store import code_package, history, manifest
from dockerflow.store.base import Store
from dockerflow.store.errors import StoreError
from dockerflow.store.history import RunHistory
from dockerflow.store.records import RunStarted
from dockerflow.store.tags import new_tags


@dataclass(frozen=True)
class Wanted:
    """What to run again: the run, from which step, with which parameters in place of its own (as `name=value`), whether
    in other images, and to which file the report goes."""

    pathspec: str
    first: str | None = None
    parameters: tuple[str, ...] = ()
    allow_rebuilt: bool = False
    json_to: str | None = None


@dataclass(frozen=True)
class _Past:
    """The run, which was read while it may still have been running."""

    store: Store
    started: RunStarted
    history: RunHistory

    @property
    def name(self) -> str:
        return f"{self.started.flow}/{self.started.run_id}"

    @property
    def engine(self) -> str:
        """Steps that had no images ran as processes."""
        return "docker" if any(step.image for step in self.started.steps) else "process"


def rerun(chosen: Chosen, wanted: Wanted) -> int:
    """Run it, print the report, and return the exit code. Raises DockerflowError."""
    new_tags(chosen.tags)
    reproduction.require_writable(wanted.json_to)
    given = _texts(wanted.parameters)
    past = _past(with_all(store_of_runs(chosen.store, delivering=True)), wanted)
    chosen = with_hosts(replace(chosen, engine=past.engine))
    code = _code(past)
    with _unpacked(past, code) as loaded:
        _require_step(past, loaded, wanted.first)
        check(loaded.flow, containers=past.engine != "process")
        with current.launching(loaded.flow, chosen.project(loaded.flow)):
            values = _values(past, loaded, given)
        origin = Origin(past.started, past.history, wanted.first, tuple(values))
        _require_unread(past, loaded, origin, chosen)
        reproduced = Reproduced(past.started, code, wanted.allow_rebuilt)
        outcome, exit_code = launched(chosen, loaded, values, origin, reproduced)
    if outcome.status == "stopped" or outcome.kept is not None:
        return exit_code
    identical = _reproduction(chosen, past, outcome.run_id).report(wanted.json_to)
    return exit_code or (0 if identical else DIFFERENT)


def _past(store: Store, wanted: Wanted) -> _Past:
    words = wanted.pathspec.strip("/").split("/")
    if len(words) > 2 and all(words):
        run = "/".join(words[:2])
        raise CommandLineError(
            f"`{wanted.pathspec}` names more than a run",
            f"`dockerflow rerun {run} --from {words[2]}` runs it again from that step on",
        )
    seen = select(store, wanted.pathspec).run
    if seen.started is None:
        raise history.no_beginning(wanted.pathspec.strip("/"))
    past = _Past(store, seen.started, seen)
    if history.status_now(store, past.started.flow, past.started.run_id, seen) == "running":
        print(f"warning: run `{past.name}` is still running; the report will say what it has not", file=sys.stderr)
    return past


def _code(past: _Past) -> bytes:
    try:
        return bytes(past.store.blobs.get(past.started.code))
    except StoreError as error:
        message = f"the code of run `{past.name}` is lost: {error.message}"
        raise StoreError(message, "`dockerflow run` runs the flow from its file") from error


@contextmanager
def _unpacked(past: _Past, code: bytes) -> Iterator[LoadedFlow]:
    with TemporaryDirectory(prefix="dockerflow-rerun-") as folder:
        code_package.unpack(code, folder)
        file = Path(folder) / code_package.USER / past.started.flow_file
        # What its decorators name lay beside the file then; the record has what came of it.
        yield load(file, past.started.flow, given=code_package.given(code), files=False)


def _require_step(past: _Past, loaded: LoadedFlow, step: str | None) -> None:
    if step is not None and step not in loaded.flow.steps:
        raise not_found("step", step, f"run `{past.name}`", loaded.flow.steps)


def _texts(words: Sequence[str]) -> dict[str, str]:
    """By the parameter's name. Raises CommandLineError."""
    found: dict[str, str] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not name.strip("-") or not equals:
            raise CommandLineError(f"`--param {word}` gives no parameter a value", "write `--param NAME=VALUE`")
        found[name.lstrip("-").lower().replace("-", "_")] = text
    return found


def _values(past: _Past, loaded: LoadedFlow, given: Mapping[str, str]) -> dict[str, object]:
    """Of the parameters that are given another value, by attribute; those of the run are kept for the others, and not
    read."""
    known = {each.name.lower().replace("-", "_"): each for each in loaded.flow.parameters}
    for name in given:
        if name not in known:
            near = nearest(name, known)
            has = ", ".join(f"`{each.name}`" for each in loaded.flow.parameters)
            hint = (
                f"did you mean `--param {known[near].name}=…`?" if near else f"it has {has}" if has else "it has none"
            )
            raise CommandLineError(f"flow `{loaded.flow.name}` has no parameter `{name}`", hint)
    anew = tuple(each for name, each in known.items() if name in given)
    values = resolve(replace(loaded, flow=replace(loaded.flow, parameters=anew, configs=())), given)
    blobs = past.store.blobs
    kept = manifest.read(blobs, past.started.parameters).artifacts if blobs.has(past.started.parameters) else {}
    return differing({each.attribute: values[each.attribute] for each in anew}, kept)


def _require_unread(past: _Past, loaded: LoadedFlow, origin: Origin, chosen: Chosen) -> None:
    """Raises CommandLineError where a result would be reused whose task may have read another value."""
    if origin.rerun is None or not origin.changed:
        return
    refused, steps = refusals(origin, loaded.flow, chosen.max_num_splits)
    if refused:
        first = rerun_from(loaded.flow, steps | {origin.rerun})
        again = f"`dockerflow rerun {past.name} --from {first}` with the same parameters runs all that has read them"
        raise CommandLineError("\n".join(refused), again)


def _reproduction(chosen: Chosen, past: _Past, run_id: str) -> Reproduction:
    store = store_of_runs(chosen.store, delivering=True)
    name = past.started.flow
    first = history.read(past.store, name, past.started.run_id)
    return Reproduction(Side(past.store, first), Side(store, history.read(store, name, run_id)))
