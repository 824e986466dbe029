"""Which of a step's values can be stored, where some cannot: a task keeps the others, and says why.

Standard library only, Python 3.7.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Tuple

from dockerflow.artifacts import codec
from dockerflow.artifacts.errors import CannotEncode
from dockerflow.flow.tracebacks import type_name
from dockerflow.store.records import Failure


def split(values: Mapping[str, Any], step: str) -> Tuple[Failure, Dict[str, Any]]:
    """Why some of the values cannot be stored, of which there is one at least, and those that can."""
    faults: List[CannotEncode] = []
    good: Dict[str, Any] = {}
    for name, value in values.items():
        try:
            codec.encode(value, name)
            good[name] = value
        except CannotEncode as error:
            faults.append(error)
    return _failure(faults[0], {name: value for name, value in values.items() if name not in good}, step), good


def _failure(first: CannotEncode, bad: Mapping[str, Any], step: str) -> Failure:
    types = " and ".join(f"`{name}` ({_type_of(value)})" for name, value in bad.items())
    prefix = f"artifact `{next(iter(bad))}` cannot be stored: "
    reason = first.message[len(prefix) :] if first.message.startswith(prefix) else first.message
    return Failure(
        kind="artifact",
        message=f"step `{step}` cannot keep the artifact {types}: {reason}",
        type_name=type_name(first),
        hint=first.hint or "keep what it is made from instead, or let it be a variable of the step: no `self.`",
    )


def _type_of(value: Any) -> str:
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
