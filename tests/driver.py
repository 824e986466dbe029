"""Runs a whole flow in this process, one task after the other, with a real store and no scheduler, worker or container.

What the tests of the flow language need to be sure of is `runtime.task`; this driver knows only how tasks follow each
other.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dockerflow.flow.checks import check
from dockerflow.flow.definition import Retry
from dockerflow.flow.given import NOTHING, Given
from dockerflow.flow.loading import LoadedFlow, load
from dockerflow.flow.parameters import resolve
from dockerflow.runtime.messages import ForeachFrame, Gang, Input, RunTask, TaskResult
from dockerflow.runtime.task import run_task
from dockerflow.store import manifest
from dockerflow.store.blobs import Blobs


@dataclass(frozen=True)
class Split:
    """One open split of a task: which task split, which of its branches this is, and of how many."""

    task: str
    branch: int
    size: int
    foreach: bool


@dataclass(frozen=True)
class Waiting:
    step: str
    inputs: tuple[Input, ...] = ()
    foreach: tuple[ForeachFrame, ...] = ()
    splits: tuple[Split, ...] = ()
    gang: Gang | None = None


@dataclass(frozen=True)
class Ran:
    """One task as it ended: its last attempt, and every attempt."""

    step: str
    indices: tuple[int, ...]
    result: TaskResult
    attempts: tuple[TaskResult, ...]
    artifacts: Mapping[str, Any]


@dataclass
class Driver:
    """One run of a flow. `ran` are its tasks in the order in which they ran."""

    loaded: LoadedFlow
    root: Path
    parameters: str
    ran: list[Ran] = field(default_factory=list)
    _arrived: dict[tuple[str, str], dict[int, Input]] = field(default_factory=dict)

    def run(self) -> bool:
        waiting = deque([Waiting(self.loaded.flow.start)])
        while waiting:
            following = self._task(waiting.popleft())
            if following is None:
                return False
            waiting += following
        return True

    def task(self, step: str, *indices: int) -> Ran:
        return next(ran for ran in self.ran if (ran.step, ran.indices) == (step, indices))

    def _task(self, task: Waiting) -> list[Waiting] | None:
        task_id = str(len(self.ran) + 1)
        attempts = self._attempts(task, task_id)
        last = attempts[-1]
        indices = tuple(frame.index for frame in task.foreach)
        self.ran.append(Ran(task.step, indices, last, attempts, self._artifacts(last.manifest)))
        return self._following(task, task_id, last) if last.ok else None

    def _attempts(self, task: Waiting, task_id: str) -> tuple[TaskResult, ...]:
        retry = self.loaded.flow.steps[task.step].decorator(Retry)
        times = retry.times if retry else 0
        made: list[TaskResult] = []
        while not made or (not made[-1].ok and len(made) <= times):
            request = RunTask(
                flow=self.loaded.flow.name,
                run_id="1",
                step=task.step,
                task_id=task_id,
                attempt=len(made),
                last_attempt=len(made) == times,
                parameters=self.parameters,
                inputs=task.inputs,
                foreach=task.foreach,
                user="tester",
                namespace="user:tester",
                gang=task.gang,
            )
            made.append(run_task(self.loaded.cls, self.loaded.flow, request, Blobs(self.root)))
        return tuple(made)

    def _artifacts(self, sha256: str | None) -> dict[str, Any]:
        if sha256 is None:
            return {}
        blobs = Blobs(self.root)
        return {name: manifest.load(blobs, ref) for name, ref in manifest.read(blobs, sha256).artifacts.items()}

    def _following(self, task: Waiting, task_id: str, result: TaskResult) -> list[Waiting]:
        assert result.manifest is not None
        taken, done = result.transition, Input(task.step, task_id, result.manifest)
        if taken is None:
            return []
        if taken.size is not None:
            size, frame = taken.size, ForeachFrame(task.step, taken.foreach or "", 0, taken.size, result.manifest)
            return [
                Waiting(
                    taken.steps[0],
                    (done,),
                    (*task.foreach, replace(frame, index=index)),
                    (*task.splits, Split(task_id, index, size, True)),
                    # Ids are given as tasks run, and the nodes of a gang run one after the other here.
                    Gang(index, size, f"{task_id}-0", "127.0.0.1") if taken.gang else None,
                )
                for index in range(size)
            ]
        if len(taken.steps) > 1:
            opened = [Split(task_id, branch, len(taken.steps), False) for branch in range(len(taken.steps))]
            return [
                Waiting(step, (done,), task.foreach, (*task.splits, split))
                for step, split in zip(taken.steps, opened, strict=True)
            ]
        if not self.loaded.flow.steps[taken.steps[0]].join:
            return [Waiting(taken.steps[0], (done,), task.foreach, task.splits)]
        return self._join(taken.steps[0], task, done)

    def _join(self, step: str, task: Waiting, done: Input) -> list[Waiting]:
        split = task.splits[-1]
        arrived = self._arrived.setdefault((step, split.task), {})
        arrived[split.branch] = done
        if len(arrived) < split.size:
            return []
        inputs = tuple(arrived[branch] for branch in range(split.size))
        return [Waiting(step, inputs, task.foreach[:-1] if split.foreach else task.foreach, task.splits[:-1])]


def drive(path: Path, root: Path, parameters: Mapping[str, str] | None = None, given: Given = NOTHING) -> Driver:
    """Load, check and run the flow of a file with the blobs of its artifacts below `root`."""
    loaded = load(path, given=given)
    check(loaded.flow)
    driver = Driver(loaded, root, manifest.write(Blobs(root), resolve(loaded, parameters or {}), {}))
    driver.run()
    return driver
