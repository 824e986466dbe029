"""What attempts take of the host that they run on, as `@resources` says it, and what the host has.

Memory is promised once: what runs at the same time never asks for more than there is, so that the kernel kills nobody
for what another was promised; and so are GPUs, how many of them. Cores are shared by time: a step that asks for more
of them than there are gets all, with nobody beside it who asked for some. An attempt of a step that asks for nothing
takes nothing: only `max_workers` counts it. Pure, like the core.
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
    """Cores in thousandths, so that sums are exact, memory in MiB, and whole GPUs."""

    cores: int = 0
    memory: int = 0
    gpus: int = 0

    def __add__(self, other: Share) -> Share:
        return Share(self.cores + other.cores, self.memory + other.memory, self.gpus + other.gpus)

    def __sub__(self, other: Share) -> Share:
        return Share(self.cores - other.cores, self.memory - other.memory, self.gpus - other.gpus)

    def times(self, count: int) -> Share:
        return Share(self.cores * count, self.memory * count, self.gpus * count)

    def capped(self, most: Share) -> Share:
        return Share(min(self.cores, most.cores), min(self.memory, most.memory), min(self.gpus, most.gpus))

    def fits(self, room: Share) -> bool:
        """Who asks for nothing always does, also where more is taken than there is."""
        return all(not asked or asked <= there for asked, there in self._beside(room))

    def goes_into(self, room: Share, most: int) -> int:
        """How often, up to `most`."""
        return min([most, *(max(0, there) // asked for asked, there in self._beside(room) if asked)])

    def _beside(self, room: Share) -> tuple[tuple[int, int], ...]:
        return (self.cores, room.cores), (self.memory, room.memory), (self.gpus, room.gpus)


NOTHING = Share()

# Where nothing is enforced, nothing is counted.
UNLIMITED = Share(1 << 62, 1 << 62, 1 << 62)


def of_host(cpus: int, memory: int, gpus: int | None = None) -> Share:
    """`memory` in bytes; `gpus` None where nobody knows how many there are, and then they are not counted."""
    return Share(cpus * 1000, memory // _MIB, UNLIMITED.gpus if gpus is None else gpus)


def of_step(step: Step) -> Share:
    asked = step.decorator(Resources) or Resources()
    return Share(round((asked.cpu or 0) * 1000), asked.memory or 0, asked.gpu or 0)


def usual_workers(cpus: int, memory: int) -> int:
    """How many attempts run at once if nobody says: one per core, with memory (in bytes) enough for each."""
    return max(1, min(cpus, memory // USUAL_MEMORY))


def require(flow: Flow, host: str, capacity: Share) -> None:
    """Raise RunError for a step whose tasks could never begin."""
    for step in flow.steps.values():
        asked, where = of_step(step), f"step `{step.name}` ({place(step.file, step.line)})"
        if asked.memory > capacity.memory:
            raise RunError(
                f"{where} asks for {asked.memory:,} MiB of memory, and the host `{host}` has {capacity.memory:,} MiB",
                "ask for less with `@resources(memory=…)`, or run it on a host that has more",
            )
        if asked.gpus > capacity.gpus:
            raise RunError(
                f"{where} asks for {in_words(asked.gpus)}, and the host `{host}` gives its containers {capacity.gpus}",
                "ask for fewer with `@resources(gpu=…)`, or run it on a host that has more",
            )


def in_words(gpus: int) -> str:
    return "1 GPU" if gpus == 1 else f"{gpus} GPUs"


def greedy(flow: Flow, host: str, capacity: Share) -> str:
    """One line about the steps that ask for more cores than there are, for whoever watches; empty where none does."""
    names = [f"`{step.name}`" for step in flow.steps.values() if of_step(step).cores > capacity.cores]
    if not names:
        return ""
    steps = "step " if len(names) == 1 else "steps "
    asks = " asks" if len(names) == 1 else " ask"
    there = f"{capacity.cores // 1000} cores that the host `{host}` has"
    return f"{steps}{', '.join(names)}{asks} for more than the {there}: its tasks get all of them, one at a time"
