"""The cases of a switch, read from the dictionary that `self.next` is given.

A case is a text, a number, True or False as it stands there, or `self.config.key`: what can be told apart before the
flow runs. As in any dictionary the last of equal cases counts.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import ast
from contextlib import suppress
from typing import Any, Callable, Dict, Mapping, Optional, Tuple

from dockerflow.flow.expressions import resolved

__all__ = ["Cases", "LookUp", "cases_of", "look_up_in"]

# (value, step), in the order in which they are written.
Cases = Tuple[Tuple[Any, str], ...]

# The value of `self.attribute.key`, by these two names, or what stands for it where only a task can know.
LookUp = Callable[[str, str], Any]

Wrong = Tuple[str, str]  # what a step does, and a hint

# What is one word of Python; the names but the first are those of Python 3.7. `-1`, which is two, is no case for
# Metaflow either.
_CONSTANTS = ("Constant", "Str", "Num", "Bytes", "NameConstant")


def cases_of(node: ast.Dict, this: str, look_up: LookUp) -> Tuple[Cases, Optional[Wrong]]:
    """The cases, or why there are none."""
    found: Dict[Any, Tuple[Any, str]] = {}
    for key, value in zip(node.keys, node.values):
        case = None if key is None else _case(key, this)
        if case is None:
            hint = "write each case as a text, a number, True, False or `self.config.key`"
            return (), (f"has a case in its switch that is {_shown(key)}", hint)
        step = _own_attribute(value, this)
        if step is None:
            return (), ("has a case in its switch that leads to no step", "name a step for each case: `self.a`")
        value_of_case = look_up(*case) if isinstance(case, tuple) else case
        found[case] = found.get(case, (value_of_case, ""))[0], step  # of equal ones the first's key, the last's step
    return tuple(found.values()), None


def look_up_in(cls: Any, configs: Mapping[str, Any]) -> LookUp:
    """Gives the value of `self.attribute.key` as the class of a flow has it, as a config does; else these words.
    `configs` are the values of the flow's configs by their names.
    """

    def look_up(attribute: str, key: str) -> Any:
        with suppress(Exception):  # the user's own class, which may raise anything
            value = resolved(getattr(getattr(cls, attribute), key), configs)
            if isinstance(value, (str, int, float)):
                return value
        return f"self.{attribute}.{key}"

    return look_up


def _case(key: ast.expr, this: str) -> Any:
    """The value as it is written, or the two names of `self.config.key`; None for what is neither."""
    if type(key).__name__ in _CONSTANTS:
        return ast.literal_eval(key)
    holder = _own_attribute(key.value, this) if isinstance(key, ast.Attribute) else None
    return None if holder is None else (holder, key.attr)  # type: ignore[attr-defined]


def _own_attribute(node: ast.expr, this: str) -> Optional[str]:
    """`x` of `self.x`."""
    own = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == this
    return node.attr if own else None  # type: ignore[attr-defined]


def _shown(key: Optional[ast.expr]) -> str:
    if key is None:
        return "taken from another dictionary by `**`"
    if isinstance(key, ast.Name):
        return f"the variable `{key.id}`"
    if getattr(key, "value", ...) is None:
        return "None"
    return "not written out"
