"""What came of a comparison of two runs: counts for people, all of it as JSON for programs.

    tally = Tally()
    for task in tally.following(compare(first, second)):
        ...
    tally.identical

A run may have ten thousand tasks: nothing of a task is kept but what differs, and of that no more than is shown. JSON
is written while the comparison goes on.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from typing import Any, TextIO

from dockerflow.comparing.artifacts import IDENTICAL, VERDICTS, ArtifactPair, ComparedTask
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.store.manifest import ArtifactRef

# Differences that a tally keeps. What is more is counted.
KEPT = 50


@dataclass
class OfStep:
    """`tasks` by whether all about them is identical; `artifacts` by verdict. `reused`: tasks that the second run took
    over from another one, so that they prove nothing."""

    tasks: Counter[bool] = field(default_factory=Counter)
    artifacts: Counter[str] = field(default_factory=Counter)
    reused: int = 0


@dataclass
class Tally:
    """`different` are the first tasks that are not identical, of all `count_different`."""

    steps: dict[str, OfStep] = field(default_factory=dict)
    different: list[ComparedTask] = field(default_factory=list)
    count_different: int = 0

    def following(self, tasks: Iterable[ComparedTask]) -> Iterator[ComparedTask]:
        """The tasks, each counted before it is given on."""
        for task in tasks:
            self._add(task)
            yield task

    @property
    def identical(self) -> bool:
        return not self.count_different

    @property
    def counts(self) -> dict[str, int]:
        """Artifacts by verdict, of all steps."""
        return {verdict: sum(step.artifacts[verdict] for step in self.steps.values()) for verdict in VERDICTS}

    def _add(self, task: ComparedTask) -> None:
        step = self.steps.setdefault(task.pair.place.step, OfStep())
        step.tasks[task.identical] += 1
        step.artifacts.update(each.verdict for each in task.made)
        step.reused += is_reused(task)
        if not task.identical:
            self.count_different += 1
            if len(self.different) < KEPT:
                self.different.append(task)


def is_reused(task: ComparedTask) -> bool:
    """Whether the second run has not run it, but taken over its result."""
    return task.pair.second is not None and task.pair.second.created.origin_task_id is not None


def write_json(file: TextIO, about: Mapping[str, Any], tasks: Iterable[ComparedTask], tally: Tally) -> None:
    """One object: what is said `about` the runs, the tasks, which `tally` counts, and the counts at the end."""
    head = json.dumps(about, indent=2, ensure_ascii=False).removesuffix("\n}")
    file.write(f'{head},\n  "tasks": [')
    separator = "\n    "
    for task in tally.following(tasks):
        file.write(separator + json.dumps(as_json(task), ensure_ascii=False))
        separator = ",\n    "
    counts = json.dumps(tally.counts, ensure_ascii=False)
    file.write(f'\n  ],\n  "counts": {counts},\n  "identical": {json.dumps(tally.identical)}\n}}\n')


def as_json(task: ComparedTask) -> dict[str, Any]:
    """A side that has no such task or artifact is None; `unreadable` is there only where something is."""
    pair = task.pair
    ids = [each.created.task_id if each else None for each in (pair.first, pair.second)]
    found: dict[str, Any] = {
        "step": pair.place.step,
        "indexes": list(pair.place.indexes),
        "number": pair.place.number,
        "tasks": ids,
        "statuses": [status or None for status in pair.statuses],
        "reused": is_reused(task),
        "identical": task.identical,
        "artifacts": {each.name: _artifact(each) for each in task.made},
    }
    return {**found, "unreadable": task.unreadable} if task.unreadable else found


def _artifact(pair: ArtifactPair) -> dict[str, Any]:
    first, second = pair.first, pair.second
    if first is not None and pair.verdict == IDENTICAL:
        return {"verdict": IDENTICAL, "sha256": first.sha256, "type": first.type, "size": first.size}
    return {"verdict": pair.verdict, "first": _side(first), "second": _side(second)}


def _side(ref: ArtifactRef | None) -> dict[str, Any] | None:
    return None if ref is None else {"sha256": ref.sha256, "type": ref.type, "size": ref.size}
