"""`store verify`: what was looked at, and for each fault what it hurts and what to do."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from dockerflow.cli.chosen_runs import chosen_runs
from dockerflow.cli.meter import meter
from dockerflow.cli.places import store_of_runs
from dockerflow.cli.tables import print_json
from dockerflow.cli.words import counted, listed, size
from dockerflow.housekeeping.verify import DAMAGED, MISSING, Fault, Seen, Verified, delete_damaged, verify
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.store.base import Store

# Something is wrong.
FAULTY = 1

# Of what uses a blob, so much is shown; all of it with `--json`.
SHOWN = 5


@dataclass(frozen=True)
class Wanted:
    flow: str | None
    pathspecs: tuple[str, ...]
    delete_damaged: bool = False
    as_json: bool = False
    store: str | None = None


def verify_store(wanted: Wanted) -> int:
    """Print what is wrong; exit code 1 if anything is. Raises NotFound for what is not there."""
    store = store_of_runs(wanted.store)
    selected = chosen_runs(store, wanted.flow, wanted.pathspecs)
    with meter(sys.stderr) as shown:
        found = verify(store, selected, lambda seen: shown.tell(f"verified {_sum(seen)}"))
    deleted = set(delete_damaged(store, found)) if wanted.delete_damaged else set()
    if wanted.as_json:
        print_json(_as_json(store, found, deleted))
    else:
        _print(store, found, deleted)
    return FAULTY if found.faults else 0


def _print(store: Store, found: Verified, deleted: set[str]) -> None:
    for fault in found.faults:
        print(f"{fault.kind}: {fault.error.message}")
        for line in _about(fault):
            print(f"  {line}")
        print(f"  hint: {_hint(fault, fault.blob in deleted)}\n")
    told = f"{counted(len(found.faults), 'fault')} found" if found.faults else "all is as it was written"
    print(f"verified {_sum(found.seen)} of `{store.name}`: {told}")


def _sum(seen: Seen) -> str:
    return f"{counted(seen.runs, 'run')}, {counted(seen.blobs, 'blob')} ({size(seen.size)})"


def _about(fault: Fault) -> Iterator[str]:
    if not fault.blob:
        yield f"of run {fault.runs[0]}"
        return
    if not fault.uses:
        yield "no run that can be read uses it"
    for use in fault.uses[:SHOWN]:
        yield f"{use.what} of {use.pathspec}"
    if len(fault.uses) > SHOWN:
        yield f"and {len(fault.uses) - SHOWN:,} more, `dockerflow store uses {fault.blob}` lists all"
    if len(fault.runs) > 1:
        yield f"used by {counted(len(fault.runs), 'run')}: {listed(tuple(map(str, fault.runs)))}"


def _hint(fault: Fault, deleted: bool) -> str:
    if not fault.blob:
        return fault.error.hint or "what the run has stored may still be there as blobs"
    if not fault.uses:
        return "removed" if deleted else "nobody misses it: `dockerflow gc` removes what no run uses"
    again = (
        f"`dockerflow resume FLOW.PY --origin-run-id {fault.runs[0].run_id}` computes it again; where another store "
        "has the run, `dockerflow store copy` brings it back"
    )
    if fault.kind == MISSING or deleted:
        return f"removed; {again}" if deleted else again
    if fault.kind == DAMAGED:
        return f"remove it with `dockerflow store verify --delete-damaged`; then {again}"
    return "see the disk, or the dockerflow that wrote it: a newer one may be needed to read it"


def _as_json(store: Store, found: Verified, deleted: set[str]) -> dict[str, object]:
    return {
        "store": store.name,
        **found.seen._asdict(),
        "faults": [
            {
                "kind": fault.kind,
                "blob": fault.blob or None,
                "message": fault.error.message,
                "hint": _hint(fault, fault.blob in deleted),
                "uses": [{"pathspec": use.pathspec, "what": use.what} for use in fault.uses],
                "runs": [str(run) for run in fault.runs],
                "deleted": fault.blob in deleted,
            }
            for fault in found.faults
        ],
    }
