"""Which runs `store verify`, `store copy` and `store sizes` are asked about."""

from __future__ import annotations

from collections.abc import Iterable

from dockerflow.cli.errors import CommandLineError
from dockerflow.client.errors import not_found
from dockerflow.housekeeping.references import RunName, every_run
from dockerflow.store import runs
from dockerflow.store.base import Store


def chosen_runs(store: Store, flow: str | None, pathspecs: Iterable[str]) -> list[RunName] | None:
    """The runs that are named by a flow (`--flow`, or a pathspec of one word) or by themselves; None: all.

    Raises NotFound, or CommandLineError for what names no run.
    """
    words = [_words(pathspec) for pathspec in pathspecs]
    if flow is not None:
        words.append([flow])
    found = [run for each in words for run in _runs(store, each)]
    return list(dict.fromkeys(found)) if words else None


def _words(pathspec: str) -> list[str]:
    words = pathspec.strip("/").split("/")
    if not all(words) or len(words) > 2:
        near = f"; `{'/'.join(words[:2])}` is the run" if all(words) else ""
        raise CommandLineError(f"`{pathspec}` names neither a flow nor a run", f"write `Flow` or `Flow/run`{near}")
    return words


def _runs(store: Store, words: list[str]) -> list[RunName]:
    flows = runs.flow_names(store)
    if words[0] not in flows:
        raise not_found("flow", words[0], f"the store `{store.name}`", flows)
    found = list(every_run(store, words[0]))
    if len(words) == 1:
        return found
    run = RunName(words[0], words[1])
    if run not in found:
        raise not_found("run", run.run_id, f"flow `{run.flow}`", [each.run_id for each in found])
    return [run]
