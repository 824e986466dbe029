"""Runs with what was asked of them, as a table, as JSON, or as CSV."""

from __future__ import annotations

import csv
import datetime
import math
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import Any

from dockerflow.cli.tables import print_json, print_table
from dockerflow.cli.words import duration, size
from dockerflow.comparing.conditions import Several
from dockerflow.comparing.results import LACKS, Unread
from dockerflow.comparing.words import shown
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.store.overview import RunOverview

# What the table shows of a value.
ROOM = 40

# What every list has of a run.
_ALWAYS = ("run", "status", "started", "seconds", "user", "tags", "origin")


@dataclass
class Row:
    """One run and what was asked of it, by name; `journal` are the names of its segments."""

    flow: str
    run: RunOverview
    journal: tuple[str, ...]
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def started(self) -> float:
        return self.run.started.time if self.run.started else 0.0


def _table(rows: Sequence[Row], columns: Sequence[str]) -> None:
    resumed = any(row.run.started and row.run.started.origin_run_id for row in rows)
    shown_already = {"run", "status", "started", "user", "tags", *(["origin"] if resumed else [])}
    columns = [name for name in columns if name not in shown_already]
    if rows:
        titles = ("run", "status", "started", "took", "user", *(("resumes",) if resumed else ()), "tags", *columns)
        print_table([titles, *((*_cells(row, resumed), *(_cell(row, name) for name in columns)) for row in rows)])


def _cells(row: Row, with_origin: bool) -> tuple[str, ...]:
    line = _line(row)
    started = "" if line["started"] is None else time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(line["started"]))
    took = "" if line["seconds"] is None else duration(line["seconds"])
    origin = (line["origin"] or "",) if with_origin else ()
    return (line["run"], line["status"], started, took, line["user"], *origin, ", ".join(line["tags"]))


def _cell(row: Row, name: str) -> str:
    value = row.values[name]
    if name == "duration" and value is not LACKS:
        return duration(value)
    return _text(value)


def _text(value: Any) -> str:
    if value is LACKS:
        return ""
    if isinstance(value, Several):
        texts = [_text(each) for each in value[:4]]
        return ", ".join([*texts, *([f"… {len(value) - 4} more"] if len(value) > 4 else [])])
    if isinstance(value, Unread):
        return f"<{value.type}, {size(value.size)}>"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, str):
        return value if value.isprintable() and len(value) <= ROOM else shown(value, ROOM)
    return ", ".join(value) if value and isinstance(value, list) and _are_texts(value) else shown(value, ROOM)


def _are_texts(values: list[Any]) -> bool:
    return all(isinstance(each, str) for each in values) and len(", ".join(values)) <= ROOM


def _line(row: Row) -> dict[str, Any]:
    """What every list has of a run. Times are seconds since the epoch."""
    started, finished = row.run.started, row.run.finished
    return {
        "run": f"{row.flow}/{row.run.run_id}",
        "status": row.run.status,
        "started": started.time if started else None,
        "seconds": finished.time - started.time if started and finished else None,
        "user": started.user if started else "",
        "tags": sorted(row.run.tags),
        "origin": started.origin_run_id if started else None,
    }


def _json(rows: Sequence[Row], columns: Sequence[str]) -> None:
    lines = [_line(row) for row in rows]
    if columns:
        lines = [
            {**line, "columns": {name: for_programs(row.values[name]) for name in columns}}
            for line, row in zip(lines, rows, strict=True)
        ]
    print_json(lines)


def for_programs(value: Any) -> Any:
    """As JSON has it, and its text where JSON has no such value."""
    if value is LACKS:
        return None
    if isinstance(value, Unread):
        return {"type": value.type, "size": value.size}
    if isinstance(value, (list, tuple)):
        return [for_programs(each) for each in value]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {key: for_programs(each) for key, each in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def _csv(rows: Sequence[Row], columns: Sequence[str]) -> None:
    lines = csv.writer(sys.stdout, lineterminator="\n")
    columns = [
        name for name in columns if name not in ("run", "status", "started", "seconds", "user", "tags", "origin")
    ]
    lines.writerow(["run", "status", "started", "seconds", "user", "tags", "origin", *columns])
    for row in rows:
        line = _line(row)
        if line["started"] is not None:
            line["started"] = datetime.datetime.fromtimestamp(line["started"]).astimezone().isoformat()
        line["tags"] = ", ".join(line["tags"])
        lines.writerow([*line.values(), *(_csv_cell(row.values[name]) for name in columns)])


def _csv_cell(value: Any) -> Any:
    if isinstance(value, Several):
        return ", ".join(str(_csv_cell(each)) for each in value)
    if value is LACKS or isinstance(value, (Unread, float, bool, int, str)) or value is None:
        return _text(value) if value is LACKS or isinstance(value, Unread) else value
    return str(value)


FORMS: Mapping[str, Callable[[Sequence[Row], Sequence[str]], None]] = {"table": _table, "json": _json, "csv": _csv}
