"""What attempts take of the host that they run on, as `@resources` says it, and what the host has.

Memory is promised once: what runs at the same time never asks for more than there is, so that the kernel kills nobody
for what another was promised. Cores are shared by time: a step that asks for more of them than there are gets all, with
nobody beside it who asked for some. An attempt of a step that asks for nothing takes nothing: only `max_workers` counts
it. Pure, like the core.
"""

from __future__ import annotations

from dockerflow.flow.definition import Flow, Resources, Step
from dockerflow.flow.errors import place
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.scheduler.errors import RunError

_MIB = 1 << 20

# What a task is thought to need that does not say what it needs, in bytes.
USUAL_MEMORY = 1 << 30


@dataclass(frozen=True)
class Share:
    """Cores in thousandths, so that sums are exact, and memory in MiB."""

    cores: int = 0
    memory: int = 0

    def __add__(self, other: Share) -> Share:
        return Share(self.cores + other.cores, self.memory + other.memory)

    def __sub__(self, other: Share) -> Share:
        return Share(self.cores - other.cores, self.memory - other.memory)

    def times(self, count: int) -> Share:
        return Share(self.cores * count, self.memory * count)

    def capped(self, most: Share) -> Share:
        return Share(min(self.cores, most.cores), min(self.memory, most.memory))

    def fits(self, room: Share) -> bool:
        """Who asks for nothing always does, also where more is taken than there is."""
        return (not self.cores or self.cores <= room.cores) and (not self.memory or self.memory <= room.memory)

    def goes_into(self, room: Share, most: int) -> int:
        """How often, up to `most`."""
        for asked, there in ((self.cores, room.cores), (self.memory, room.memory)):
            if asked:
                most = min(most, max(0, there) // asked)
        return most


NOTHING = Share()

# Where nothing is enforced, nothing is counted.
UNLIMITED = Share(1 << 62, 1 << 62)


def of_host(cpus: int, memory: int) -> Share:
    """`memory` in bytes."""
    return Share(cpus * 1000, memory // _MIB)


def of_step(step: Step) -> Share:
    asked = step.decorator(Resources) or Resources()
    return Share(round((asked.cpu or 0) * 1000), asked.memory or 0)


def usual_workers(cpus: int, memory: int) -> int:
    """How many attempts run at once if nobody says: one per core, with memory (in bytes) enough for each."""
    return max(1, min(cpus, memory // USUAL_MEMORY))


def require(flow: Flow, host: str, capacity: Share) -> None:
    """Raise RunError for a step whose tasks could never begin."""
    for step in flow.steps.values():
        asked = of_step(step).memory
        if asked > capacity.memory:
            raise RunError(
                f"step `{step.name}` ({place(step.file, step.line)}) asks for {asked:,} MiB of memory, and the host "
                f"`{host}` has {capacity.memory:,} MiB",
                "ask for less with `@resources(memory=…)`, or run it on a host that has more",
            )


def greedy(flow: Flow, host: str, capacity: Share) -> str:
    """One line about the steps that ask for more cores than there are, for whoever watches; empty where none does."""
    names = [f"`{step.name}`" for step in flow.steps.values() if of_step(step).cores > capacity.cores]
    if not names:
        return ""
    steps = "step " if len(names) == 1 else "steps "
    asks = " asks" if len(names) == 1 else " ask"
    there = f"{capacity.cores // 1000} cores that the host `{host}` has"
    return f"{steps}{', '.join(names)}{asks} for more than the {there}: its tasks get all of them, one at a time"
