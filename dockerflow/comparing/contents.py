"""The artifacts of two runs beside each other: the same by their hashes, or how they differ by what they are."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice, zip_longest
from typing import Any

from dockerflow.comparing import inert
from dockerflow.comparing.artifacts import (
    IDENTICAL,
    ONLY_FIRST,
    ArtifactPair,
    ComparedTask,
    Side,
    TaskPair,
    compare,
)
from dockerflow.comparing.errors import Unreadable
from dockerflow.comparing.records import parameter_names
from dockerflow.comparing.section import Asked, Section, Text
from dockerflow.comparing.values import difference
from dockerflow.comparing.words import LINES, Difference, counted, lines_of, shorter
from dockerflow.errors import DockerflowError
from dockerflow.store import manifest
from dockerflow.store.manifest import ArtifactRef

# Tasks of a step of which the same artifact is told; of more it is said how many there are.
TASKS = 5


def artifacts(first: Side, second: Side, asked: Asked) -> Section:
    """Parameters, which every task has, are told elsewhere."""
    found = _Found(first, second, asked, parameter_names(first, second))
    for task in compare(first, second):
        found.add(task)
    same = not found.different
    return Section("artifacts", same, found.summary(), rows=tuple(found.rows()), facts=found.facts())


class _Found:
    """What differs, of the tasks that have been added."""

    def __init__(self, first: Side, second: Side, asked: Asked, parameters: frozenset[str]) -> None:
        self._first, self._second, self._asked, self._parameters = first, second, asked, parameters
        self._told: Counter[tuple[str, str]] = Counter()
        self._rows: list[tuple[str, ...]] = []
        self._facts: list[dict[str, Any]] = []
        self._names: set[str] = set()
        self.total = self.different = 0

    def add(self, task: ComparedTask) -> None:
        name, statuses = task.pair.name, task.pair.statuses
        if task.unreadable:
            self._say(task, "", [f"cannot be read: {task.unreadable}"], {"unreadable": task.unreadable})
        elif not all(statuses):
            which = "first" if statuses[0] else "second"
            self._say(task, "", [f"only the {which} has the task"], {"verdict": f"only in the {which}"})
            return
        elif statuses[0] != statuses[1] and not self._asked.names:
            self._say(task, "", [f"{statuses[0]} → {statuses[1]}"], {"statuses": list(statuses)})
        for pair in _comparable(task):
            self._names.update((pair.name, f"{task.pair.place.step}.{pair.name}"))
            if self._is_wanted(task.pair, pair):
                self.total += 1
                if pair.verdict != IDENTICAL:
                    self._differing(task, pair, name)

    def _is_wanted(self, task: TaskPair, pair: ArtifactPair) -> bool:
        """What was passed on is told where it was made, unless somebody asks what just this step has."""
        names = self._asked.names
        if f"{task.place.step}.{pair.name}" in names:
            return True
        return not pair.passed_on and (pair.name in names if names else pair.name not in self._parameters)

    def _differing(self, task: ComparedTask, pair: ArtifactPair, name: str) -> None:
        key = (task.pair.place.step, pair.name)
        if self._told[key] >= TASKS and not self._asked.every:
            self._told[key] += 1
            self.different += 1
            return
        lines, facts = self._difference(task.pair, pair)
        self._say(task, pair.name, lines, {"verdict": pair.verdict, **facts})

    def _say(self, task: ComparedTask, artifact: str, lines: Sequence[str], facts: dict[str, Any]) -> None:
        place = task.pair.place
        self.different += 1
        self._told[place.step, artifact] += 1
        if self._told[place.step, artifact] > TASKS and not self._asked.every:
            return
        self._rows += [(task.pair.name, artifact, lines[0]), *(("", "", line) for line in lines[1:])]
        ids = [each.created.task_id if each else None for each in (task.pair.first, task.pair.second)]
        about = {"step": place.step, "indexes": list(place.indexes), "number": place.number, "tasks": ids}
        self._facts.append({**about, "artifact": artifact or None, "text": "\n".join(lines), **facts})

    def _difference(self, task: TaskPair, pair: ArtifactPair) -> tuple[list[str], dict[str, Any]]:
        one, other = pair.first, pair.second
        sides = {"first": _ref(one), "second": _ref(other)}
        if one is None or other is None:
            there = one or other
            which = "first" if pair.verdict == ONLY_FIRST else "second"
            return [f"only in the {which}: {there.type if there else ''}"], sides
        told = self._in_images(task, one, other) if self._asked.texts else self._stored(one, other)
        return list(lines_of(told)), {**sides, "difference": dict(told.facts)}

    def _stored(self, one: ArtifactRef, other: ArtifactRef) -> Difference:
        try:
            pair = (
                manifest.content(side.store.blobs, ref) for side, ref in ((self._first, one), (self._second, other))
            )
            told = difference(*map(inert.look, pair))
        except Unreadable:
            sizes = f"{one.size:,} → {other.size:,} bytes" if one.size != other.size else f"{one.size:,} bytes"
            return Difference(f"{_types(one, other)} of {sizes}, which only its library can tell apart")
        except DockerflowError as error:
            return Difference(f"{_types(one, other)} that cannot be read: {error.message}")
        return told or Difference(_beside(one, other))

    def _in_images(self, task: TaskPair, one: ArtifactRef, other: ArtifactRef) -> Difference:
        if not self._asked.texts or task.first is None or task.second is None:
            return self._stored(one, other)
        ways = zip(self._asked.texts, (self._first, self._second), (task.first, task.second), (one, other), strict=True)
        try:
            first, second = (_text(text, side, found.created, ref) for text, side, found, ref in ways)
        except DockerflowError as error:
            told = self._stored(one, other)
            return Difference(told.text, (*told.more, f"(not looked at in its image: {error.message})"), told.facts)
        if first == second:
            return Difference(f"the same text, {shorter(first)}; {self._stored(one, other).text}")
        lines = islice(changed_lines(first.splitlines(), second.splitlines()), LINES)
        return Difference(_types(one, other), tuple(map(shorter, lines)), {"texts": [first, second]})

    def summary(self) -> str:
        total = counted(self.total, "artifact")
        same = f"all identical, {total}" if self.total else "none to compare"
        told = f"{counted(self.different, 'difference')} in {total}" if self.different else same
        return "; ".join([told, *(self._unknown(name) for name in sorted(self._asked.names - self._names))])

    def _unknown(self, name: str) -> str:
        near = difflib.get_close_matches(name, self._names, n=1)
        return f"no task has `{name}`{f', did you mean `{near[0]}`?' if near else ''}"

    def rows(self) -> Iterator[tuple[str, ...]]:
        yield from self._rows
        for (step, artifact), count in self._told.items():
            if count > TASKS and not self._asked.every:
                yield f"{step}[…]", artifact, f"and in {counted(count - TASKS, 'task')} more: `--all` tells of each"

    def facts(self) -> dict[str, Any]:
        return {"compared": self.total, "different": self.different, "differences": self._facts}


def _comparable(task: ComparedTask) -> Sequence[ArtifactPair]:
    """Of a task that has no result in one of the runs, nothing: that it has none says all."""
    results = [each.result for each in (task.pair.first, task.pair.second) if each]
    return task.artifacts if all(result and result.manifest for result in results) else ()


def changed_lines(first: Sequence[str], second: Sequence[str]) -> Iterator[str]:
    """`- old` and `+ new`, by turns. `difflib.ndiff` does the same, and takes minutes for a thousand lines."""
    for kind, start, end, other_start, other_end in difflib.SequenceMatcher(None, first, second).get_opcodes():
        if kind != "equal":
            for old, new in zip_longest(first[start:end], second[other_start:other_end]):
                yield from (f"{sign} {line}" for sign, line in (("-", old), ("+", new)) if line is not None)


def _text(text: Text, side: Side, created: Any, ref: ArtifactRef) -> str:
    started = side.history.started
    return text(f"{started.flow}/{started.run_id}/{created.step}/{created.task_id}" if started else "", ref)


def _types(one: ArtifactRef, other: ArtifactRef) -> str:
    return one.type if one.type == other.type else f"{one.type} → {other.type}"


def _beside(one: ArtifactRef, other: ArtifactRef) -> str:
    """Why two values may be stored in other bytes that look the same."""
    versions = [
        f"{name} {one.libraries.get(name, 'none')} → {other.libraries.get(name, 'none')}"
        for name in sorted({*one.libraries, *other.libraries})
        if one.libraries.get(name) != other.libraries.get(name)
    ]
    written = f", written with {', '.join(versions)}" if versions else ""
    return f"{_types(one, other)}, equal as far as can be told, and stored in other bytes{written}"


def _ref(ref: ArtifactRef | None) -> dict[str, Any] | None:
    return {"sha256": ref.sha256, "type": ref.type, "size": ref.size} if ref else None
