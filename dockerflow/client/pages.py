"""What flows, runs, steps, tasks and artifacts show of themselves in a notebook.

Bounded, whatever a run has: of many rows the first are shown, with a count; a value that is large is named and not
loaded. Nothing is raised: what cannot be read is said in its place. Values in tables are read only where that needs no
code but Python's own; an artifact by itself is loaded as `data` loads it, since its own picture is what is asked for.

Standard library only, Python 3.7.
"""

from __future__ import annotations

from itertools import islice
from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple

from dockerflow.client import glances
from dockerflow.client.markup import (
    Html,
    code,
    counted,
    cut,
    duration,
    escaped,
    facts,
    fault,
    frame,
    head,
    moment,
    note,
    size,
    status,
    table,
    tags,
)
from dockerflow.client.picture import Box, picture
from dockerflow.store import overview
from dockerflow.store.history import RunHistory, TaskHistory
from dockerflow.store.records import StepRecord

# Rows of a table, and characters of a traceback, its last.
MOST = 50
_NEWEST = 20
_TRACEBACK = 4000

_NUMBERS = ("duration", "task time", "size", "attempts", "peak memory")


def page(shown: Any, parts: Optional[Callable[[Any], Iterator[Html]]] = None) -> str:
    """The HTML of a client object."""
    made: List[Html] = []
    try:
        made += (parts or _PARTS[shown._depth])(shown)
    except Exception as error:  # noqa: BLE001 - a notebook shows whatever it is
        where = f"{shown._described()}\n" if parts is None else ""
        made = [fault(where + glances.said(error))]
    return frame(made)


def flows(shown: Any) -> Iterator[Html]:
    """All flows of a store: `Metaflow()`."""
    found = list(islice(shown, MOST + 1))
    yield head("flows", shown._place.store.name)
    yield table(("flow", "latest run", "status", "began"), [_flow_row(each) for each in found[:MOST]])
    if len(found) > MOST:
        yield note(f"the first {MOST}")


def _flow_row(flow: Any) -> Sequence[str]:
    run = flow.latest_run
    return (flow.id, *((run.id, status(run.status), moment(run._source.begun.time)) if run else ("", "", "")))


def _of_flow(flow: Any) -> Iterator[Html]:
    ids = list(islice(flow._in(flow._scope.namespace), _NEWEST + 1))
    namespace = flow._scope.namespace
    yield head("flow", flow.id)
    yield facts(f"the newest {_NEWEST} runs" if len(ids) > _NEWEST else counted(len(ids), "run"), namespace or "")
    listed = overview.listed(flow._store, flow.id)
    there = [run_id for run_id in ids[:_NEWEST] if run_id in listed]
    runs = flow._store.each(lambda run_id: overview.of_run(flow._store, flow.id, run_id, listed[run_id]), there)
    yield table(("run", "status", "user", "began", "duration", "tags"), map(_run_row, runs), _NUMBERS)


def _run_row(run: overview.RunOverview) -> Sequence[str]:
    started, ended = run.started, run.finished
    took = ended.time - started.time if started and ended else None
    user, began = (started.user, moment(started.time)) if started else ("", "")
    return code(run.run_id), status(run.status), user, began, duration(took), tags(run.tags)


# ---- a run


def _of_run(run: Any) -> Iterator[Html]:
    history: RunHistory = run._history
    begun, now = run._source.begun, run.status
    took = duration(history.finished.time - begun.time) if history.finished else ""
    yield head("run", run.pathspec, status(now))
    origin = f"resumes {run.origin_run_id}" if run.origin_run_id else ""
    yield facts(begun.user, moment(begun.time), took, origin, tags(run.user_tags))
    if run.reason and now != "succeeded":
        yield fault(cut(run.reason, _TRACEBACK))
    glance = {name: _StepGlance(name, history, now) for name in history.tasks_by_step}
    yield _graph(history.steps, glance)
    rows = [glance[name].row() for name in islice(glance, MOST)]
    yield table(("step", "tasks", "status", "began", "duration", "task time"), rows, _NUMBERS)
    yield from _more(len(glance), "step")


