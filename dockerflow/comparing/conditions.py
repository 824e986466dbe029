"""A condition on a run, as a user types it: `accuracy > 0.9`, `status = failed`, `train.model ~ forest`.

    condition  = name operator value
    name       = word | word "." word            a parameter, an artifact, or what a list of runs shows; see `results`
    operator   = "=" | "==" | "!=" | "<" | "<=" | ">" | ">=" | "~"
    value      = text in quotes | number | true | false | none | text without quotes

Numbers compare as numbers, texts as texts. `~` means: contains, a text in a text or an item in a list.
"""

from __future__ import annotations

import ast
import datetime
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from dockerflow.comparing.arrays import is_number
from dockerflow.comparing.errors import ConditionError
from dockerflow.lazy_dataclasses import dataclass

__all__ = ["Condition", "Several", "parse"]

_NAME = re.compile(r"\s*([^\W\d]\w*(?:\.\w+)?)\s*")
_OPERATOR = re.compile(r"(==|!=|<=|>=|=|<|>|~)(?![=<>~!])\s*")
_DIGITS = r"\d(?:_?\d)*"
_NUMBER = re.compile(rf"[+-]?({_DIGITS}(\.({_DIGITS})?)?|\.{_DIGITS})([eE][+-]?\d+)?|[+-]?inf")
_WORDS = {"true": True, "false": False, "none": None}
_ANOTHER = re.compile(r"[<>=!~]|\s(and|or)\s|&&|\|\|", re.IGNORECASE)

_ALLOWED = "write `NAME OPERATOR VALUE`, as `accuracy > 0.9`; operators are `=`, `!=`, `<`, `<=`, `>`, `>=` and `~`"

_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


class Several(tuple[Any, ...]):
    """The values of the tasks of a step: a condition holds if it does for one of them."""


@dataclass(frozen=True)
class Condition:
    """`value` is what is meant by `written`, which stands behind the operator."""

    name: str
    operator: str
    value: Any
    written: str

    def holds(self, found: Any) -> bool:
        if isinstance(found, Several):
            return any(map(self.holds, found))
        if isinstance(found, (datetime.date, datetime.time)):
            found = str(found)
        if self.operator == "~":
            return self._is_in(found)
        if (is_number(found) and is_number(self.value)) or type(found) is type(self.value) is not str:
            return self._compare(found, self.value)
        if isinstance(found, str):
            return self._compare(found, self.written)
        return self.operator == "!="

    def _compare(self, found: Any, value: Any) -> bool:
        try:
            return bool(_COMPARE[self.operator](found, value))
        except TypeError:  # of complex numbers, and of None, none is the larger
            return False

    def _is_in(self, found: Any) -> bool:
        if isinstance(found, str):
            return self.written in found
        if isinstance(found, (list, tuple, set, frozenset, dict)):
            return any(item == self.value or item == self.written for item in found)
        return False


def parse(text: str) -> Condition:
    """Raises ConditionError, which says where the text is wrong and what would be right."""
    name = _NAME.match(text)
    if name is None:
        raise _wrong(text, 0, "expected a name", _ALLOWED)
    found = _OPERATOR.match(text, name.end())
    if found is None:
        at = name.end()
        raise _wrong(text, at, "expected an operator" if text[at:].strip() else "there is no operator", _ALLOWED)
    written, value = _value(text, found.end())
    return Condition(name[1], "=" if found[1] == "==" else found[1], value, written)


def _value(text: str, at: int) -> tuple[str, Any]:
    """What is written, without quotes, and what it means."""
    rest = text[at:].strip()
    if not rest:
        raise _wrong(text, len(text), "there is no value", f"{_ALLOWED}; an empty text is `''`")
    if rest[0] in "'\"":
        return _quoted(text, at, rest)
    another = _ANOTHER.search(rest)
    if another is not None:
        hint = "give `--where` once for each condition, all must hold; a text with such characters stands in quotes"
        raise _wrong(text, at + another.start(), "expected the end of one condition", hint)
    if _NUMBER.fullmatch(rest):
        return rest, _number(rest)
    return rest, _WORDS.get(rest.lower(), rest)


def _quoted(text: str, at: int, rest: str) -> tuple[str, str]:
    end = re.match(r"""("([^"\\]|\\.)*"|'([^'\\]|\\.)*')""", rest)
    if end is None:
        raise _wrong(text, at, "this quote has no end", "put the same quote behind the text")
    if end.end() < len(rest):
        hint = "give `--where` once for each condition, all must hold"
        raise _wrong(text, at + end.end(), "expected nothing behind the text", hint)
    try:
        inner = str(ast.literal_eval(rest))
    except (ValueError, SyntaxError):
        inner = rest[1:-1]
    return inner, inner


def _number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        return float(text)


def _wrong(text: str, at: int, what: str, hint: str) -> ConditionError:
    rest = text[at:].strip()
    place = f"at `{rest}`, character {len(text) - len(text[at:].lstrip()) + 1}" if rest else "at its end"
    return ConditionError(f"`{text}` is no condition: {what} {place}", hint)
