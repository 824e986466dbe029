"""Which finished tasks a join waits for.

Every split, static or foreach, opens a level: each task below it carries a `SplitFrame` that says which split task it
came from and which branch it is. A join closes the innermost level: it waits until every branch of that one split task
has arrived, and takes them in branch order whatever finished first.
"""

from __future__ import annotations

from dataclasses import field

from dockerflow.lazy_dataclasses import dataclass
from dockerflow.runtime.messages import ForeachFrame, Input


@dataclass(frozen=True)
class SplitFrame:
    split_task: str  # id of the task that split
    branch: int  # of `size`, in the order of `self.next` or of the foreach
    size: int
    foreach: bool


@dataclass(frozen=True)
class Place:
    """Where a task stands among splits. `foreach` holds a frame for every split that is a foreach, outermost first."""

    splits: tuple[SplitFrame, ...] = ()
    foreach: tuple[ForeachFrame, ...] = ()

    def inside(self, split: SplitFrame, frame: ForeachFrame | None = None) -> Place:
        return Place((*self.splits, split), self.foreach if frame is None else (*self.foreach, frame))

    def outside(self) -> Place:
        """The place after a join of the innermost split."""
        return Place(self.splits[:-1], self.foreach[:-1] if self.splits[-1].foreach else self.foreach)


@dataclass
class Joins:
    """Arrivals so far, by (join step, split task)."""

    arrivals: dict[tuple[str, str], dict[int, Input]] = field(default_factory=dict)

    def arrive(self, step: str, place: Place, finished: Input) -> tuple[Input, ...] | None:
        """Count a finished task in. Returns all inputs of the join in order once the last has arrived, else None."""
        frame = place.splits[-1]
        key = (step, frame.split_task)
        waiting = self.arrivals.setdefault(key, {})
        waiting[frame.branch] = finished
        if len(waiting) < frame.size:
            return None
        del self.arrivals[key]
        return tuple(waiting[branch] for branch in sorted(waiting))