def _graph(steps: Mapping[str, StepRecord], glance: Mapping[str, _StepGlance]) -> Html:
    inside = {after for step in steps.values() if step.foreach or step.gang for after in step.next}
    boxes = {
        name: Box(name, glance[name].status, glance[name].told(), name in inside or len(glance[name].tasks) > 1)
        for name in steps
    }
    return picture(boxes, {name: step.next for name, step in steps.items()})


class _StepGlance:
    """A step of a run: how its tasks stand."""

    def __init__(self, name: str, history: RunHistory, run_status: str) -> None:
        self.name, self.tasks = name, history.tasks_by_step[name]
        self._counts: Dict[str, int] = {}
        for task in self.tasks:
            now = _status(task, run_status)
            self._counts[now] = self._counts.get(now, 0) + 1

    @property
    def status(self) -> str:
        """Empty where the step has not begun."""
        for each in ("failed", "killed", "stopped", "running", "waiting"):
            if self._counts.get(each):
                return "running" if each == "waiting" and len(self._counts) > 1 else each
        return next(iter(self._counts), "") if len(self._counts) < 2 else "succeeded"

    def told(self) -> str:
        """Below its name: counts where there are several tasks, and how long they took."""
        done = self._counts.get("succeeded", 0) + self._counts.get("caught", 0)
        if not self.tasks:
            return ""
        if done < len(self.tasks):
            failed = f", {self._counts['failed']:,} failed" if self._counts.get("failed") else ""
            return f"{done:,} of {len(self.tasks):,}{failed}" if len(self.tasks) > 1 else self.status
        took = duration(self._seconds())
        return took if len(self.tasks) == 1 else f"{counted(len(self.tasks), 'task')}, {took}"

    def row(self) -> Sequence[str]:
        began = min((task.created.time for task in self.tasks), default=None)
        ends = [task.result.time if task.result else None for task in self.tasks]
        ended = max((end for end in ends if end is not None), default=None) if None not in ends else None
        is_known = ended is not None and self._reused < len(self.tasks)  # what was taken over took no time here
        took = duration((ended or 0) - (began or 0)) if is_known else ""
        seconds = duration(self._seconds()) if any(task.attempts for task in self.tasks) else ""
        return self.name, self._told_tasks(), self._told_status(), moment(began), took, seconds

    def _told_tasks(self) -> str:
        reused = f" ({self._reused:,} reused)" if self._reused else ""
        return f"{len(self.tasks):,}{reused}" if self.tasks else ""

    @property
    def _reused(self) -> int:
        return sum(task.created.origin_task_id is not None for task in self.tasks)

    def _told_status(self) -> Html:
        if not self.tasks:
            return Html('<span class="dkf-dim">not begun</span>')
        if len(self._counts) == 1:
            return status(self.status)
        return Html("&ensp;".join(status_counted(name, count) for name, count in sorted(self._counts.items())))

    def _seconds(self) -> float:
        return sum(attempt.finished.seconds for task in self.tasks for attempt in task.attempts if attempt.finished)


def status_counted(name: str, count: int) -> Html:
    return Html(f"{status(name)} {count:,}")


def _status(task: TaskHistory, run_status: str) -> str:
    """Of a task; one that has no end in a run that has one is what the run is."""
    if task.result is not None and task.result.ok and task.result.caught:
        return "caught"
    failure = task.result.failure if task.result is not None else None
    if failure is not None and not (task.result and task.result.ok) and failure.kind == "stopped":
        return "stopped"
    if task.result is None and run_status in ("stopped", "killed", "failed"):
        return "killed" if run_status == "killed" else "stopped"
    return task.status


# ---- a step and a task


def _of_step(step: Any) -> Iterator[Html]:
    tasks, run_status = step._tasks, step._above.status
    by_status = sorted(tasks, key=lambda task: _status(task, run_status) != "failed")  # the failed ones first
    yield head("step", step.pathspec)
    yield facts(counted(len(tasks), "task"), step._record.doc.strip().split("\n")[0], *_image(step._record))
    titles = ("task", "foreach", "status", "attempts", "began", "duration", "peak memory", "why it failed")
    yield table(titles, [_task_row(task, run_status) for task in by_status[:MOST]], _NUMBERS)
    yield from _more(len(tasks), "task")


