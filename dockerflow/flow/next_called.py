"""What `self.next` was called with, at run time.

It must agree with what the source says: the steps that may follow a task were planned from that. Which of them follows
by a switch is decided here, and so is the number of tasks of a foreach or a gang.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import operator
from dataclasses import replace
from typing import Any, Dict, List, Optional, Tuple

from dockerflow.flow.errors import StepError
from dockerflow.flow.view import Taken, View, items_of

__all__ = ["taken_of"]

_FORMS = (
    'the forms are `self.next(self.a)`, `self.next(self.a, self.b)`, `self.next(self.a, foreach="items")`, '
    '`self.next(self.a, num_parallel=4)` and `self.next({"x": self.a, "y": self.b}, condition="kind")`'
)
_OPTIONS = ("foreach", "num_parallel", "condition")

# How much of a value is shown in a message.
_SHOWN = 60


def taken_of(flow: Any, view: View, steps: Tuple[Any, ...], options: Dict[str, Any]) -> Taken:
    """Raises StepError for a call that cannot be followed."""
    step = view.step
    if view.taken is not None:
        raise StepError(f"step `{step.name}` calls `self.next` twice", "leave one of the two out")
    for name in options:
        if name not in _OPTIONS:
            raise StepError(f"step `{step.name}` gives `self.next` an unknown option `{name}`", _FORMS)
    given = {name: value for name, value in options.items() if value is not None}
    if len(given) > 1:
        names = " and ".join(f"`{name}`" for name in given)
        raise StepError(f"step `{step.name}` gives `self.next` {names} at once", _FORMS)
    if "condition" in given:
        return _switch(flow, view, steps, given["condition"])
    found = Taken(tuple(_name(view, target) for target in steps), given.get("foreach"), gang="num_parallel" in given)
    if not found.steps:
        raise StepError(f"step `{step.name}` calls `self.next` without a step", _FORMS)
    _agree(view, found, step.condition is None)
    if found.gang:
        return replace(found, size=_nodes(view, given["num_parallel"]))
    if found.foreach is None:
        return found
    size, items = _items(flow, view, found.foreach)
    return replace(found, size=size, items=items)


def _agree(view: View, called: Taken, same_form: bool) -> None:
    step = view.step
    written = Taken(step.next, step.foreach, gang=step.gang)
    if called != written or not same_form:
        said = _shown(written) if step.condition is None else _shown_cases(step.cases, step.condition)
        raise StepError(
            f"step `{step.name}` is followed by {_shown(called)}, but the last line of its source says {said}",
            "the steps of a flow are planned before it runs: call `self.next` once, as the last line of the step",
        )


def _name(view: View, target: Any) -> str:
    name = getattr(getattr(target, "__func__", None), "__name__", None)
    if name is None or name not in view.flow.steps:
        raise StepError(f"step `{view.step.name}` gives `self.next` `{target!r}`, which is no step of the flow", _FORMS)
    return str(name)


# ---- a switch


def _switch(flow: Any, view: View, targets: Tuple[Any, ...], condition: Any) -> Taken:
    step = view.step
    if len(targets) != 1 or not isinstance(targets[0], dict) or not targets[0]:
        raise StepError(f"step `{step.name}` gives `self.next` a `condition` and no dictionary of steps", _FORMS)
    steps = {case: _name(view, target) for case, target in targets[0].items()}
    if condition != step.condition or not set(steps.values()) <= set(step.next):
        said = _shown_cases(step.cases, step.condition) if step.condition else _shown(Taken(step.next, step.foreach))
        raise StepError(
            f"step `{step.name}` is followed by {_shown_cases(tuple(steps.items()), condition)}, but the last line of "
            f"its source says {said}",
            "the steps of a flow are planned before it runs: call `self.next` once, as the last line of the step",
        )
    return Taken((_chosen(view, steps, condition, _condition(flow, view, condition)),))


def _condition(flow: Any, view: View, variable: str) -> Any:
    if hasattr(type(flow), variable):  # a property that fails does so with its own error
        return object.__getattribute__(flow, variable)
    try:
        return getattr(flow, variable)
    except AttributeError:
        message = f"the switch of step `{view.step.name}` is by `self.{variable}`, which does not exist"
        raise StepError(message, f"set `self.{variable}` before `self.next`") from None


def _chosen(view: View, steps: Dict[Any, str], variable: str, value: Any) -> str:
    try:
        found = steps.get(value)
    except TypeError:
        found = None  # a list, say, which is the key of no dictionary
    if found is not None:
        return found
    cases = ", ".join(f"`{_short(case)}`" for case in steps)
    kind = type(value).__name__
    same = next((case for case in steps if str(case) == str(value)), None)
    hint = f"give the switch a case for it, or set `self.{variable}` to one of its cases before `self.next`"
    if same is not None:
        hint = f"the case is of type `{type(same).__name__}`: the value must be equal to it, not only look so"
    raise StepError(
        f"the switch of step `{view.step.name}` is by `self.{variable}`, which is `{_short(value)}` (`{kind}`); "
        f"its cases are {cases}",
        hint,
    )


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


def _shown_cases(cases: Any, condition: Any) -> str:
    every = " or ".join(f"`{step}` for `{_short(case)}`" for case, step in cases)
    return f"{every}, by `{condition}`"


# ---- a gang, a foreach


def _nodes(view: View, number: Any) -> int:
    step = view.step.name
    try:
        nodes = operator.index(number)
    except TypeError:
        message = f"step `{step}` gives `num_parallel` `{_short(number)}`, which is no whole number"
        raise StepError(message, "say how many tasks there are to be at the same time: `num_parallel=4`") from None
    if nodes < 1:
        message = f"step `{step}` gives `num_parallel` {nodes}: a gang has 1 task or more"
        raise StepError(message, "say how many tasks there are to be at the same time: `num_parallel=4`")
    return nodes


def _items(flow: Any, view: View, variable: str) -> Tuple[int, Optional[List[Any]]]:
    step = view.step.name
    try:
        value = getattr(flow, variable)
    except AttributeError:
        hint = f"set `self.{variable}` before `self.next`"
        raise StepError(f"the foreach of step `{step}` is over `self.{variable}`, which does not exist", hint) from None
    try:
        found = items_of(value)
    except Exception as error:  # noqa: BLE001 - the user's own class, which may raise anything
        message = f"the foreach of step `{step}` is over `self.{variable}`, which is not iterable: {error}"
        cause = None if isinstance(error, TypeError) else error  # a TypeError says no more than the message
        raise StepError(message, f"make it a list: `self.{variable} = list(...)`") from cause
    if found[1] is None and variable not in vars(flow):  # a property, or a parameter with a parser: no stored value
        found = found[0], list(value)
    if found[0] == 0:
        hint = "a foreach needs at least one item"
        raise StepError(f"the foreach of step `{step}` is over `self.{variable}`, which is empty", hint)
    return found


def _shown(taken: Taken) -> str:
    names = " and ".join(f"`{name}`" for name in taken.steps)
    if taken.gang:
        return f"a gang of {names}"
    return names if taken.foreach is None else f"{names} for each of `{taken.foreach}`"
