"""`images mirror`: keep in the store what the images of runs are made of, or give that up."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from threading import Lock

from dockerflow.cli.chosen_runs import chosen_runs
from dockerflow.cli.meter import Meter, meter
from dockerflow.cli.places import config_here, store_of_runs, with_all
from dockerflow.cli.words import counted, size
from dockerflow.engines.docker import DockerHost
from dockerflow.engines.errors import EngineError
from dockerflow.housekeeping.mirroring import Lost, Mirrored, Places, mirror_run
from dockerflow.housekeeping.references import RunName
from dockerflow.images import cache_lock
from dockerflow.images.errors import explaining_cache
from dockerflow.progress import Event, Notify, PackageFetching
from dockerflow.store import mirror, runs
from dockerflow.store.base import Store
from dockerflow.store.s3_store import S3Store

# Something was left out.
INCOMPLETE = 1


def mirror_runs(named: Sequence[str], forget: bool, chosen: str | None) -> int:
    """Exit code 1 if something of a run could not be had. Raises NotFound, StoreError."""
    store = store_of_runs(chosen, delivering=True)
    if isinstance(store, S3Store):
        store = with_all(store)
    found, code = chosen_runs(store, None, named) or [], 0
    if forget:
        return _forget(store, found)
    with meter(sys.stderr) as shown, looking(store, shown) as places:
        for run in found:
            code |= _mirror(places, run, shown)
    return code


@contextmanager
def looking(store: Store, shown: Meter) -> Iterator[Places]:
    """Where what images are made of is looked for. The cache is in use meanwhile, and the engine's client closed then.
    Without an engine one goes on: the store or the cache may have it all.
    """
    config = config_here()
    with explaining_cache(config.cache_dir), cache_lock.used(config.cache_dir):
        shown.tell("looking for what the images are made of")
        rest = (_fetching(shown), config.channels)
        try:
            host = DockerHost.connect(config.engine)
        except EngineError as error:
            yield Places(store, config.cache_dir, None, error, *rest)
            return
        with closing(host):
            yield Places(store, config.cache_dir, host.client, None, *rest)


def _fetching(shown: Meter) -> Notify:
    def notify(event: Event) -> None:
        if isinstance(event, PackageFetching):
            total = f" of {size(event.total)}" if event.total else ""
            shown.tell(f"fetching {event.package}: {size(event.done)}{total}")

    return notify


def _mirror(places: Places, run: RunName, shown: Meter) -> int:
    if runs.is_alive(places.store, *run):
        print(f"{run}: not mirrored, it still runs", file=sys.stderr)
        return INCOMPLETE
    done = mirror_run(places, run, _sending(shown, run))
    shown.clear()
    for lost in done.lost:
        tell_lost(run, lost)
    print(f"{run}: {_sentence(done, places.store)}")
    return INCOMPLETE if done.lost else 0


def _sending(shown: Meter, run: RunName) -> Callable[[int], None]:
    sent, guard = 0, Lock()

    def tell(count: int) -> None:
        nonlocal sent
        with guard:
            sent += count
        shown.tell(f"{run}: sent {size(sent)}")

    return tell


def tell_lost(run: RunName, lost: Lost) -> None:
    name = lost.what.partition(" ")[2]
    what = "" if name in lost.error.message else f"{lost.what} is not to be had: "
    print(f"{run}: {what}{lost.error.message}", file=sys.stderr)
    if lost.error.hint:
        print(f"  hint: {lost.error.hint}", file=sys.stderr)


def _sentence(done: Mirrored, store: Store) -> str:
    if not done.all:
        return "nothing to mirror" + ("" if done.lost else ": its steps ran without images")
    kept = f"`{store.name}` keeps {counted(done.all, 'file')} ({size(done.all_size)}) of its images"
    if not done.sent:
        return f"{kept}, and had {'it' if done.all == 1 else 'them'} before"
    return (
        f"{kept}, sent {done.sent:,} of them ({size(done.size)})" if done.sent < done.all else f"{kept}, all sent now"
    )


def _forget(store: Store, found: Sequence[RunName]) -> int:
    some = False
    for run in found:
        kept = mirror.forget(store, *run)
        some = some or bool(kept)
        what = f"{counted(len(kept), 'file')} ({size(sum(each.size for each in kept))}) of its images"
        print(f"{run}: {f'no longer keeps {what}' if kept else 'was not mirrored'}")
    if some:
        print("what no other run keeps goes with `dockerflow gc --delete`, a day after it was last asked for")
    return 0
