"""Arrays that are texts for the most part come back as they were, whatever the texts and what stands beside them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from dockerflow.artifacts import texts
from tests.unit.artifacts.values import again, encoded, modules_named_by

ANY_TEXT = some.text(some.characters(exclude_categories=()), max_size=5)  # lone surrogates too
BESIDE = some.none() | some.floats() | some.integers() | some.just(pd.NA) | some.lists(some.integers(), max_size=2)


def objects(items: list[Any], shape: tuple[int, ...] = (-1,)) -> Any:
    made = np.empty(len(items), object)
    for at, item in enumerate(items):
        made[at] = item
    return made.reshape(shape)


def same(one: Any, other: Any) -> bool:
    return one.shape == other.shape and [(type(x), repr(x)) for x in one.flat] == [
        (type(x), repr(x)) for x in other.flat
    ]


@settings(deadline=None)
@given(some.lists(ANY_TEXT | BESIDE, min_size=1, max_size=40), some.integers(1, 300))
def test_texts_come_back_with_what_is_beside_them(items: list[Any], times: int) -> None:
    array = objects(items * times)
    assert same(again(array), array)


@pytest.mark.parametrize(
    "items",
    [
        [f"unique {number}" for number in range(texts.FEWEST)],
        [""] * texts.FEWEST,
        ["", "\n"] * texts.FEWEST,
        [*texts.SEPARATORS, *texts.SEPARATORS] * texts.FEWEST,
        [None, *map(str, range(texts.FEWEST)), float("nan"), pd.NA],
        [np.str_("numpy's own"), *map(str, range(texts.FEWEST))],
        [*map(str, range(texts.FEWEST)), *range(texts.FEWEST + 1)],
        [str(number % 300) for number in range(1000)],
        ["early"] * 5000 + [str(number) for number in range(10_000)],
    ],
    ids=lambda items: repr(items[:3]),
)
def test_unusual_columns_come_back(items: list[Any]) -> None:
    array = objects(items)
    assert same(again(array), array)
    assert modules_named_by(array) <= {"dockerflow.artifacts.rebuild", "pandas", "numpy"}


def test_the_shape_is_kept() -> None:
    array = objects([f"text {number}" for number in range(600)], (20, 30))
    assert same(again(array), array)
    assert same(again(array.T), array.T)


def test_equal_columns_give_equal_bytes_whichever_texts_are_the_same_object() -> None:
    one = "".join(["a", "b"])
    shared, apart = [one] * 1000, ["".join(["a", "b"]) for _ in range(1000)]
    assert encoded(objects(shared)) == encoded(objects(apart))


@pytest.mark.parametrize("numbers", [[n % 5000 for n in range(100_000)], [n // 20 for n in range(100_000)]])
def test_texts_that_repeat_are_stored_and_made_once(numbers: list[int]) -> None:
    """Whether they come in turns or sorted."""
    array = objects([f"a text of some length, number {number}" for number in numbers])
    assert len(encoded(array)) < 400_000
    assert len({id(text) for text in again(array)}) == 5000


def test_the_texts_of_a_column_are_read_by_a_python_without_protocol_5(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "HAS_PROTOCOL_5", False)
    array = objects([f"unique {number}" for number in range(1000)])
    assert same(again(array), array)
