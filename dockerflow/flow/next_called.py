"""What `self.next` was called with, at run time.

It must agree with what the source says: the steps that follow a task were planned from that.

Standard library only, Python 3.7.
"""

from __future__ import annotations

from typing import Any, Dict, Tuple

from dockerflow.flow.errors import StepError
from dockerflow.flow.view import Taken, View, items_of

__all__ = ["taken_of"]

_FORMS = 'the forms are `self.next(self.a)`, `self.next(self.a, self.b)` and `self.next(self.a, foreach="items")`'


def taken_of(flow: Any, view: View, steps: Tuple[Any, ...], options: Dict[str, Any]) -> Taken:
    """Raises StepError for a call that cannot be followed."""
    step = view.step
    if view.taken is not None:
        raise StepError(f"step `{step.name}` calls `self.next` twice", "leave one of the two out")
    foreach = options.pop("foreach", None)
    if options:
        raise StepError(f"step `{step.name}` gives `self.next` an unknown option `{next(iter(options))}`", _FORMS)
    names = tuple(_name(flow, view, target) for target in steps)
    if not names:
        raise StepError(f"step `{step.name}` calls `self.next` without a step", _FORMS)
    if names != step.next or foreach != step.foreach:
        raise StepError(
            f"step `{step.name}` is followed by {_shown(names, foreach)}, but the last line of its source says "
            f"{_shown(step.next, step.foreach)}",
            "the steps of a flow are planned before it runs: call `self.next` once, as the last line of the step",
        )
    if foreach is None:
        return Taken(names)
    size, items = _items(flow, view, foreach)
    return Taken(names, foreach, size, items)


def _name(flow: Any, view: View, target: Any) -> str:
    name = getattr(getattr(target, "__func__", None), "__name__", None)
    if name is None or name not in view.flow.steps:
        raise StepError(f"step `{view.step.name}` gives `self.next` `{target!r}`, which is no step of the flow", _FORMS)
    return str(name)


def _items(flow: Any, view: View, variable: str) -> Any:
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


def _shown(steps: Tuple[str, ...], foreach: Any) -> str:
    names = " and ".join(f"`{name}`" for name in steps)
    return names if foreach is None else f"{names} for each of `{foreach}`"
