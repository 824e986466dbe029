"""What follows a step, read from the syntax tree of its function.

A step ends with one call `self.next(...)`:

    self.next(self.a)                    one step follows
    self.next(self.a, self.b)            every one of them follows: a split
    self.next(self.a, foreach="items")   `a` follows once per item of `self.items`
    self.next(self.a, num_parallel=4)    `a` follows four times, at the same time: a gang
    self.next({"x": self.a, "y": self.b}, condition="kind")
                                         the one follows that has the value of `self.kind`: a switch

What the cases of a switch may be is in `cases_written`. Standard library only, Python 3.7.
"""

from __future__ import annotations

import ast
from typing import Any, Dict, List, Mapping, Optional, Tuple

from dockerflow.flow.cases_written import LookUp, cases_of
from dockerflow.lazy_dataclasses import dataclass

__all__ = ["FORMS", "Fault", "Found", "transition_of"]

FORMS = (
    'write `self.next(self.a)`, `self.next(self.a, self.b)`, `self.next(self.a, foreach="items")`, '
    '`self.next(self.a, num_parallel=4)` or `self.next({"x": self.a, "y": self.b}, condition="kind")`'
)
_OPTIONS = ("foreach", "num_parallel", "condition")


@dataclass(frozen=True)
class Fault:
    """Something wrong with a step's function; the message continues "step `x` …"."""

    line: int
    message: str
    hint: Optional[str] = None


@dataclass(frozen=True)
class Found:
    """As in `definition.Step`; `line` is that of `self.next`."""

    next: Tuple[str, ...] = ()
    line: int = 0
    foreach: Optional[str] = None
    join: bool = False
    condition: Optional[str] = None
    cases: Tuple[Tuple[Any, str], ...] = ()
    gang: bool = False
    problems: Tuple[Fault, ...] = ()


@dataclass(frozen=True)
class _Call:
    """A call of `self.next` and what its names mean: `names` are those of the module, `this` is the flow's."""

    line: int
    targets: List[ast.expr]
    options: Dict[Optional[str], ast.expr]
    this: str
    names: Mapping[str, Any]
    look_up: LookUp

    def faulty(self, message: str, hint: Optional[str] = FORMS, **found: Any) -> Found:
        return Found(line=self.line, problems=(Fault(self.line, message, hint),), **found)


def transition_of(function: ast.FunctionDef, names: Mapping[str, Any], look_up: LookUp) -> Found:
    """The transition of one step. `names` are those of its module, for `foreach=NAME`; `look_up` gives the value of
    `self.attribute.key` as far as the class has it, for the cases of a switch.
    """
    arguments = [argument.arg for argument in function.args.args]
    if not arguments:
        fault = Fault(function.lineno, "has no argument `self`", f"write `def {function.name}(self):`")
        return Found(problems=(fault,), line=function.lineno)
    problems: List[Fault] = []
    if len(arguments) > 2 or function.args.vararg or function.args.kwarg or function.args.kwonlyargs:
        hint = "a step takes `self`, and a join also `inputs`"
        problems.append(Fault(function.lineno, "takes too many arguments", hint))
    join = len(arguments) > 1
    call = _last_call_of_next(function, arguments[0])
    if call is None:
        calls = _calls_of_next(function, arguments[0])
        problems += [_before_the_end(calls)] if calls else []
        return Found(line=calls[0].lineno if calls else 0, join=join, problems=tuple(problems))
    options = {keyword.arg: keyword.value for keyword in call.keywords}
    found = _read(_Call(call.lineno, call.args, options, arguments[0], names, look_up))
    if join and (len(found.next) > 1 or found.foreach or found.gang or found.condition):
        what = "switch" if found.condition else "split"
        problems.append(Fault(call.lineno, f"is a join and a {what} at once", "put another step between the two"))
    return _with(found, join, (*problems, *found.problems))


def _with(found: Found, join: bool, problems: Tuple[Fault, ...]) -> Found:
    return Found(
        found.next, found.line, found.foreach, join, found.condition, found.cases, found.gang, problems
    )  # `replace` needs more time than all the rest, and every step comes by here


