"""End a run from outside of its scheduler: ask that to do it, and do what a dead one cannot do any more.

A scheduler that lives ends its run as at Ctrl-C. Of a dead one there may be containers left on remote hosts, which live
through a cut on purpose: they are removed from all hosts that this machine knows. So are those of a run that is over,
from the hosts where it ran: one that was away then may have kept some. A run that goes on with them, as it has resumed
this one, keeps them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Union

from dockerflow import hosts
from dockerflow.config import Config
from dockerflow.docker_contexts import is_context
from dockerflow.errors import DockerflowError
from dockerflow.host_settings import LOCAL
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.scheduler.claims import Named, attempts_of, claims_on, ended
from dockerflow.store import history, runs, stopping
from dockerflow.store.base import Store
from dockerflow.store.history import RunHistory

if TYPE_CHECKING:
    from dockerflow.engines.ended_runs import EndedRun

# How long a living scheduler may take to end its run, and how often one looks whether it has, in seconds.
PATIENCE = 180.0
LOOK_EVERY = 0.5

# What the journal calls the host of tasks that ran as processes: they have ended with their scheduler.
_PROCESSES = "process"


@dataclass(frozen=True)
class Over:
    """It has ended: before, or as it was asked to."""

    status: str
    reason: str


@dataclass(frozen=True)
class Asked:
    """Its scheduler lives and was told; an Over, Dead or GoesOn follows."""


@dataclass(frozen=True)
class GoesOn:
    """Its scheduler has not ended it in `seconds`."""

    seconds: float


@dataclass(frozen=True)
class Dead:
    """Its scheduler is dead; what follows is about what it has left."""


@dataclass(frozen=True)
class TakenOver:
    """This run, which resumed it and lives, goes on with what it has left."""

    by: Named


@dataclass(frozen=True)
class Removed:
    host: str
    containers: int


@dataclass(frozen=True)
class NotLookedAt:
    """Containers may be left on this host."""

    host: str
    why: str


Told = Union[Over, Asked, GoesOn, Dead, TakenOver, Removed, NotLookedAt]


@dataclass(frozen=True)
class Killing:
    """Of runs of one store, in the name of a user."""

    store: Store
    config: Config
    user: str
    patience: float = PATIENCE

    def __call__(self, run: Named) -> Iterator[Told]:
        """What there is to tell, as it comes. Raises StoreError."""
        seen = self._seen(run)
        if seen.finished is None and self._lives(run):
            yield Asked()
            seen = self._end(run)
        if seen.finished is not None:
            yield Over(seen.finished.status, seen.finished.reason)
            yield from self._left(run, seen)
        elif self._lives(run):
            yield GoesOn(self.patience)
        else:
            yield Dead()
            yield from self._left(run, seen)

    def _seen(self, run: Named) -> RunHistory:
        return history.read(self.store, run.flow, run.run_id)

    def _lives(self, run: Named) -> bool:
        return runs.is_alive(self.store, run.flow, run.run_id)

    def _end(self, run: Named) -> RunHistory:
        stopping.ask(self.store, run.flow, run.run_id, self.user)
        deadline = time.monotonic() + self.patience
        while self._lives(run) and time.monotonic() < deadline:
            time.sleep(LOOK_EVERY)
        if not self._lives(run):
            stopping.forget(self.store, run.flow, run.run_id)  # also where it ended just before it could hear of it
        return self._seen(run)

    # ---- what one that has ended has left

    def _left(self, run: Named, seen: RunHistory) -> Iterator[Told]:
        is_dead = seen.finished is None
        places = _all_hosts(self.config, seen) if is_dead else _remote_hosts(self.config, seen)
        if not places.known and not places.unknown:
            return
        claims = claims_on(self.store, run)
        if claims.heirs:
            if is_dead:
                yield TakenOver(claims.heirs[0])
            return
        for told in _removed(self.config, places, ended(run, seen, claims)):
            if is_dead or not isinstance(told, Removed) or told.containers:
                yield told


@dataclass(frozen=True)
class _Places:
    """The hosts to look at, and those of a journal that nobody here knows: one may be the engine of this machine, which
    has a name of its own there."""

    known: tuple[str, ...]
    unknown: frozenset[str]


def _all_hosts(config: Config, seen: RunHistory) -> _Places:
    remote = _remote_hosts(config, seen)
    ran = frozenset(started.host for started in attempts_of(seen))
    names = (LOCAL, *sorted({*config.hosts, *remote.known}))
    return _Places(names, ran - {*names, _PROCESSES, ""})


def _remote_hosts(config: Config, seen: RunHistory) -> _Places:
    ran = {started.host for started in attempts_of(seen)} - {_PROCESSES, LOCAL, ""}
    return _Places(tuple(sorted(name for name in ran if name in config.hosts or is_context(name))), frozenset())


def _removed(config: Config, places: _Places, run: EndedRun) -> Iterator[Told]:
    unknown = set(places.unknown)
    with ThreadPoolExecutor(len(places.known) or 1, thread_name_prefix="kill") as threads:
        for name, told in zip(
            places.known, threads.map(lambda name: _on_host(name, config, run), places.known), strict=True
        ):
            if name == LOCAL and isinstance(told, NotLookedAt) and not unknown:
                continue  # there is no engine here, and none of its tasks has run on one
            if isinstance(told, Removed):
                unknown.discard(told.host)
            yield told
    for name in sorted(unknown):
        yield NotLookedAt(name, "it is not among the hosts that are known here (`dockerflow hosts list`)")


def _on_host(name: str, config: Config, run: EndedRun) -> Removed | NotLookedAt:
    from dockerflow.engines.docker import DockerHost  # noqa: PLC0415 - as above
    from dockerflow.engines.ended_runs import remove_containers  # noqa: PLC0415

    try:
        host = DockerHost.connect(config.engine) if name == LOCAL else DockerHost.reach(hosts.named(config, name))
        try:
            return Removed(host.name, remove_containers(host.client, host.url, run))
        finally:
            host.close()
    except DockerflowError as error:
        return NotLookedAt(name, error.message)
