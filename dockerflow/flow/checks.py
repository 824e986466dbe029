"""Whether the steps of a flow fit together: every rule, all problems at once, in the order of their lines.

The rules accept and reject what Metaflow's do. A problem that follows from another one is not reported: where a step
is unknown or the steps go round in a circle, nothing is said about splits and joins.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import difflib
import re
from typing import Dict, Iterator, List, Optional, Set

from dockerflow.flow.balance import balance_problems
from dockerflow.flow.conda_names import hint_for_import
from dockerflow.flow.definition import Catch, Flow, Image, Problem, Pypi, Step
from dockerflow.flow.errors import InvalidFlow
from dockerflow.flow.forms import gang_problems, switch_problems
from dockerflow.flow.imports import has_any, libraries_of

__all__ = ["check", "problems"]

RESERVED = frozenset(("name", "next", "input", "index", "cmd", "foreach_stack", "merge_artifacts", "script_name"))
_NAME = re.compile(r"[a-z0-9][a-z0-9_]*\Z")


def check(flow: Flow, containers: bool = False) -> None:
    """Raise InvalidFlow with every problem of the flow, if it has any; `containers` as for `problems`."""
    found = problems(flow, containers)
    if found:
        raise InvalidFlow(flow.name, found)


def problems(flow: Flow, containers: bool = False) -> List[Problem]:
    """Every problem of a flow: the flow's file first, in the order of lines.

    With `containers` also what is none where all steps run in the Python that reads the flow.
    """
    found = [*_ends(flow), *_names(flow), *_transitions(flow), *_cycles(flow), *_unreachable(flow)]
    found += [*switch_problems(flow), *gang_problems(flow), *_catches(flow)]
    if not found and not any(_unread(step) for step in flow.steps.values()):
        found = balance_problems(flow)
    known = {(each.file, each.line) for each in flow.problems}
    lacking = [each for each in _lacking(flow) if (each.file, each.line) not in known] if containers else []
    every = dict.fromkeys([*flow.problems, *found, *lacking])
    return sorted(every, key=lambda each: (each.file != flow.file, each.file, each.line))


def _lacking(flow: Flow) -> Iterator[Problem]:
    """Imports that every step makes and those without any library cannot.

    A step that asks for some library may get the module with it, under another name or as what that one needs in turn:
    that is not known before its environment is there.
    """
    if not flow.imports:
        return
    asked = libraries_of(flow)
    without = [f"`{step.name}`" for step in flow.steps.values() if not asked[step.name] and not has_any(step)]
    if not without:
        return
    more = [f"{len(without) - 5} more"] if len(without) > 5 else []
    shown = [*without[:5], *more]
    steps = " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))
    which = f"step {steps} asks" if len(without) == 1 else f"steps {steps} ask"
    with_pypi, with_images = (any(step.decorator(kind) for step in flow.steps.values()) for kind in (Pypi, Image))
    for each in flow.imports:
        message = f"every step imports `{each.module}` with the flow file, and {which} for no library"
        yield Problem(each.file, each.line, message, hint_for_import(each.module, with_pypi, with_images))


def _unread(step: Step) -> bool:
    """Whether the step has a `self.next` that says nothing of what follows."""
    return bool(step.next_line) and not step.next


def _problem(step: Step, message: str, hint: Optional[str] = None, line: int = 0) -> Problem:
    return Problem(step.file, line or step.line, message, hint)


def _ends(flow: Flow) -> Iterator[Problem]:
    for name, what, mark in ((flow.start, "first", "start"), (flow.end, "last", "end")):
        if name not in flow.steps:
            near = difflib.get_close_matches(
                name, [step for step in flow.steps if step not in (flow.start, flow.end)], 1, 0.75
            )
            mark = f"call the {what} step of the flow `{name}`, or mark it with `@step({mark}=True)`"
            hint = f"is it `{near[0]}`?" if near else mark
            yield Problem(flow.file, flow.line, f"flow `{flow.name}` has no step `{name}`", hint)
    start, end = flow.steps.get(flow.start), flow.steps.get(flow.end)
    if start and start is not end:
        yield from _first(start)
    if end:
        yield from _last(flow, end)


def _first(start: Step) -> Iterator[Problem]:
    if start.join:
        hint = f"write `def {start.name}(self):`"
        yield _problem(start, f"step `{start.name}` takes `inputs`, but nothing comes before it", hint)
    if start.name in start.next and start.condition is not None:
        message = f"step `{start.name}` is followed by itself, and nothing may lead to the first step"
        yield _problem(start, message, "let another step after it repeat itself", start.next_line)


def _last(flow: Flow, end: Step) -> Iterator[Problem]:
    if end.join:
        hint = f"add a join step before it, and write `def {end.name}(self):`"
        yield _problem(end, f"step `{end.name}` takes `inputs`: the last step cannot be a join", hint)
    unread = not end.next and end.next_line == end.line  # without `self` it calls nothing
    if end.next_line and not unread and all(name in flow.steps for name in end.next):
        message = f"step `{end.name}` calls `self.next`: nothing follows it"
        yield _problem(end, message, "remove that line", end.next_line)


def _names(flow: Flow) -> Iterator[Problem]:
    for step in flow.steps.values():
        if step.name in RESERVED:
            yield _problem(step, f"step `{step.name}` has a reserved name", "give it another name")
        elif not _NAME.match(step.name):
            hint = "use lower-case letters, digits and `_`, and begin with a letter"
            yield _problem(step, f"step `{step.name}` has a name that a step cannot have", hint)


def _transitions(flow: Flow) -> Iterator[Problem]:
    for step in flow.steps.values():
        if not step.next_line and step.name != flow.end:
            hint = "end it with `self.next(self.<step>)`"
            yield _problem(step, f"step `{step.name}` does not call `self.next`", hint)
        for name in dict.fromkeys(step.next):
            if name not in flow.steps:
                near = _like(name, flow)
                hint = f"did you mean `{near}`?" if near else f"is `@step` missing on `{name}`?"
                yield _problem(
                    step, f"step `{step.name}` is followed by an unknown step `{name}`", hint, step.next_line
                )
            elif step.next.count(name) > 1:
                yield _problem(step, f"step `{step.name}` is followed by `{name}` twice", None, step.next_line)


def _like(name: str, flow: Flow) -> str:
    """The step whose name is most like this one; empty if none is."""
    return next(iter(difflib.get_close_matches(name, flow.steps, 1)), "")


def _catches(flow: Flow) -> Iterator[Problem]:
    """What follows a failure that was caught must be known without the step."""
    for step in flow.steps.values():
        form = "a foreach" if step.foreach else "a switch" if step.condition else "`num_parallel`" if step.gang else ""
        if form and step.decorator(Catch):
            hint = "move what may fail into a step before or after it"
            yield _problem(step, f"step `{step.name}` has `@catch` and {form}: these do not go together", hint)


def _cycles(flow: Flow) -> Iterator[Problem]:
    """Each circle once, at the `self.next` that closes it. By a switch a step may be followed by itself."""
    done: Set[str] = set()
    for first in flow.steps.values():
        if first.name not in done:
            yield from _cycles_from(flow, first, done)


def _cycles_from(flow: Flow, first: Step, done: Set[str]) -> Iterator[Problem]:
    """Goes every way from one step on, but not what is `done`. Not by recursion: a flow may have thousands of steps."""
    way = [first]
    left = {first.name: iter(dict.fromkeys(first.next))}  # of each step on the way, what follows and was not tried
    while way:
        step = way[-1]
        for name in left[step.name]:
            if name in left:
                if name != step.name or step.condition is None:
                    yield _circle(step, [*left, name])
            elif name not in done and name in flow.steps:
                way.append(flow.steps[name])
                left[name] = iter(dict.fromkeys(flow.steps[name].next))
                break
        else:
            del left[way.pop().name]
            done.add(step.name)


def _circle(step: Step, path: List[str]) -> Problem:
    circle = " → ".join(path[path.index(path[-1]) :])
    hint = "a flow goes one way: let `self.next` name a later step; a step alone may repeat, by a switch"
    return _problem(step, f"the steps go round in a circle: {circle}", hint, step.next_line)


def _unreachable(flow: Flow) -> Iterator[Problem]:
    """The steps that no way from the first one leads to; of several in a row, those that nothing else leads to."""
    if flow.start not in flow.steps or any(not step.next and step.name != flow.end for step in flow.steps.values()):
        return
    reached: Dict[str, None] = {}
    waiting = [flow.start]
    while waiting:
        name = waiting.pop()
        if name not in reached and name in flow.steps:
            reached[name] = None
            # A misspelt step is reported as such; the step that was meant is not unreachable as well.
            waiting += [
                next_name if next_name in flow.steps else _like(next_name, flow) for next_name in flow.steps[name].next
            ]
    missed = [step for step in flow.steps.values() if step.name not in reached]
    before = flow.preceding()
    roots = [step for step in missed if not set(before[step.name]) - {step.name}] or missed
    for step in roots:
        hint = f"name it in the `self.next` of the step before it, or remove `{step.name}`"
        yield _problem(step, f"step `{step.name}` cannot be reached from `{flow.start}`", hint)
