"""`tag add`, `remove`, `replace` and `list`: the tags of runs, with Metaflow's options."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence

from dockerflow.cli.errors import CommandLineError
from dockerflow.cli.places import store_of_runs
from dockerflow.cli.tables import print_json, print_table
from dockerflow.client import Flow, Metaflow, NamespaceMismatch, Run, default_namespace, namespace
from dockerflow.lazy_dataclasses import dataclass


@dataclass(frozen=True)
class Which:
    """The runs that are meant. `namespace` None is one's own, and an empty one is everybody's."""

    flow: str | None
    run_id: str | None
    namespace: str | None
    store: str | None


@dataclass(frozen=True)
class Listing:
    """How tags are listed."""

    mine: bool = False
    hide_system: bool = False
    by_tag: bool = False
    by_run: bool = False
    flat: bool = False
    json: bool = False


# ---- changes


def add(which: Which, tags: Sequence[str], as_json: bool) -> int:
    """Raises TaggingError, NotFound, NamespaceMismatch."""
    return _changed(which, lambda run: run.add_tags(tags), as_json)


def remove(which: Which, tags: Sequence[str], as_json: bool) -> int:
    return _changed(which, lambda run: run.remove_tags(tags), as_json)


def replace(which: Which, removed: Sequence[str], added: Sequence[str], as_json: bool) -> int:
    for given, option, other in ((removed, "--remove", "add"), (added, "--add", "remove")):
        if not given:
            raise CommandLineError(f"`tag replace` needs `{option}`", f"to {other} tags alone, use `tag {other}`")
    return _changed(which, lambda run: run.replace_tags(removed, added), as_json)


def _changed(which: Which, change: Callable[[Run], None], as_json: bool) -> int:
    run = _run(which)
    change(run)
    if as_json:
        print_json(_told(run, hide_system=False))
    else:
        print(f"{run.pathspec} has these tags now")
        print_table(_rows(run.user_tags, run.system_tags), indent="  ")
    return 0


def _run(which: Which) -> Run:
    """The one run that is meant, in the namespace."""
    store = store_of_runs(which.store)
    _look_at(which.namespace)
    flow, run_id = _named(which)
    if run_id is None:
        latest = Flow(flow, store=store).latest_run if flow else None
        hint = f"the latest of `{flow}` is `--run-id {latest.id}`" if latest else "name it as `--run-id Flow/ID`"
        raise CommandLineError("no run is named", hint)
    try:
        return Run(f"{flow}/{run_id}", store=store)
    except NamespaceMismatch as error:
        tags = Run(f"{flow}/{run_id}", store=store, _namespace_check=False).system_tags
        user = next((tag for tag in sorted(tags) if tag.startswith("user:")), "user:NAME")
        hint = f"look there with `--namespace {shlex.quote(user)}`, or in all with `--namespace ''`"
        raise NamespaceMismatch(error.message, hint) from error


def _named(which: Which) -> tuple[str | None, str | None]:
    """The flow and the run: a run's id may be given with its flow before it."""
    if which.run_id is None or "/" not in which.run_id:
        if which.run_id is not None and which.flow is None:
            if not which.run_id.isdigit():
                hint = f"write `Flow/ID`; `tag list --flow {which.run_id}` lists the tags of a flow's runs"
                raise CommandLineError(f"`{which.run_id}` is no run", hint)
            hint = f"name its flow too: `--run-id Flow/{which.run_id}`"
            raise CommandLineError(f"`{which.run_id}` may be a run of any flow", hint)
        return which.flow, which.run_id
    flow, _, run_id = which.run_id.partition("/")
    if "/" in run_id or not run_id or which.flow not in (None, flow):
        of = f" of `{which.flow}`" if which.flow else ""
        raise CommandLineError(f"`{which.run_id}` is no run{of}", "write `ID` or `Flow/ID`")
    return flow, run_id


def _look_at(chosen: str | None) -> None:
    if chosen is None:
        default_namespace()
    else:
        namespace(chosen or None)


# ---- list


def list_tags(which: Which, asked: Listing) -> int:
    """Print the tags of one run, or of all that are meant."""
    if asked.flat + asked.by_tag + asked.by_run > 1:
        raise CommandLineError("`--flat`, `--group-by-tag` and `--group-by-run` exclude each other")
    runs = list(_runs(which, asked.mine))
    if asked.by_tag:
        _print_by_tag(runs, asked)
    elif asked.json:
        print_json([_told(run, asked.hide_system) for run in runs])
    elif asked.flat:
        for tag, _ in _of(runs, asked):
            print(tag)
    elif asked.by_run:
        for run in runs:
            print(run.pathspec)
            print_table(_rows(run.user_tags, () if asked.hide_system else run.system_tags) or [("no tags",)], "  ")
    else:
        print_table([("tag", "of"), *_of(runs, asked)])
    return 0


def _runs(which: Which, mine: bool) -> Iterator[Run]:
    store = store_of_runs(which.store)
    flow, run_id = _named(which)
    _look_at(None if mine else "")
    if run_id is not None:
        yield Run(f"{flow}/{run_id}", store=store)
    elif flow is not None:
        try:
            yield from Flow(flow, store=store)
        except NamespaceMismatch as error:
            raise NamespaceMismatch(error.message, "leave out `--my-runs` for the runs of all users") from error
    else:
        for each in Metaflow(store=store):
            yield from each


def _of(runs: Iterable[Run], asked: Listing) -> list[tuple[str, str]]:
    """The tags of several runs, each once, the user's first."""
    user = frozenset[str]().union(*(run.user_tags for run in runs))
    system = frozenset[str]() if asked.hide_system else frozenset[str]().union(*(run.system_tags for run in runs))
    return _rows(user, system)


def _rows(user: Iterable[str], system: Iterable[str]) -> list[tuple[str, str]]:
    return [*((tag, "user") for tag in sorted(user)), *((tag, "system") for tag in sorted(system))]


def _print_by_tag(runs: Iterable[Run], asked: Listing) -> None:
    found: dict[tuple[str, str], list[str]] = {}
    for run in runs:
        for row in _rows(run.user_tags, () if asked.hide_system else run.system_tags):
            found.setdefault(row, []).append(run.pathspec)
    if asked.json:
        print_json([{"tag": tag, "of": kind, "runs": names} for (tag, kind), names in sorted(found.items())])
        return
    for (tag, kind), names in sorted(found.items(), key=lambda one: (one[0][1] == "system", one[0])):
        print(f"{tag}  ({kind})")
        for name in names:
            print(f"  {name}")


def _told(run: Run, hide_system: bool) -> dict[str, object]:
    told: dict[str, object] = {"run": run.pathspec, "tags": sorted(run.user_tags)}
    return told if hide_system else {**told, "system_tags": sorted(run.system_tags)}
