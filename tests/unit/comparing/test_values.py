"""What is said of two values that differ, without loading either."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from decimal import Decimal
from typing import Any

import numpy
import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as some

from dockerflow.artifacts import codec
from dockerflow.artifacts.rebuild import array
from dockerflow.comparing import arrays, words
from dockerflow.comparing.contents import changed_lines
from dockerflow.comparing.errors import Unreadable
from dockerflow.comparing.inert import Made, look
from dockerflow.comparing.values import difference
from dockerflow.comparing.words import Difference
from dockerflow.flow.config_value import ConfigValue


def stored(value: Any) -> bytes:
    return b"".join(bytes(chunk) for chunk in codec.encode(value).chunks)


def between(one: Any, other: Any) -> Difference | None:
    return difference(look(stored(one)), look(stored(other)))


def said(one: Any, other: Any) -> list[str]:
    found = between(one, other)
    return [] if found is None else list(words.lines_of(found))


class Model:
    def __init__(self, **attributes: Any) -> None:
        vars(self).update(attributes)


class Trap:
    def __reduce__(self) -> Any:
        return os.mkdir, ("trapped",)


def frame() -> pandas.DataFrame:
    return pandas.DataFrame({"a": [1, 2, 3], "b": [0.5, 1.5, math.nan], "c": ["x", "y", None]})


ones = numpy.ones((2, 3))
PAIRS: list[tuple[Any, Any, list[str]]] = [
    (0.91, 0.93, ["0.91 → 0.93 (+0.02)"]),
    (numpy.float64(1.0), 1, []),
    (math.nan, math.nan, []),
    (True, False, ["True → False"]),
    (1, "1", ["int 1 → str '1'"]),
    (None, {"a": 1}, ["None → dict {'a': 1}"]),
    ("small", "large", ["'small' → 'large'"]),
    ("a\nb", "a\nc", ["3 characters", "  @@ -1,2 +1,2 @@", "   a", "  -b", "  +c"]),
    (b"abc", b"abd", ["3 bytes, the first difference is at 2"]),
    ([1, 2, [3]], [1, 2, [4]], ["3 items, [2] differs: 1 item, [0] differs: 3 → 4 (+1)"]),
    ((1, 2), (1,), ["2 → 1 items, those that both have are equal"]),
    ({"a": 1, "b": 2}, {"a": 2, "c": 2}, ["+ 'c'; - 'b'; ['a']: 1 → 2 (+1)"]),
    ({1, 2}, {2, 3}, ["+ 3; - 1"]),
    (ones, ones[:, :2], ["shape (2, 3) → (2, 2), float64"]),
    (ones, ones * 3, ["shape (2, 3), float64: 6 of 6 items differ, by 2 at most"]),
    (ones, ones.astype("f4"), ["shape (2, 3), float64 → float32: all items are equal"]),
    (ones, numpy.asfortranarray(ones), ["shape (2, 3), float64: all items are equal, in another order of memory"]),
    (frame(), frame().head(2), ["shape (3, 3) → (2, 3)"]),
    (frame(), frame().rename(columns={"c": "d"}), ["shape (3, 3), + column 'd', - column 'c'"]),
    (frame(), frame()[["c", "a", "b"]], ["shape (3, 3), the columns are in another order"]),
    (frame(), frame().assign(b=2.0), ["shape (3, 3), 1 of 3 columns differs",
                                      "  b: float64, 3 of 3 cells differ, also in `nan` or `inf`"]),
    (frame(), frame().assign(a=[1, 2, 5]), ["shape (3, 3), 1 of 3 columns differs",
                                            "  a: int64, 1 of 3 cells differs, by 2 at most"]),
    (frame(), frame().set_index("a", drop=False), ["shape (3, 3), the index differs"]),
    (pandas.Series(list("aab"), dtype="category"), pandas.Series(list("aac"), dtype="category"),
     ["shape (3, 1), its values differ", "  values: category, 1 of 3 cells differs"]),
    (pandas.Timestamp("2020-01-01"), pandas.Timestamp("2021-01-01"), ["2020-01-01 00:00:00 → 2021-01-01 00:00:00"]),
    (Model(weights=ones, name="x"), Model(weights=ones * 2, name="x"),
     [".weights: shape (2, 3), float64: 6 of 6 items differ, by 1 at most"]),
    (Model(a=1), Model(b=1), ["2 attributes differ", "  .a: only in the first", "  .b: only in the second"]),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other", "lines"), PAIRS)
def test_a_difference_is_said_by_what_the_values_are(one: Any, other: Any, lines: list[str]) -> None:
    assert said(one, other) == lines
    assert said(one, one) == []


PLAIN = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text() | some.binary(),
    lambda inner: (
        some.lists(inner) | some.lists(inner).map(tuple) | some.dictionaries(some.text() | some.integers(), inner)
    ),
    max_leaves=8,
)


def exact(value: Any) -> Any:
    """Equal for what is the same in value and kind: Python takes True for 1, and no `nan` for another."""
    if isinstance(value, (list, tuple, dict)):
        return type(value), [exact(each) for each in (value.items() if isinstance(value, dict) else value)]
    if isinstance(value, float) and math.isnan(value):
        return "nan"
    return ("bool", str(value)) if isinstance(value, bool) else value


@given(PLAIN, PLAIN)
def test_plain_values_differ_if_and_only_if_they_are_not_the_same(one: Any, other: Any) -> None:
    for first, second in ((one, other), ([one, 1], [other, 1]), ({"a": one}, {"a": other}), (one, one)):
        found = between(first, second)
        assert (found is None) == (exact(first) == exact(second))
        if found is not None:
            assert found.text
            assert "\n" not in found.text
            json.dumps(dict(found.facts))


def test_numbers_with_thousands_of_digits_are_not_written_out() -> None:
    assert said([10**5000], [10**5001]) == ["1 item, [0] differs: <int> → <int>"]


def test_a_text_moves_no_cursor() -> None:
    assert said("a\n\x1b[2J", "a\nb\tc") == [
        "6 → 5 characters", "  @@ -1,2 +1,2 @@", "   a", "  -\\x1b[2J", "  +b\tc"
    ]  # fmt: skip


def test_lines_of_texts_are_told_by_turns_however_many_there_are() -> None:
    assert list(changed_lines(["a", "b", "c", "d"], ["a", "B", "C", "d", "e"])) == [
        "- b", "+ B", "- c", "+ C", "+ e"
    ]  # fmt: skip
    many = [[f"row {number} of {which}" for number in range(5000)] for which in ("one", "two")]
    assert len(list(changed_lines(*many))) == 10_000


def test_nothing_is_called_that_a_value_asks_for(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = look(stored(Trap()))
    assert isinstance(found, Made)
    assert found.arguments == ("trapped",)
    assert list(tmp_path.iterdir()) == []


class Forged:
    """What is stored in the form of an array, with nothing of one in it."""

    def __reduce__(self) -> Any:
        return array, ()


def test_what_refuses_to_be_compared_is_told() -> None:
    assert said(Decimal("sNaN"), Decimal(1)) == ["cannot be compared: InvalidOperation"]
    assert said(Forged(), numpy.arange(3)) == ["cannot be compared: ValueError"]


def test_a_config_is_the_dictionary_that_it_was_made_of() -> None:
    assert look(stored(ConfigValue({"a": {"b": [1]}}))) == {"a": {"b": [1]}}
    assert said(ConfigValue({"a": {"b": 1}}), ConfigValue({"a": {"b": 2}})) == ["['a']: ['b']: 1 → 2 (+1)"]


def test_what_is_no_artifact_is_unreadable() -> None:
    for content in (b"", b"nonsense", stored([1])[:-2]):
        with pytest.raises(Unreadable, match="cannot be looked at"):
            look(content)


NUMBERS = ("<f8", "<f4", "<f2", ">f8", "<i8", "<u8", "<i2", "|u1")


@given(some.data(), some.sampled_from(NUMBERS))
def test_numbers_differ_as_much_with_numpy_as_without(data: some.DataObject, words: str) -> None:
    size = int(words[2:])
    memories = [data.draw(some.binary(min_size=4 * size, max_size=4 * size)) for _ in range(2)]
    one, other = (arrays.Array(words, (4,), "C", memoryview(memory)) for memory in memories)
    found = arrays._by_numpy(numpy, one, other)
    assert found == arrays.of_items(arrays.items(one), arrays.items(other))


@given(some.lists(some.integers(0, 3), min_size=2, max_size=3), some.sampled_from(("<f8", "<c16", "|S3")))
def test_an_array_in_either_order_of_memory_is_the_same(shape: list[int], words: str) -> None:
    made = numpy.arange(math.prod(shape)).astype(words).reshape(shape)
    assert all(line.endswith("in another order of memory") for line in said(made, numpy.asfortranarray(made)))


def test_columns_of_every_kind_are_compared_without_pandas() -> None:
    """A Python without numpy and pandas tells the same."""
    index = pandas.date_range("2020", periods=2, tz="Europe/Berlin")
    table = pandas.DataFrame({
        "zoned": index, "period": index.tz_localize(None).to_period("D"), "masked": pandas.array([1, None], "Int64"),
        "text": pandas.array(["a", None], "string"), "interval": pandas.interval_range(0, 2),
        "sparse": pandas.arrays.SparseArray([0.0, 1.5]), "span": pandas.to_timedelta(["1s", "2s"]),
        "flag": [True, False], "mixed": [1, "a"],
    }, index=pandas.MultiIndex.from_tuples([(1, "a"), (2, "b")]))  # fmt: skip
    pair = [stored(table), stored(table.iloc[::-1].set_axis(table.index))]
    program = f"""
import sys
sys.modules.update(numpy=None, pandas=None)
from dockerflow.comparing import inert, values, words
print(*words.lines_of(values.difference(*map(inert.look, {pair!r}))), sep="\\n")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines() == list(words.lines_of(between(table, table.iloc[::-1].set_axis(table.index))))
    assert done.stdout.startswith("shape (2, 9), 9 of 9 columns differ\n")
    assert "  masked: Int64, 2 of 2 cells differ\n" in done.stdout
    assert "  sparse: Sparse[float64], 2 of 2 cells differ, by 1.5 at most\n" in done.stdout
