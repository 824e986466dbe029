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
    """The changes to one flow's class and its bases. What an earlier reading has changed of them, of this flow or of
    another one with the same bases, is as before when this is made.
    """

    def __init__(self, cls: Any) -> None:
        self._cls = cls
        for klass in cls.__mro__:
            _take_back(klass)

    def set(self, target: Any, name: str, value: Any) -> None:
        """Let a class of the flow have this attribute."""
        if _BEFORE not in vars(target):
            setattr(target, _BEFORE, [])
        vars(target)[_BEFORE].append((name, vars(target).get(name, _NOTHING)))
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


def _take_back(klass: Any) -> None:
    before: List[Tuple[str, Any]] = vars(klass).get(_BEFORE, [])
    while before:
        name, value = before.pop()
        if value is not _NOTHING:
            setattr(klass, name, value)
        elif name in vars(klass):
            delattr(klass, name)
    if "__dockerflow_constants__" in vars(klass):
        del klass.__dockerflow_constants__


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
