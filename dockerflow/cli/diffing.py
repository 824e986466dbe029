"""`diff`: two runs beside each other, part by part."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

from dockerflow.cli.errors import DIFFERENT, CommandLineError, nearest
from dockerflow.cli.looking import in_images
from dockerflow.cli.places import store_of_runs
from dockerflow.cli.runs_shown import for_programs
from dockerflow.cli.tables import print_json, print_table
from dockerflow.client.errors import not_found
from dockerflow.comparing.artifacts import Side
from dockerflow.comparing.sections import SECTIONS, Asked, Section, sections
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.store import history, runs
from dockerflow.store.base import Store
from dockerflow.store.errors import StoreError


@dataclass(frozen=True)
class Wanted:
    """As the command line has it."""

    only: frozenset[str] = frozenset()
    artifacts: frozenset[str] = frozenset()
    every: bool = False
    in_image: bool = False
    as_json: bool = False


def names(text: str) -> frozenset[str]:
    return frozenset(name.strip() for name in text.split(",") if name.strip())


def diff(named: tuple[str, str], wanted: Wanted, stores: tuple[str | None, str | None]) -> int:
    """Print what differs; 0 if nothing that counts does. Raises CommandLineError, NotFound, StoreError."""
    only = _parts(wanted)
    store = store_of_runs(stores[0])
    other = store if stores[1] is None else _other_store(stores[1])
    flow, run_id = _run(store, named[0], None)
    other_flow, other_id = _run(other, named[1], flow)
    first, second = _side(store, flow, run_id), _side(other, other_flow, other_id)
    both = (f"{flow}/{run_id}", f"{other_flow}/{other_id}")
    with ExitStack() as stack:
        texts = None
        if wanted.in_image:
            texts = (stack.enter_context(in_images(store)), stack.enter_context(in_images(other)))
        found = sections(first, second, Asked(only, wanted.artifacts, wanted.every, texts))
        shown = _as_json(both, found) if wanted.as_json else _as_text(both, found)
    return 0 if shown else DIFFERENT


def _other_store(named: str) -> Store:
    try:
        return store_of_runs(named)
    except StoreError as error:
        error.hint = error.hint and error.hint.replace("`--store`", "`--other-store`")
        raise


def _parts(wanted: Wanted) -> frozenset[str]:
    for name in sorted(wanted.only - set(SECTIONS)):
        near = nearest(name, SECTIONS)
        hint = f"did you mean `{near}`?" if near else f"they are {', '.join(f'`{each}`' for each in SECTIONS)}"
        raise CommandLineError(f"`{name}` is no part of what is compared", hint)
    if wanted.only and "artifacts" not in wanted.only and (wanted.artifacts or wanted.in_image or wanted.every):
        option = "--artifacts" if wanted.artifacts else "--in-image" if wanted.in_image else "--all"
        raise CommandLineError(f"`{option}` is about artifacts, which `--only` leaves out", "leave one of the two out")
    return wanted.only or (frozenset({"artifacts"}) if wanted.artifacts else frozenset())


def _run(store: Store, named: str, flow: str | None) -> tuple[str, str]:
    """The run that is meant by `Flow/ID`, or by its ID alone: of this flow, or of the only one that has it."""
    words = named.strip("/").split("/")
    if not all(words) or len(words) > 2:
        near = f"; `{'/'.join(words[:2])}` is the run" if all(words) else ""
        raise CommandLineError(f"`{named}` names no run", f"write `Flow/ID`, or the run's ID alone{near}")
    flows = runs.flow_names(store)
    if len(words) == 2:
        if words[0] not in flows:
            raise not_found("flow", words[0], f"the store `{store.name}`", flows)
        flows = [words[0]]
    elif words[0] in flows:
        newest = runs.run_ids(store, words[0])
        hint = f"the newest is `{words[0]}/{newest[0]}`" if newest else "it has no runs"
        raise CommandLineError(f"`{named}` is a flow, and names no run", hint)
    having = [each for each in flows if runs.has_begun(store, each, words[-1])]
    if flow in having or len(having) == 1:
        return flow if flow in having and flow else having[0], words[-1]
    if having:
        several = ", ".join(f"`{each}/{words[-1]}`" for each in having)
        raise CommandLineError(f"`{named}` may be one of several runs: {several}", "name it with its flow")
    known = [each for other in flows for each in runs.run_ids(store, other)]
    where = f"flow `{flows[0]}`" if len(words) == 2 else f"the store `{store.name}`"
    raise not_found("run", words[-1], where, known)


def _side(store: Store, flow: str, run_id: str) -> Side:
    found = history.read(store, flow, run_id)
    if found.started is None:
        raise history.no_beginning(f"{flow}/{run_id}")
    if history.status_now(store, flow, run_id, found) == "running":
        print(f"note: run `{flow}/{run_id}` goes on: what it has so far is compared", file=sys.stderr)
    return Side(store, found)


# ---- how it is shown


def _as_text(both: tuple[str, str], found: Iterator[Section]) -> bool:
    """Each part when it is known; whether all that counts is the same."""
    print(" → ".join(both))
    same = True
    for section in found:
        _print(section)
        same = same and section.same is not False
    return same


def _print(section: Section) -> None:
    summary = f" {section.summary}" if section.summary else ""
    if not (summary or section.rows or section.lines):
        summary = " the same"
    print(f"\n{section.name}:{summary}", flush=True)
    for line in section.lines:
        print(f"  {line}".rstrip())
    if section.rows:
        print_table(section.rows, "  ")


def _as_json(both: tuple[str, str], found: Iterator[Section]) -> bool:
    every = list(found)
    same = all(section.same is not False for section in every)
    parts: dict[str, Any] = {section.name: {"same": section.same, **section.facts} for section in every}
    print_json(for_programs({"first": both[0], "second": both[1], "same": same, **parts}))
    return same
