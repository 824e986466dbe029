"""The tasks of a killed run that go on in their containers on remote hosts, and are the resumed run's from now on.

A container there outlives its scheduler. What it still does need not be done again, so the run that resumes takes it
over; what nobody takes over is ended, for nobody would end it otherwise. Tasks run the code that they began with: if
the flow has been edited since, they run again, unless the user says that they shall go on. They also have the
parameters that they began with: if one has another value now, they run again, since nobody knows what they will read.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping

from dockerflow import progress
from dockerflow.engines.ended_runs import EndedRun, remove_containers, running_containers
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.scheduler.errors import RunError
from dockerflow.scheduler.hosts import Hosts
from dockerflow.scheduler.origin import Origin
from dockerflow.scheduler.resumed import counted, from_step
from dockerflow.scheduler.values import Counterpart, Running, StepPlan
from dockerflow.store import runs
from dockerflow.store.base import Store
from dockerflow.store.beating import BEAT, LIFE

_KILL = "dockerflow runs kill"

# Seconds between two looks whether a scheduler lives.
LOOK_EVERY = 1.0


@dataclass(frozen=True)
class Adopting:
    """What decides what is taken over. `code` is that of the run that resumes; `attach`: whatever code it is."""

    origin: Origin
    store: Store
    hosts: Hosts
    code: str
    attach: bool


def running(adopting: Adopting, steps: Mapping[str, StepPlan], notify: progress.Notify) -> dict[Counterpart, Running]:
    """The attempts to take over, by the task of the origin that each is of; the origin's other containers are removed.

    Raises RunError where `attach` was asked for and the origin is not dead, EngineError when a host cannot be asked.
    """
    started = adopting.origin.started
    elsewhere = {name for name, each in adopting.hosts.by_name.items() if each.host.is_remote}
    unfinished = [each for each in _unfinished(adopting.origin, steps) if each[1].host in elsewhere]
    if not _is_dead(adopting, bool(unfinished), notify):
        if adopting.attach:
            name = f"{started.flow}/{started.run_id}"
            hint = f"end it with `{_KILL} {name}`, then resume it"
            raise RunError(f"run `{name}` cannot be taken over: its scheduler is alive", hint)
        return {}
    there = {name: each.engine for name, each in adopting.hosts.by_name.items() if each.engine and each.host.is_remote}
    alive = {name: running_containers(engine.client, engine.url, started.flow) for name, engine in there.items()}
    found = {
        counterpart: attempt for counterpart, attempt in unfinished if attempt.worker in alive.get(attempt.host, ())
    }
    if found and adopting.origin.changed:
        notify(progress.Noted(f"{_tasks(found)}, with the parameters as they were: ended, to run again"))
        found = {}
    elif found and started.code != adopting.code and not adopting.attach:
        notify(progress.Noted(f"{_tasks(found)}, with the code as it was: ended, to run again (`--attach` goes on)"))
        found = {}
    elif found:
        notify(progress.Noted(f"{_tasks(found)}, and go on"))
    ended = EndedRun(
        started.flow, started.run_id, _containers(adopting.origin), {each.worker for each in found.values()}
    )
    for engine in there.values():
        remove_containers(engine.client, engine.url, ended)
    return found


def _is_dead(adopting: Adopting, matters: bool, notify: progress.Notify) -> bool:
    """Whether the origin's scheduler is. Where it matters that is waited for: one that was killed on another machine a
    moment ago seems to live for as long as a sign of life holds."""
    flow, run_id = adopting.origin.started.flow, adopting.origin.started.run_id
    deadline = time.monotonic() + LIFE + BEAT
    told = False
    while runs.is_alive(adopting.store, flow, run_id):
        if not matters or time.monotonic() > deadline:
            return False
        if not told:
            notify(progress.Noted(f"waiting for a minute at most to see whether the scheduler of run `{run_id}` lives"))
            told = True
        time.sleep(LOOK_EVERY)
    return True


def _unfinished(origin: Origin, steps: Mapping[str, StepPlan]) -> Iterator[tuple[Counterpart, Running]]:
    again = from_step(steps, origin.rerun) if origin.rerun else frozenset[str]()
    for counterpart, task in counted(origin.history):
        last = task.attempts[-1] if task.attempts else None
        if last and last.started and not last.finished and counterpart.step in steps and counterpart.step not in again:
            attempt = last.started
            yield counterpart, Running(attempt.container, attempt.host, attempt.task_id, attempt.attempt)


def _containers(origin: Origin) -> Collection[str]:
    """All that the origin had, also those that it had taken over itself."""
    attempts = (each.started for task in origin.history.tasks.values() for each in task.attempts)
    return {started.container for started in attempts if started and started.container}


def _tasks(found: Mapping[Counterpart, Running]) -> str:
    hosts = ", ".join(f"`{host}`" for host in dict.fromkeys(each.host for each in found.values()))
    return f"{len(found)} {'task' if len(found) == 1 else 'tasks'} of the run still run on {hosts}"
