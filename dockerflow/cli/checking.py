"""`check` and `show`: what can be said about a flow without running it."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from dockerflow.cli import drawing
from dockerflow.cli.flows import load_flow
from dockerflow.cli.streams import coloured
from dockerflow.cli.words import counted
from dockerflow.flow.checks import check as require_sound
from dockerflow.flow.checks import problems
from dockerflow.flow.errors import InvalidFlow, place


def check(file: Path, name: str | None) -> int:
    """Print every problem as `file:line: message`, its hint below it."""
    flow = load_flow(file, name).flow
    found = problems(flow, containers=True)
    for problem in found:
        print(f"{place(problem.file, problem.line)}: {problem.message}")
        if problem.hint:
            print(f"  hint: {problem.hint}")
    what = counted(len(found), "problem") if found else "no problems"
    print(f"{flow.name}: {counted(len(flow.steps), 'step')}, {what}")
    return InvalidFlow.exit_code if found else 0


def show(file: Path, name: str | None) -> int:
    """Draw the flow. Raises InvalidFlow where there is no graph to draw."""
    flow = load_flow(file, name).flow
    require_sound(flow)
    width = max(40, shutil.get_terminal_size((100, 24)).columns)
    with_colours = coloured(sys.stdout)
    for line in drawing.draw(flow, width):
        print(drawing.coloured(line) if with_colours else drawing.plain(line))
    return 0
