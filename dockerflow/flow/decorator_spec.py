"""A decorator as text, `retry:times=4,minutes_between_retries=0`: of `--with`, and of mutators.

A value is JSON, or a number, or else the text as it stands; a comma begins the next option only where a name and `=`
follow it. An option whose name is a number is an argument without a name, at that position.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import json
import re
from dataclasses import field
from typing import Any, Dict, List

from dockerflow.flow.errors import FlowError
from dockerflow.lazy_dataclasses import dataclass

__all__ = ["DecoratorSpec", "parsed_spec"]

_NEXT = re.compile(r",(?=[\s\w]+=)")


@dataclass(frozen=True)
class DecoratorSpec:
    """`name` may be dotted: a decorator that a user wrote, by its module."""

    name: str
    arguments: List[Any] = field(default_factory=list)
    options: Dict[str, Any] = field(default_factory=dict)


def parsed_spec(text: str) -> DecoratorSpec:
    """Raises FlowError for an option without a value."""
    name, _, rest = text.partition(":")
    arguments: Dict[int, Any] = {}
    options: Dict[str, Any] = {}
    for part in _NEXT.split(rest) if rest.strip() else []:
        option, equals, value = part.partition("=")
        if not equals:
            hint = "write `name:option=value,option=value`"
            raise FlowError(f"`{part}` in the decorator `{text}` is no option with a value", hint)
        if option.strip().isdigit():
            arguments[int(option)] = _value(value)
        else:
            options[option.strip()] = _value(value)
    positions = range(max(arguments, default=-1) + 1)
    return DecoratorSpec(name.strip(), [arguments.get(position) for position in positions], options)


def _value(text: str) -> Any:
    text = text.strip()
    for read in (lambda: json.loads(text.replace('\\"', '"')), lambda: int(text), lambda: float(text)):
        try:
            return read()
        except ValueError:
            continue
    return text
