"""`store sizes`: flows, the runs of one, or the largest artifacts of one run or task."""

from __future__ import annotations

import sys
from dataclasses import asdict

from dockerflow.cli.errors import CommandLineError
from dockerflow.cli.meter import meter
from dockerflow.cli.pathspecs import Selection, select
from dockerflow.cli.places import store_of_runs
from dockerflow.cli.tables import print_json, print_table
from dockerflow.cli.words import counted, size
from dockerflow.client.errors import not_found
from dockerflow.housekeeping.references import RunName
from dockerflow.housekeeping.sizes import Artifact, Room, Sizes, artifacts_of, sizes
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.store.base import Store

# So many artifacts are shown; all of them with `--json`.
SHOWN = 20


@dataclass(frozen=True)
class Wanted:
    """`flow` or `pathspec`, or neither; a pathspec of one word is a flow."""

    flow: str | None
    pathspec: str | None
    as_json: bool = False
    store: str | None = None


def show_sizes(wanted: Wanted) -> int:
    """Raises NotFound, or CommandLineError for what is no pathspec."""
    if wanted.flow is not None and wanted.pathspec is not None:
        raise CommandLineError("`--flow` and a pathspec are given", "one of them is enough")
    store = store_of_runs(wanted.store)
    words = (wanted.pathspec or wanted.flow or "").strip("/").split("/")
    chosen = select(store, wanted.pathspec) if wanted.pathspec and len(words) > 1 else None
    artifacts = artifacts_of(store, RunName(*words[:2]), *words[2:]) if chosen else []
    with meter(sys.stderr) as shown:
        found = sizes(store, lambda done: shown.tell(f"read {counted(done, 'run')}"))
    if words[0] and words[0] not in found.flows:
        raise not_found("flow", words[0], f"the store `{store.name}`", found.flows)
    rooms = _rooms(found, words, chosen)
    if wanted.as_json:
        print_json(_as_json(store, found, rooms, artifacts))
        return 0
    _print(rooms, found, whole=not words[0])
    _print_artifacts(artifacts)
    _warn(found)
    return 0


def _rooms(found: Sizes, words: list[str], chosen: Selection | None) -> dict[str, Room]:
    """What is shown, by name."""
    if chosen is not None:
        run = RunName(chosen.flow, chosen.run_id)
        return {str(run): found.runs.get(run, Room())}
    if words[0]:
        return {str(run): room for run, room in found.runs.items() if run.flow == words[0]}
    return dict(found.flows)


def _print(rooms: dict[str, Room], found: Sizes, whole: bool) -> None:
    rows = [_row(name, room) for name, room in rooms.items()]
    if whole:
        rows += [_row("no run's", found.unused), _row("all", found.all)]
    print_table([("flow" if whole else "run", "blobs", "size", "its own"), *rows])


def _row(name: str, room: Room) -> tuple[str, ...]:
    return (name, f"{room.blobs:,}", size(room.size + room.objects), size(room.free_without))


def _print_artifacts(artifacts: list[Artifact]) -> None:
    if not artifacts:
        return
    print()
    rows = [(each.pathspec, size(each.size), each.type) for each in artifacts[:SHOWN]]
    print_table([("artifact", "size", "type"), *rows])
    if len(artifacts) > SHOWN:
        print(f"and {counted(len(artifacts) - SHOWN, 'smaller one')}")


def _warn(found: Sizes) -> None:
    faults = []
    if found.missing:
        faults.append(f"{counted(found.missing, 'blob')} that runs use {'is' if found.missing == 1 else 'are'} missing")
    if found.unreadable:
        hurt = counted(len({each.run for each in found.unreadable}), "run")
        faults.append(f"of {hurt} the journal or a list of artifacts cannot be read")
    if faults:
        print(f"warning: {', and '.join(faults)}: see `dockerflow store verify`", file=sys.stderr)


def _as_json(store: Store, found: Sizes, rooms: dict[str, Room], artifacts: list[Artifact]) -> dict[str, object]:
    flows = {name.partition("/")[0] for name in rooms}
    shown = {str(run): room for run, room in found.runs.items() if not {str(run), run.flow}.isdisjoint(rooms)}
    return {
        "store": store.name,
        "all": _room(found.all),
        "unused": _room(found.unused),
        "missing": found.missing,
        "unreadable": [str(each.run) for each in found.unreadable],
        "flows": {name: _room(room) for name, room in found.flows.items() if name in flows},
        "runs": {name: _room(room) for name, room in shown.items()},
        "artifacts": [asdict(each) for each in artifacts],
    }


def _room(room: Room) -> dict[str, int]:
    return {**asdict(room), "free_without": room.free_without}
