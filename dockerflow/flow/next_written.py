"""What follows a step, read from the syntax tree of its function.

A step ends with one call `self.next(...)`:

    self.next(self.a)                    one step follows
    self.next(self.a, self.b)            every one of them follows: a split
    self.next(self.a, foreach="items")   `a` follows once per item of `self.items`

Standard library only, Python 3.7.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Any, List, Mapping, Optional, Tuple

__all__ = ["Fault", "Found", "transition_of"]

_FORMS = 'write `self.next(self.a)`, `self.next(self.a, self.b)` or `self.next(self.a, foreach="items")`'


@dataclass(frozen=True)
class Fault:
    """Something wrong with a step's function; the message continues "step `x` …"."""

    line: int
    message: str
    hint: Optional[str] = None


@dataclass(frozen=True)
class Found:
    next: Tuple[str, ...] = ()
    line: int = 0
    foreach: Optional[str] = None
    join: bool = False
    problems: Tuple[Fault, ...] = ()


def transition_of(function: ast.FunctionDef, names: Mapping[str, Any]) -> Found:
    """The transition of one step; `names` are those of its module, for `foreach=NAME`."""
    arguments = [argument.arg for argument in function.args.args]
    problems: List[Fault] = []
    if not arguments:
        problems.append(Fault(function.lineno, "has no argument `self`", "write `def step(self):`"))
        return Found(problems=tuple(problems), line=function.lineno)
    if len(arguments) > 2 or function.args.vararg or function.args.kwarg or function.args.kwonlyargs:
        hint = "a step takes `self`, and a join also `inputs`"
        problems.append(Fault(function.lineno, "takes too many arguments", hint))
    join = len(arguments) > 1
    call, last = _call_of_next(function, arguments[0])
    if call is None:
        return Found(join=join, problems=tuple(problems))
    if not last:
        problems.append(Fault(call.lineno, "calls `self.next` before its end", "make it the last line of the step"))
    targets, foreach, wrong = _read(call, names)
    if (join and len(targets) > 1) or (join and foreach):
        problems.append(Fault(call.lineno, "is a join and a split at once", "put another step between the two"))
    problems += wrong
    return Found(targets, call.lineno, foreach, join, tuple(problems))


def _call_of_next(function: ast.FunctionDef, this: str) -> Tuple[Optional[ast.Call], bool]:
    """The call of `self.next` that ends the function, or else the first one in it; and whether it ends it."""
    tail = function.body[-1]
    if isinstance(tail, ast.Expr) and isinstance(tail.value, ast.Call) and _is_next(tail.value, this):
        return tail.value, True
    calls = [node for node in ast.walk(function) if isinstance(node, ast.Call) and _is_next(node, this)]
    return (min(calls, key=lambda node: node.lineno), False) if calls else (None, False)


def _is_next(node: ast.Call, this: str) -> bool:
    if not isinstance(node.func, ast.Attribute):
        return False
    return node.func.attr == "next" and isinstance(node.func.value, ast.Name) and node.func.value.id == this


def _read(call: ast.Call, names: Mapping[str, Any]) -> Tuple[Tuple[str, ...], Optional[str], List[Fault]]:
    """The steps named by a call of `self.next`, the variable of its foreach, and what is wrong with it."""
    line = call.lineno
    options = {keyword.arg: keyword.value for keyword in call.keywords}
    if "condition" in options or any(isinstance(argument, ast.Dict) for argument in call.args):
        return (), None, [Fault(line, "chooses its next step by a condition, which is not supported", _FORMS)]
    if "num_parallel" in options:
        return (), None, [Fault(line, "uses `num_parallel`, which is not supported", _FORMS)]
    targets = tuple(argument.attr for argument in call.args if isinstance(argument, ast.Attribute))
    if len(targets) < len(call.args) or not targets:
        return (), None, [Fault(line, "calls `self.next` with something else than steps", _FORMS)]
    wrong = [
        Fault(line, f"gives `self.next` an unknown option `{name}`", _FORMS) for name in options if name != "foreach"
    ]
    if "foreach" not in options:
        return targets, None, wrong
    foreach = _text(options["foreach"], names)
    if foreach is None:
        hint = 'name the variable that holds the items: `foreach="items"`'
        wrong.append(Fault(line, "gives `foreach` something else than a text", hint))
    elif len(targets) > 1:
        wrong.append(Fault(line, "names more than one step for its foreach", "a foreach is followed by one step"))
    return targets, foreach, wrong


def _text(node: ast.AST, names: Mapping[str, Any]) -> Optional[str]:
    """A text in quotes, or the name of one of the module."""
    try:
        value = names.get(node.id) if isinstance(node, ast.Name) else ast.literal_eval(node)
    except ValueError:
        return None
    return value if isinstance(value, str) and value else None