def _last_call_of_next(function: ast.FunctionDef, this: str) -> Optional[ast.Call]:
    """The call of `self.next` that is the last line of the function."""
    tail = function.body[-1]
    ends = isinstance(tail, ast.Expr) and isinstance(tail.value, ast.Call) and _is_next(tail.value, this)
    return tail.value if ends else None  # type: ignore[attr-defined]


def _calls_of_next(function: ast.FunctionDef, this: str) -> List[ast.Call]:
    calls = [node for node in ast.walk(function) if isinstance(node, ast.Call) and _is_next(node, this)]
    return sorted(calls, key=lambda call: call.lineno)


def _before_the_end(calls: List[ast.Call]) -> Fault:
    if len(calls) == 1:
        return Fault(calls[0].lineno, "calls `self.next` before its end", "make it the last line of the step")
    lines = " and ".join(str(call.lineno) for call in calls[1:])
    hint = 'call it once, as the last line; to choose: `self.next({True: self.a, False: self.b}, condition="good")`'
    return Fault(calls[0].lineno, f"calls `self.next` in several places, also on line {lines}", hint)


def _is_next(node: ast.Call, this: str) -> bool:
    if not isinstance(node.func, ast.Attribute):
        return False
    return node.func.attr == "next" and isinstance(node.func.value, ast.Name) and node.func.value.id == this


def _read(call: _Call) -> Found:
    """What a call of `self.next` says, and what is wrong with it."""
    unknown = next((name for name in call.options if name not in _OPTIONS), "")
    if unknown is None:
        return call.faulty("gives `self.next` options by `**`")
    if unknown:
        return call.faulty(f"gives `self.next` an unknown option `{unknown}`")
    if len(call.options) > 1:
        names = " and ".join(f"`{name}`" for name in call.options)
        return call.faulty(f"gives `self.next` {names} at once", "write one of them")
    if "condition" in call.options or any(isinstance(target, ast.Dict) for target in call.targets):
        return _switch(call)
    targets = tuple(target.attr for target in call.targets if isinstance(target, ast.Attribute))
    if len(targets) < len(call.targets) or not targets:
        return call.faulty("calls `self.next` with something else than steps")
    if "foreach" in call.options:
        return _foreach(call, targets)
    if "num_parallel" not in call.options:
        return Found(targets, call.line)
    if len(targets) > 1:
        hint = "a gang is made of one step"
        return call.faulty("names more than one step for its `num_parallel`", hint, next=targets, gang=True)
    return Found(targets, call.line, gang=True)


def _foreach(call: _Call, targets: Tuple[str, ...]) -> Found:
    foreach = _text(call.options["foreach"], call.names)
    if foreach is None:
        hint = 'name the variable that holds the items: `foreach="items"`'
        return call.faulty("gives `foreach` something else than a text", hint, next=targets, foreach="")
    if len(targets) > 1:
        hint = "a foreach is followed by one step"
        return call.faulty("names more than one step for its foreach", hint, next=targets, foreach=foreach)
    return Found(targets, call.line, foreach)


def _switch(call: _Call) -> Found:
    example = 'write `self.next({"x": self.a, "y": self.b}, condition="kind")`'
    if "condition" not in call.options:
        return call.faulty("gives `self.next` a dictionary and no `condition`", example)
    if len(call.targets) != 1 or not isinstance(call.targets[0], ast.Dict):
        return call.faulty("gives `self.next` a `condition` and no dictionary of steps", example)
    condition = _text(call.options["condition"], {})
    if condition is None:
        hint = 'name the variable that decides, in quotes: `condition="kind"`'
        return call.faulty("gives `condition` something else than a text", hint)
    cases, wrong = cases_of(call.targets[0], call.this, call.look_up)
    if wrong is not None:
        return call.faulty(*wrong)
    steps = tuple(dict.fromkeys(step for _, step in cases))
    found = Found(steps, call.line, condition=condition, cases=cases)
    if len(cases) < 2:
        return call.faulty("has a switch with one case", "give it two or more", next=steps, condition=condition)
    return found


def _text(node: ast.AST, names: Mapping[str, Any]) -> Optional[str]:
    """A text in quotes, or the name of one of the module."""
    try:
        value = names.get(node.id) if isinstance(node, ast.Name) else ast.literal_eval(node)
    except ValueError:
        return None
    return value if isinstance(value, str) and value else None
