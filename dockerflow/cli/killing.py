"""`runs kill`: end runs from another terminal or another machine, and say what came of it."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from dockerflow.cli.errors import CommandLineError
from dockerflow.cli.places import config_here, store_of_runs
from dockerflow.cli.words import counted
from dockerflow.client.errors import not_found
from dockerflow.flow.parameters import user_name
from dockerflow.scheduler import killing
from dockerflow.scheduler.claims import Named
from dockerflow.scheduler.killing import Killing, Told
from dockerflow.store import runs
from dockerflow.store.base import Store


def kill(named: Sequence[str], chosen: str | None) -> int:
    """End each of the runs; 1 where one could not be ended, or where something of it may be left."""
    store = store_of_runs(chosen)
    found = list(dict.fromkeys(_run(store, each) for each in named))
    end = Killing(store, config_here(), user_name())
    code = 0
    for run in found:
        for told in end(run):
            code |= _say(run, told)
    return code


def _say(run: Named, told: Told) -> int:
    """The code to exit with for it."""
    failed = isinstance(told, (killing.GoesOn, killing.NotLookedAt, killing.TakenOver))
    print(_words(run, told), file=sys.stderr if failed else sys.stdout, flush=True)
    return int(failed)


def _words(run: Named, told: Told) -> str:
    match told:
        case killing.Asked():
            return f"the scheduler of run `{run}` is told to end it"
        case killing.Over(status, reason):
            return f"run `{run}` is over: {status}{f' ({reason})' if reason else ''}"
        case killing.GoesOn(seconds):
            return f"run `{run}` goes on: its scheduler was told to end it {seconds:.0f} s ago, and has not"
        case killing.Dead():
            return f"run `{run}` is not running: its scheduler was killed"
        case killing.TakenOver(by):
            return f"what run `{run}` has left is run `{by}`'s, which goes on with it: see `dockerflow runs kill {by}`"
        case killing.Removed(host, containers):
            return f"host `{host}`: {counted(containers, 'container') if containers else 'no container'} removed"
        case killing.NotLookedAt(host, why):
            return f"host `{host}`: containers of run `{run}` may be left there: {why}"
    raise TypeError(told)


def _run(store: Store, named: str) -> Named:
    """The run that is meant by `Flow/ID`, or by its ID alone. Raises CommandLineError or NotFound."""
    flow, slash, run_id = named.strip("/").rpartition("/")
    if not run_id or "/" in flow or (slash and not flow):
        raise CommandLineError(f"`{named}` names no run", "write `Flow/ID`, or the run's ID alone")
    flows = runs.flow_names(store)
    if flow and flow not in flows:
        raise not_found("flow", flow, f"the store `{store.name}`", flows)
    if not flow and run_id in flows:
        hint = f"`dockerflow runs list --flow {run_id}` lists its runs"
        raise CommandLineError(f"`{named}` is a flow, and names no run", hint)
    having = [each for each in ([flow] if flow else flows) if runs.has_begun(store, each, run_id)]
    if len(having) == 1:
        return Named(having[0], run_id)
    if having:
        several = ", ".join(f"`{each}/{run_id}`" for each in having)
        raise CommandLineError(f"`{named}` may be one of several runs: {several}", "name it with its flow")
    known = runs.run_ids(store, flow) if flow else [each for other in flows for each in runs.run_ids(store, other)]
    raise not_found("run", run_id, f"flow `{flow}`" if flow else f"the store `{store.name}`", known)
