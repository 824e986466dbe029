"""Events of runs as lists, for the tests of both views."""

from __future__ import annotations

import os

from dockerflow import progress as p
from dockerflow.store.records import Failure, LogLine

NOON = 1_769_860_800.123  # 2026-01-31 12:00:00.123 UTC

TRACEBACK = """\
Traceback (most recent call last):
  File "flow.py", line 3, in start
    1/0
ZeroDivisionError: division by zero"""
RAISED = Failure("exception", "division by zero", "builtins.ZeroDivisionError", TRACEBACK)
KILLED = Failure(
    "out_of_memory", "step `start` used more than its 512 MiB", hint="ask for more with `@resources(memory=1024)`"
)


def prepared(*, again: bool) -> list[p.Event]:
    """Two environments made, or (`again`) found."""
    first, others = ("start",), ("compute", "join", "end")
    if again:
        return [
            p.EnvironmentLocked(first, "store", 12, 0.0),
            p.EnvironmentLocked(others, "committed", 14, 0.0, os.path.abspath("flow.locks/linux-64.yml")),
            p.ImageReady(first, "dockerflow/step:aa", 20, 0, 0, 0, 0.1),
            p.ImageReady(others, "dockerflow/step:bb", 20, 0, 0, 0, 0.1),
        ]
    return [
        p.EnvironmentSolving(first),
        p.EnvironmentLocked(first, "solved", 12, 0.1),
        p.EnvironmentLocked(others, "store", 14, 0.0),
        p.LayerReady(first, "libfoo 1.0", 1, 2, 1_000_000, reused=True),
        p.LayerReady(first, "pandas 2.2.3", 2, 2, 40_000_000, reused=False),
        p.ImageReady(first, "dockerflow/step:aa", 20, 14, 2, 120_000_000, 3.0, 150_000_000),
        p.ImageReady(others, "dockerflow/step:bb", 20, 0, 0, 0, 0.1),
    ]


def run_began() -> p.Event:
    return p.RunBegan("GenreStats", "171234", ("start", "compute", "join", "end"))


def printed(text: str, stream: str = "stdout", step: str = "start", task: str = "1") -> p.Event:
    return p.TaskPrinted(step, task, 0, (LogLine(NOON, stream, text),))


def task(step: str, task_id: str, seconds: float = 1.0) -> list[p.Event]:
    return [
        p.TasksCreated(step, 1),
        p.AttemptBegan(step, task_id, 0),
        p.AttemptEnded(step, task_id, 0, ok=True, caught=False, failure=None, seconds=seconds),
    ]


def failed_task(
    step: str, task_id: str, why: Failure, retry_in: float | None = None, caught: bool = False
) -> list[p.Event]:
    return [
        p.TasksCreated(step, 1),
        p.AttemptBegan(step, task_id, 0),
        p.AttemptEnded(step, task_id, 0, ok=False, caught=caught, failure=why, seconds=2.0, retry_in=retry_in),
    ]


def run_ended(status: str = "succeeded") -> p.Event:
    return p.RunEnded("GenreStats", "171234", status, "", 12.0)
