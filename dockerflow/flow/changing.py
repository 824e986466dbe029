"""Changes to a flow's class while its file is read, which the next reading takes back.

Classes of other modules are shared by the flows that are derived from them, and stay imported: what one flow's configs
and mutators make of a step must not be seen by another. So a flow gets functions of its own for all its steps, and
what is set on a class is remembered.

Standard library only, Python 3.7.
"""

from __future__ import annotations

from types import FunctionType
from typing import Any, Dict, List, Tuple

from dockerflow.flow.members import step_functions_of

__all__ = ["Changes"]

_BEFORE = "__dockerflow_before__"
_NOTHING = object()


class Changes:
    """The changes to one flow's class. What was changed by an earlier reading is as before when this is made."""

    def __init__(self, cls: Any) -> None:
        self._cls = cls
        before: List[Tuple[Any, str, Any]] = vars(cls).get(_BEFORE, [])
        for target, name, value in reversed(before):
            if value is not _NOTHING:
                setattr(target, name, value)
            elif name in vars(target):
                delattr(target, name)
        setattr(cls, _BEFORE, [])
        if "__dockerflow_constants__" in vars(cls):
            del cls.__dockerflow_constants__

    def set(self, target: Any, name: str, value: Any) -> None:
        vars(self._cls)[_BEFORE].append((target, name, vars(target).get(name, _NOTHING)))
        setattr(target, name, value)

    def remove(self, name: str) -> None:
        """Let the flow have no such attribute, whichever class it comes from."""
        self.set(self._cls, name, _Removed(name))

    def own_steps(self) -> Dict[str, Any]:
        """The functions of all steps, which are this flow's alone from now on."""
        for name, function in step_functions_of(self._cls).items():
            if isinstance(function, FunctionType):
                self.set(self._cls, name, _copied(function))
        return step_functions_of(self._cls)


class _Removed:
    """Stands where an attribute was; an attribute of a base class cannot be deleted."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        raise AttributeError(f"`{owner.__name__}` has no attribute `{self._name}`")


def _copied(function: FunctionType) -> FunctionType:
    found = FunctionType(
        function.__code__, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    for name in ("__kwdefaults__", "__doc__", "__annotations__", "__module__", "__qualname__"):
        setattr(found, name, getattr(function, name))
    vars(found).update(vars(function))
    return found
