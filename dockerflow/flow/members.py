"""What the classes of a flow hold: steps, parameters and configs, with those of base classes and mixins.

The most basic class comes first, and what a derived class says of a name stands in that name's place: a step that it
replaces keeps its position, one that it replaces by something else is gone.

Standard library only, Python 3.7.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List

from dockerflow.flow.decorators import is_step

__all__ = ["classes_of", "flow_spec_of", "members_of", "step_functions_of"]


def classes_of(cls: Any) -> List[Any]:
    """The class and its bases up to FlowSpec and object, which are not the user's; the most basic one first."""
    return [klass for klass in reversed(cls.__mro__) if klass is not object and not klass.__dict__.get("_own", False)]


def members_of(cls: Any, wanted: Callable[[Any], bool]) -> Dict[str, Any]:
    """The attributes of a flow that are `wanted`, by name."""
    found: Dict[str, Any] = {}
    for klass in classes_of(cls):
        for name, value in vars(klass).items():
            if wanted(value):
                found[name] = value
            else:
                found.pop(name, None)
    return found


def step_functions_of(cls: Any) -> Dict[str, Any]:
    """The functions with `@step` by name, in the order of their definition; those of bases come first."""
    return members_of(cls, is_step)


def flow_spec_of(cls: Any) -> Any:
    """FlowSpec itself, as the class was derived from it."""
    return next(klass for klass in cls.__mro__ if klass.__dict__.get("_own", False))