def _image(record: StepRecord) -> Iterator[Html]:
    if record.image:
        yield code(record.image)


def _task_row(task: TaskHistory, run_status: str) -> Sequence[str]:
    ended = task.latest
    index = ", ".join(f"{variable}[{number}]" for _, variable, number, _ in task.created.foreach)
    origin = "/".join(filter(None, [task.created.origin_run_id, task.created.origin_task_id]))
    task_id = Html(f"{code(task.created.task_id)}{escaped(f' reused from {origin}' if origin else '')}")
    why = glances.of_failure(ended.failure) if ended and ended.failure else ""
    took, peak = (duration(ended.seconds), size(ended.peak_memory)) if ended else ("", "")
    now, tries = _status(task, run_status), str(len(task.attempts))
    began = moment(task.created.time)
    return task_id, index, status(now), tries, began, took, peak, why


def _of_task(task: Any) -> Iterator[Html]:
    known: TaskHistory = task._task
    now, ended, run_status = known.created, task._ended, task._above._above.status
    peak = f"{size(ended.peak_memory)} of memory" if ended and ended.peak_memory else ""
    index = ", ".join(f"{variable}[{number}] of {count}" for _, variable, number, count in now.foreach)
    reused = f"reused from {task.origin_pathspec}" if task.origin_pathspec else ""
    yield head("task", task.pathspec, status(_status(known, run_status)))
    yield facts(index, moment(now.time), duration(ended.seconds if ended else None), peak, reused)
    if ended and ended.failure:
        failure = ended.failure
        text = failure.traceback[-_TRACEBACK:] or glances.of_failure(failure)
        yield fault("\n\n".join(filter(None, [text.strip(), failure.hint and f"hint: {failure.hint}"])))
    if len(known.attempts) > 1:
        yield table(("attempt", "status", "container", "host", "duration", "why it failed"), _attempts(known), _NUMBERS)
    yield from _artifacts([task[name] for name in islice(task._names(), MOST)], len(task._names()))


def _attempts(task: TaskHistory) -> Iterator[Sequence[str]]:
    for attempt in task.attempts[-MOST:]:
        begun, ended = attempt.started, attempt.finished
        now = "running" if ended is None else "caught" if ended.caught else "succeeded" if ended.ok else "failed"
        place = (begun.container, begun.host) if begun else ("", "")
        why = glances.of_failure(ended.failure) if ended and ended.failure else ""
        yield str(attempt.number), status(now), *place, duration(ended.seconds if ended else None), why


# ---- artifacts


def values(artifacts: Mapping[str, Any]) -> Callable[[Any], Iterator[Html]]:
    """Of `task.data` and `task.artifacts`."""
    some = [artifacts[name] for name in islice(artifacts, MOST)]
    return lambda shown: _artifacts(some, len(artifacts))


def _artifacts(some: Sequence[Any], count: int) -> Iterator[Html]:
    rows = [(code(each.id), escaped(each.type), size(each.size), glances.of_artifact(each)) for each in some]
    if rows:
        yield table(("artifact", "type", "size", "value"), rows, _NUMBERS)
    else:
        yield note("no artifacts")
    yield from _more(count, "artifact")


def _of_artifact(artifact: Any) -> Iterator[Html]:
    yield head("artifact", artifact.pathspec)
    libraries = ", ".join(f"{name} {version}" for name, version in artifact.libraries.items())
    yield facts(artifact.type, size(artifact.size), libraries)
    yield glances.whole(artifact)


def _more(count: int, thing: str) -> Iterator[Html]:
    if count > MOST:
        yield note(f"{MOST} of {counted(count, thing)}")


_PARTS: Tuple[Callable[[Any], Iterable[Html]], ...] = (_of_flow, _of_run, _of_step, _of_task, _of_artifact)
