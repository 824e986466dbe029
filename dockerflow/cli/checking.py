"""`check`, `show` and `output-dot`: what can be said about a flow without running it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dockerflow.cli import dot, drawing
from dockerflow.cli.flows import load_flow
from dockerflow.cli.streams import coloured
from dockerflow.cli.tables import print_json
from dockerflow.cli.words import counted
from dockerflow.flow.checks import check as require_sound
from dockerflow.flow.checks import problems
from dockerflow.flow.definition import Conda, Flow, Problem, Pypi
from dockerflow.flow.errors import FlowError, InvalidFlow, place
from dockerflow.flow.graph import graph_of
from dockerflow.flow.loading import LoadedFlow
from dockerflow.flow.parameters import user_name
from dockerflow.flow.project import project_of

if TYPE_CHECKING:
    from dockerflow.environments.spec import GivenLock

__all__ = ["check", "load_flow", "output_dot", "show"]

# For which a file's lines are read that are for some platforms alone. Another one makes no other line wrong.
_PLATFORM, _OTHER_PLATFORM = "linux-64", "linux-aarch64"


def check(loaded: LoadedFlow, branch: str | None = None, production: bool = False, as_json: bool = False) -> int:
    """Print every problem. `branch` and `production` are of the flow's project."""
    flow = loaded.flow
    others = [*_wrongly_asked(flow), *_wrong_hosts(flow), *_wrong_project(flow, branch, production)]
    found = [*problems(flow, containers=True), *(Problem("", 0, message, hint) for message, hint in others)]
    if as_json:
        print_json({"flow": flow.name, "steps": len(flow.steps), "problems": [_as_json(each) for each in found]})
    else:
        _tell(flow, found)
    return InvalidFlow.exit_code if found else 0


def _tell(flow: Flow, found: list[Problem]) -> None:
    """Each problem as `file:line: message`, its hint below it; one that is of no line as its message."""
    for each in found:
        print(f"{place(each.file, each.line)}: {each.message}" if each.file else each.message)
        if each.hint:
            print(f"  hint: {each.hint}")
    what = counted(len(found), "problem") if found else "no problems"
    print(f"{flow.name}: {counted(len(flow.steps), 'step')}, {what}")


def _as_json(problem: Problem) -> dict[str, Any]:
    where = {"file": problem.file or None, "line": problem.line or None}
    return {**where, "message": problem.message, "hint": problem.hint}


def _wrong_project(flow: Flow, branch: str | None, production: bool) -> list[tuple[str, str | None]]:
    try:
        project_of(flow, user_name(), branch, production)
    except FlowError as error:
        return [(error.message, error.hint)]
    return []


def _wrongly_asked(flow: Flow) -> list[tuple[str, str | None]]:
    """What is wrong with versions, channels, users' files and locks, each once. A file that is not there is one
    of the flow's own problems.
    """
    from dockerflow.config import load_config
    from dockerflow.environments.errors import EnvironmentsError
    from dockerflow.environments.request import environment_for
    from dockerflow.environments.spec import GivenLock

    config = load_config()
    found: dict[str, str | None] = {}
    for step in flow.steps.values():
        conda, pypi = step.decorator(Conda) or Conda(), step.decorator(Pypi) or Pypi()
        if not all(os.path.isfile(file) for file in (conda.file, conda.lock, pypi.file) if file is not None):
            continue
        try:
            environment = environment_for(step, config.channels, config.indexes, _PLATFORM)
            if isinstance(environment, GivenLock):
                _read_lock(environment, step.name)
        except EnvironmentsError as error:
            found[error.message] = error.hint
    return list(found.items())


def _wrong_hosts(flow: Flow) -> Iterator[tuple[str, str | None]]:
    """Steps that ask for a host which is not among those of the configuration. One without any hosts is of a machine
    that checks flows and does not run them.
    """
    from dockerflow.config import load_config
    from dockerflow.scheduler.errors import RunError
    from dockerflow.scheduler.placing import places

    config = load_config()
    for step in flow.steps.values() if config.hosts else ():
        try:
            places(replace(flow, steps={step.name: step}), (), config)
        except RunError as error:
            yield error.message, error.hint


def _read_lock(lock: GivenLock, step: str) -> None:
    """Raise LockFileError unless it can be used on some platform: which one is meant is known with the engine."""
    from dockerflow.environments import given
    from dockerflow.environments.lock_file import OtherPlatform

    try:
        given.read(lock, (step,))
    except OtherPlatform as error:
        try:
            given.read(replace(lock, platform=_OTHER_PLATFORM), (step,))
        except OtherPlatform:
            raise error from None


def show(loaded: LoadedFlow, as_json: bool = False) -> int:
    """Draw the flow. Raises InvalidFlow where there is no graph to draw."""
    flow = loaded.flow
    require_sound(flow)
    if as_json:
        print_json(_graph_as_json(flow))
        return 0
    width = max(40, shutil.get_terminal_size((100, 24)).columns)
    with_colours = coloured(sys.stdout)
    for line in drawing.draw(flow, width):
        print(drawing.coloured(line) if with_colours else drawing.plain(line))
    return 0


def _graph_as_json(flow: Flow) -> dict[str, Any]:
    """As `current.graph`, with each step's libraries in words. JSON has texts alone for keys."""
    graph = graph_of(flow)
    for name, step in graph["steps"].items():
        step["environment"] = drawing.environment(flow.steps[name])
        if "switch_cases" in step:
            step["switch_cases"] = {str(value): target for value, target in step["switch_cases"].items()}
    return graph


def output_dot(loaded: LoadedFlow) -> int:
    """Print the graph in the DOT language. Raises InvalidFlow where there is none."""
    require_sound(loaded.flow)
    print(dot.dot(loaded.flow))
    return 0
