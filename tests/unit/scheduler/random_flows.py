"""Flows of any shape, as plans with what they must do: an oracle that knows nothing of workers or events.

A flow is a row of parts. A part is one step, or opens and closes something: a split and its join, a foreach and its
join, a switch and the step where its cases meet, a step that switches back to itself. Parts stand in parts. `tasks`
says which tasks such a flow has, each by its counterpart; `behaviour` makes tasks that do so.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from dockerflow.runtime.messages import RunTask, TaskResult
from dockerflow.scheduler import values as v
from dockerflow.store.records import Transition
from tests.unit.scheduler.simulate import Outcome

Indexes = tuple[int, ...]


@dataclass
class RandomFlow:
    """`steps` by name; `sizes` of foreaches; `rounds` of steps that switch back to themselves."""

    seed: int
    steps: dict[str, v.StepPlan] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    rounds: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._rng = random.Random(self.seed)
        self._add("start", self._row("end", depth=3))
        self._add("end")
        self._share()

    # ---- making one

    def _add(self, name: str, *following: str, **said: object) -> str:
        self.steps[name] = v.StepPlan(name, following, **said)  # type: ignore[arg-type]
        return name

    def _row(self, after: str, depth: int) -> str:
        """Some parts one after the other, then `after`; returns the name of the first step."""
        parts = [self._step, self._step, self._loop, *([self._split, self._foreach, self._switch] if depth else [])]
        for _ in range(self._rng.randint(1, 3)):
            after = self._rng.choice(parts)(after, depth - 1)
        return after

    def _name(self, kind: str) -> str:
        return f"{kind}{len(self.steps)}"

    def _step(self, after: str, depth: int) -> str:
        return self._add(self._name("step"), after)

    def _loop(self, after: str, depth: int) -> str:
        name = self._name("loop")
        self.rounds[name] = self._rng.randint(0, 3)
        return self._add(name, name, after, condition="c")

    def _split(self, after: str, depth: int) -> str:
        join = self._add(self._name("join"), after, join=True)
        branches = [self._row(self._step(join, depth), depth) for _ in range(self._rng.randint(2, 3))]
        return self._add(self._name("split"), *branches)

    def _foreach(self, after: str, depth: int) -> str:
        join = self._add(self._name("join"), after, join=True)
        body = self._row(self._step(join, depth), depth)
        name = self._name("foreach")
        self.sizes[name] = self._rng.randint(1, 3)
        return self._add(name, body, foreach="xs")

    def _switch(self, after: str, depth: int) -> str:
        meet = self._step(after, depth)
        cases = [self._row(meet, depth) for _ in range(self._rng.randint(2, 3))]
        return self._add(self._name("switch"), *cases, condition="c")

    def _share(self) -> None:
        """Have some steps their workers in common, so many kinds of them."""
        kinds, first = self._rng.randint(1, len(self.steps)), dict[int, str]()
        for name, step in self.steps.items():
            self.steps[name] = replace(step, workers=first.setdefault(self._rng.randrange(kinds), name))

    # ---- what it does

    def choice(self, step: str, indexes: Indexes, number: int) -> str:
        """The step that a switch chooses in its task of this number at this place."""
        following = self.steps[step].next
        if step in self.rounds:
            return following[0] if number < self.rounds[step] else following[1]
        return random.Random(f"{self.seed} {step} {indexes}").choice(following)

    def tasks(self) -> Counter[v.Counterpart]:
        """All tasks that a run of the flow has."""
        return Counter(self._from("start", (), None))

    def _from(self, name: str, indexes: Indexes, stop: str | None) -> Iterator[v.Counterpart]:
        """The tasks from a step on, up to the join `stop`."""
        number = 0
        while name != stop:
            step = self.steps[name]
            yield v.Counterpart(name, indexes, number)
            if step.foreach or (len(step.next) > 1 and step.condition is None):
                join = self._closing(step.next[0])
                for each in range(self.sizes[name]) if step.foreach else step.next:
                    inside = (*indexes, each) if step.foreach else indexes
                    yield from self._from(step.next[0] if step.foreach else str(each), inside, join)  # type: ignore[arg-type]
                following = join
            elif step.condition is not None:
                following = self.choice(name, indexes, number)
            elif step.next:
                following = step.next[0]
            else:
                return
            number = number + 1 if following == name else 0
            name = following

    def _closing(self, name: str) -> str:
        """The join that ends what was opened before `name`."""
        depth = 1
        while True:
            step = self.steps[name]
            if step.join:
                depth -= 1
                if not depth:
                    return name
            depth += bool(step.foreach or (len(step.next) > 1 and step.condition is None))
            name = step.next[-1]

    def behaviour(self) -> Outcome:
        """What its tasks return. Their manifests say which task they are and what came in."""
        seen: Counter[tuple[str, Indexes]] = Counter()
        numbers: dict[str, int] = {}

        def outcome(task: RunTask) -> TaskResult:
            indexes = tuple(frame.index for frame in task.foreach)
            if task.task_id not in numbers:
                numbers[task.task_id] = self._number(task, seen)
            step, number = self.steps[task.step], numbers[task.task_id]
            chosen = (self.choice(task.step, indexes, number),) if step.condition else step.next
            transition = Transition(chosen, step.foreach, self.sizes.get(task.step)) if step.next else None
            manifest = f"{task.step}{list(indexes)}{number}<-({','.join(i.manifest for i in task.inputs)})"
            return TaskResult(task.step, task.task_id, task.attempt, ok=True, manifest=manifest, transition=transition)

        return outcome

    def _number(self, task: RunTask, seen: Counter[tuple[str, Indexes]]) -> int:
        """Which round of a recursion this is: its input says so, also in a run that was resumed in its middle."""
        (before,) = task.inputs if len(task.inputs) == 1 else (None,)
        if before is None or before.step != task.step:
            return 0
        return int(before.manifest.partition("<-")[0].rpartition("]")[2]) + 1
