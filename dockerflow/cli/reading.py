"""`logs`: what tasks have printed, for people and, with `--json`, for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator

from dockerflow.cli.pathspecs import Selection, origin_of, select
from dockerflow.cli.places import store_of_runs
from dockerflow.cli.plain import timestamp
from dockerflow.client.errors import not_found
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.store import log
from dockerflow.store.base import Store
from dockerflow.store.failures import log_lines
from dockerflow.store.history import Attempt, TaskHistory
from dockerflow.store.records import LogLine

# ---- logs

# Of one line in C: `dumps` with an indent is all Python, and a task may print a million of them.
_quoted = json.JSONEncoder(ensure_ascii=False).encode


@dataclass(frozen=True)
class Wanted:
    """What of a log is shown, and how. `attempt` None means the latest of each task."""

    streams: frozenset[str]
    timestamps: bool = False
    attempt: int | None = None
    as_json: bool = False


Printed = tuple[TaskHistory, Attempt, Iterator[LogLine]]


def logs(pathspec: str, wanted: Wanted, chosen: str | None) -> int:
    """Print what the named tasks printed; with several tasks, a line before each says which it is. All of it is read
    as it is shown: a log of gigabytes begins at once, and little of it is in memory."""
    store = store_of_runs(chosen)
    selection = select(store, pathspec)
    attempts = [(task, attempt) for task in selection.tasks if (attempt := _attempt(task, wanted.attempt))]
    if len(selection.tasks) == 1:
        _tell_what_is_not_there(selection, selection.tasks[0], wanted.attempt)
    elif wanted.attempt is not None and not attempts:
        print(f"no task of `{pathspec}` had an attempt {wanted.attempt}", file=sys.stderr)
    printed = ((task, attempt, _lines(store, selection, task, attempt, wanted)) for task, attempt in attempts)
    texts = _as_json(selection, printed) if wanted.as_json else _as_text(selection, printed, wanted.timestamps)
    sys.stdout.writelines(texts)
    return 0


def _as_text(selection: Selection, printed: Iterable[Printed], timestamps: bool) -> Iterator[str]:
    several, number = len(selection.tasks) > 1, 0
    for task, _, lines in printed:
        where = selection.pathspec(task)
        prefix = f"[{where.partition('/')[2]}] "
        for position, line in enumerate(lines):
            if position == 0 and several and not timestamps:
                yield f"{chr(10) if number else ''}==> {where} <==\n"
                number += 1
            yield f"{timestamp(line.time)} {prefix}{line.text}\n" if timestamps else line.text + "\n" * line.ended


def _as_json(selection: Selection, printed: Iterable[Printed]) -> Iterator[str]:
    """What `print_json` would print of a list with an object for each attempt."""
    before = "["
    for task, attempt, lines in printed:
        pathspec = _quoted(selection.pathspec(task))
        yield f'{before}\n  {{\n    "pathspec": {pathspec},\n    "attempt": {attempt.number},\n    "lines": ['
        between, end = "", ""
        for line in lines:
            yield f"{between}\n      {_line_as_json(line)}"
            between, end = ",", "\n    "
        yield f"{end}]\n  }}"
        before = ","
    yield "[]\n" if before == "[" else "\n]\n"


def _line_as_json(line: LogLine) -> str:
    values = (repr(line.time), _quoted(line.stream), _quoted(line.text), "true" if line.ended else "false")
    members = ",\n".join(f'        "{name}": {value}' for name, value in zip(line._fields, values, strict=True))
    return f"{{\n{members}\n      }}"


def _attempt(task: TaskHistory, number: int | None) -> Attempt | None:
    if number is None:
        return task.attempts[-1] if task.attempts else None
    return next((attempt for attempt in task.attempts if attempt.number == number), None)


def _tell_what_is_not_there(selection: Selection, task: TaskHistory, attempt: int | None) -> None:
    """About a task that was named: nothing printed has a reason. Raises NotFound for an attempt that there was not."""
    origin = origin_of(selection, task)
    if origin:
        print(f"reused from {origin}: see `dockerflow logs {origin}`", file=sys.stderr)
    elif attempt is not None and _attempt(task, attempt) is None:
        known = (str(each.number) for each in task.attempts)
        raise not_found("attempt", str(attempt), f"task `{selection.pathspec(task)}`", known)


def _lines(
    store: Store, selection: Selection, task: TaskHistory, attempt: Attempt, wanted: Wanted
) -> Iterator[LogLine]:
    """What the attempt printed, and why it failed."""
    complete = True
    for line in log.of_attempt(store, selection.flow, selection.run_id, task.created.task_id, attempt):
        if line.stream in wanted.streams:
            yield line
            complete = line.ended
    why = log_lines(attempt) if "stderr" in wanted.streams else []
    if why and not complete:
        yield LogLine(why[0].time, "stdout", "")
    yield from why
