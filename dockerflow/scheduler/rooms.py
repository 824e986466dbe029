"""The hosts of a run: which of them a step's tasks can go to, and what is free there.

A task goes where it fits and the most is free, so that hosts of any size fill alike; among equals, to the one that its
step prefers. A host has to have all the memory and GPUs that an attempt asks for; one without the cores is taken if no
other is left, and gives all that it has. On a host that was given up nothing is started, nor where the step's workers
cannot. Pure, like the core.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from dockerflow.lazy_dataclasses import dataclass
from dockerflow.scheduler.capacity import NOTHING, Share
from dockerflow.scheduler.values import HostPlan, Plan
from dockerflow.store.records import Failure


@dataclass
class Host:
    name: str
    plan: HostPlan
    used: Share = NOTHING  # what the running attempts take
    busy: int = 0  # how many there are
    away: Failure | None = None  # why nothing is started there

    def room(self) -> Room:
        return Room(self, self.plan.capacity - self.used, self.plan.max_workers - self.busy)


@dataclass
class Room:
    """What of a host is to give, and how many attempts may begin there. Whoever gives writes it down here."""

    host: Host
    free: Share
    places: int
    kept: Share = NOTHING  # of what is not free, for tasks of the step `kept_for`
    kept_for: str = ""

    def takes(self, step: str, share: Share) -> bool:
        return self.places > 0 and share.fits(self._free_for(step))

    def give(self, step: str, share: Share) -> None:
        self.places -= 1
        self.free = self._free_for(step) - share
        if step == self.kept_for:
            self.kept, self.kept_for = NOTHING, ""

    def keep(self, step: str, share: Share) -> None:
        self.kept, self.kept_for = share, step
        self.free -= share

    def lacks(self, share: Share) -> float:
        """What there is too little of, in parts of what the host has."""
        return sum(max(0, asked - free) / max(1, most) for asked, free, most in self._of_each(share))

    def load(self, share: Share, places: int = 1) -> float:
        """How full the host would be with that: of the attempts that it may have and of what is asked for, the one of
        which the least were left."""
        most = self.host.plan.max_workers
        return max(
            [
                (most - self.places + places) / most,
                *((most - free + asked) / max(1, most) for asked, free, most in self._of_each(share) if asked),
            ]
        )

    def _free_for(self, step: str) -> Share:
        return self.free + self.kept if step == self.kept_for else self.free

    def _of_each(self, share: Share) -> tuple[tuple[int, int, int], ...]:
        """Asked, free, and what there is of each kind."""
        free, most = self.free, self.host.plan.capacity
        return (
            (share.cores, free.cores, most.cores),
            (share.memory, free.memory, most.memory),
            (share.gpus, free.gpus, most.gpus),
        )


class Hosts:
    """Steps are named here by whose workers run their tasks."""

    def __init__(self, plan: Plan) -> None:
        self.there = {
            name: Host(name, HostPlan(each.capacity, min(each.max_workers, plan.max_workers)))
            for name, each in plan.hosts.items()
        }
        self.without: set[str] = set()  # the steps that no host is left for
        self._plan = plan
        self._broken: dict[str, dict[str, Failure]] = {}  # by step and host
        self._able = {name: self._able_for(name) for name in {plan.workers(name): None for name in plan.steps}}
        self._usable: dict[str, tuple[Host, ...]] = {}
        self._look_at(self._able)

    def usable(self, step: str) -> tuple[Host, ...]:
        """Where its tasks can go to now, the preferred first."""
        return self._usable[step]

    def give_up(self, host: str, reason: str) -> None:
        self.there[host].away = Failure("lost", f"the host `{host}` does not answer: {reason}")
        self._look_at(self._able)

    def take_back(self, host: str) -> None:
        """It is as a new one."""
        self.there[host].away = None
        for failures in self._broken.values():
            failures.pop(host, None)
        self._look_at(self._able)

    def broken(self, step: str, host: str, failure: Failure) -> None:
        """No worker of the step will ever be ready there."""
        self._broken.setdefault(step, {})[host] = failure
        self._look_at([step])

    def why_none(self, step: str, of: Iterable[Host] = ()) -> Failure:
        """Why none of them is usable, or of all that the step has."""
        found = [(host.name, failure) for host in of or self._able[step] if (failure := self._why_not(step, host))]
        failures = {failure.message: failure for _, failure in found}
        if len(failures) == 1:
            return next(iter(failures.values()))
        parts = (
            each.message if f"`{name}`" in each.message else f"on `{name}`: {each.message}" for name, each in found
        )
        hint = next((each.hint for _, each in found if each.hint), "")
        return Failure("lost", "; ".join(parts), hint=hint)

    def for_all(self, step: str, share: Share) -> tuple[Host, ...]:
        """The step's, whether usable or not, that have the memory and the GPUs for that at once."""
        return tuple(host for host in self._able[step] if _has_what_cannot_be_shared(host, share))

    def _why_not(self, step: str, host: Host) -> Failure | None:
        return host.away or self._broken.get(step, {}).get(host.name)

    def _able_for(self, step: str) -> tuple[Host, ...]:
        asked = self._plan.steps[step]
        hosts = [self.there[name] for name in asked.hosts or self.there if name in self.there]
        return tuple([host for host in hosts if _has_what_cannot_be_shared(host, asked.share)] or hosts)

    def _look_at(self, steps: Iterable[str]) -> None:
        for step in steps:
            left = [host for host in self._able[step] if self._why_not(step, host) is None]
            cores = self._plan.steps[step].share.cores
            self._usable[step] = tuple([host for host in left if cores <= host.plan.capacity.cores] or left)
            (self.without.discard if left else self.without.add)(step)


def _has_what_cannot_be_shared(host: Host, share: Share) -> bool:
    there = host.plan.capacity
    return share.memory <= there.memory and share.gpus <= there.gpus


def emptiest(plan: Plan, step: str, rooms: Sequence[Room]) -> Room:
    """Of these, in the order of preference."""
    return rooms[0] if len(rooms) == 1 else min(rooms, key=lambda room: room.load(plan.share(step, room.host.name)))


def of(rooms: dict[str, Room], hosts: Collection[Host]) -> list[Room]:
    return [rooms[host.name] for host in hosts]
