"""What `--where` takes: what it means, and what is said of what it does not take."""

from __future__ import annotations

import datetime
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from dockerflow.comparing.conditions import Condition, Several, parse
from dockerflow.comparing.errors import ConditionError

OPERATORS = {"=": "=", "==": "=", "!=": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">=", "~": "~"}
NAMES = some.from_regex(r"[a-z_][a-z0-9_]{0,8}(\.[a-z_][a-z0-9_]{0,8})?", fullmatch=True)
SPACES = some.sampled_from(["", " ", "   "])


@given(NAMES, some.sampled_from(sorted(OPERATORS)), some.text(), SPACES, SPACES)
def test_any_text_can_be_meant_in_quotes(name: str, operator: str, text: str, before: str, behind: str) -> None:
    found = parse(f"{name}{before}{operator}{behind}{text!r}")
    assert found == Condition(name, OPERATORS[operator], text, text)


@given(NAMES, some.floats(allow_nan=False) | some.integers(), SPACES)
def test_a_number_is_the_number_that_python_reads(name: str, number: float, space: str) -> None:
    found = parse(f"{name}{space}>={space}{number}")
    assert (found.name, found.operator, found.value) == (name, ">=", number)


@given(some.from_regex(r"x *= *[-+0-9_.eE]{1,6}", fullmatch=True) | some.text())
@example("x = 1_")
@example("x = 1_.5")
def test_no_text_makes_a_traceback(text: str) -> None:
    with suppress(ConditionError):
        parse(text)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "expected a name at its end"),
        ("> 3", "expected a name at `> 3`, character 1"),
        ("9lives > 3", "expected a name at `9lives > 3`, character 1"),
        ("a.b.c > 3", "expected an operator at `.c > 3`, character 4"),
        ("accuracy", "there is no operator at its end"),
        ("accuracy => 3", "expected an operator at `=> 3`, character 10"),
        ("accuracy >", "there is no value at its end"),
        ("name = 'x", "this quote has no end at `'x`, character 8"),
        ("name = 'x' y", "expected nothing behind the text at `y`, character 12"),
        ("a > 1 and b < 2", "expected the end of one condition at `and b < 2`, character 7"),
    ],
)
def test_a_mistake_is_shown_where_it_is(text: str, place: str) -> None:
    with pytest.raises(ConditionError) as raised:
        parse(text)
    assert raised.value.message == f"`{text}` is no condition: {place}"


@pytest.mark.parametrize(
    ("text", "found", "holds"),
    [
        ("x > 0.9", 0.95, True), ("x > 0.9", 0.9, False), ("x = 1", 1.0, True), ("x != 1", 2, True),
        ("x > 0.9", "0.95", True), ("x > 9", "many", True), ("x = 3", "3", True), ("x > a", 3, False),
        ("x = 1", True, False), ("x = true", True, True), ("x != True", False, True), ("x = none", None, True),
        ("x > none", None, False), ("x = a", None, False), ("x != a", None, True), ("x < 1", 1j, False),
        ("x ~ ore", "forest", True), ("x ~ ore", "tree", False), ("x ~ b", ["a", "b"], True), ("x ~ 3", [1, 3], True),
        ("x ~ a", {"a": 1}, True), ("x ~ 1", 1, False), ("x > 2", Several((1, 3)), True),
        ("x > 3", Several((1, 3)), False), ("x > 2026-01", datetime.date(2026, 2, 1), True), ("x = [1]", [1], False),
        ("x = 1_0.5", 10.5, True), ("x = 1_", "1_", True),
    ],
)  # fmt: skip
def test_a_condition_holds_for_values_of_its_kind(text: str, found: Any, holds: bool) -> None:
    assert parse(text).holds(found) is holds
