"""pandas' objects of every kind come back as they were, whatever is in them."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as some
from hypothesis.extra import numpy as arrays
from hypothesis.extra import pandas as tables
from pandas.testing import assert_frame_equal, assert_index_equal, assert_series_equal

from tests.unit.artifacts.values import again, modules_named_by

UNITS = some.sampled_from(["s", "ms", "us", "ns"])
ZONES = some.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"]) | some.integers(-720, 720).map(
    lambda minutes: datetime.timezone(datetime.timedelta(minutes=minutes))
)
FREQUENCIES = some.sampled_from(["D", "M", "Q", "Y", "h", "min", "s", "W-WED"])
NULLABLE = ["Int8", "Int64", "UInt16", "UInt64", "Float32", "Float64", "boolean"]
TEXT = some.text(max_size=5)
NAMES = some.none() | TEXT | some.integers() | some.tuples(TEXT, some.integers(0, 9))
ANYTHING = some.none() | TEXT | some.integers() | some.floats() | some.booleans() | some.binary(max_size=3)
ANYTHING |= some.datetimes() | some.lists(some.integers(), max_size=2) | some.sampled_from([pd.NA, pd.NaT])

NUMBERS = (
    arrays.boolean_dtypes()
    | arrays.integer_dtypes(endianness="=")
    | arrays.floating_dtypes(endianness="=", sizes=(32, 64))
)


@some.composite
def columns(draw: Any, size: int | None = None) -> Any:
    """A column of any kind, without a name."""
    length = draw(some.integers(0, 6)) if size is None else size
    made = draw(some.sampled_from(KINDS))(draw, length)
    return pd.Series(made)


def _listed(draw: Any, items: Any, length: int) -> list[Any]:
    return draw(some.lists(items, min_size=length, max_size=length))


def _numbers(draw: Any, length: int) -> Any:
    return draw(arrays.arrays(draw(NUMBERS), length))


def _times(draw: Any, length: int) -> Any:
    numbers = _listed(draw, some.integers(-(2**31), 2**31) | some.just("NaT"), length)
    return pd.DatetimeIndex(np.array(numbers, f"M8[{draw(UNITS)}]"))


def _zoned(draw: Any, length: int) -> Any:
    return _times(draw, length).tz_localize("UTC").tz_convert(draw(ZONES))


def _differences(draw: Any, length: int) -> Any:
    numbers = _listed(draw, some.integers(-(2**31), 2**31) | some.just("NaT"), length)
    return np.array(numbers, f"m8[{draw(UNITS)}]")


def _periods(draw: Any, length: int) -> Any:
    ordinals = _listed(draw, some.integers(-500, 500), length)
    return pd.PeriodIndex.from_ordinals(ordinals, freq=draw(FREQUENCIES))


def _intervals(draw: Any, length: int) -> Any:
    ends = _listed(draw, some.floats(-100, 100), length)
    closed = draw(some.sampled_from(["left", "right", "both", "neither"]))
    return pd.arrays.IntervalArray.from_arrays(ends, [end + 1 for end in ends], closed=closed)


def _categories(draw: Any, length: int) -> Any:
    names = draw(some.lists(TEXT, min_size=1, max_size=4, unique=True))
    codes = _listed(draw, some.integers(-1, len(names) - 1), length)
    return pd.Categorical.from_codes(codes, names, ordered=draw(some.booleans()))


def _nullable(draw: Any, length: int) -> Any:
    items = _listed(draw, some.none() | some.integers(0, 1), length)
    return pd.array(items, dtype=draw(some.sampled_from(NULLABLE)))


def _texts(draw: Any, length: int) -> Any:
    return pd.array(_listed(draw, some.none() | TEXT, length), dtype=draw(some.sampled_from(["string", "str"])))


def _objects(draw: Any, length: int) -> Any:
    made = np.empty(length, object)
    for at, item in enumerate(_listed(draw, ANYTHING, length)):
        made[at] = item
    return pd.Series(made, dtype=object)


KINDS = [_numbers, _times, _zoned, _differences, _periods, _intervals, _categories, _nullable, _texts, _objects]


@settings(deadline=None)
@given(columns(), NAMES)
def test_any_column_comes_back(column: Any, name: Any) -> None:
    made = again(column.rename(name))
    assert_series_equal(made, column.rename(name))
    assert (type(made.array), made.dtype) == (type(column.array), column.dtype)
    assert list(map(type, made)) == list(map(type, column))
    assert modules_named_by(column) == {"dockerflow.artifacts.rebuild"}


@settings(deadline=None)
@given(columns(), NAMES)
def test_any_index_comes_back(column: Any, name: Any) -> None:
    if column.dtype == np.float16:
        return
    index = pd.Index(column, name=name, dtype=column.dtype)
    made = again(index)
    assert_index_equal(made, index, exact=True)
    assert (made.dtype, type(made)) == (index.dtype, type(index))
    assert modules_named_by(index) == {"dockerflow.artifacts.rebuild"}


@settings(deadline=None)
@given(some.data())
def test_any_table_comes_back(data: Any) -> None:
    rows = data.draw(some.integers(0, 4))
    found = [data.draw(columns(rows)) for _ in range(data.draw(some.integers(0, 6)))]
    names = data.draw(some.lists(NAMES, min_size=len(found), max_size=len(found)))  # some of them twice
    frame = pd.concat(found, axis=1) if found else pd.DataFrame(index=range(rows))
    frame.columns = pd.Index(names, dtype=object, tupleize_cols=False)
    frame.attrs = data.draw(some.dictionaries(TEXT, ANYTHING, max_size=2))
    made = again(frame)
    assert_frame_equal(made, frame)
    assert list(made.dtypes) == list(frame.dtypes)
    assert repr(made.attrs) == repr(frame.attrs)
    assert modules_named_by(frame) == {"dockerflow.artifacts.rebuild"}


@settings(deadline=None)
@given(some.data(), some.integers(1, 3))
def test_any_index_of_levels_comes_back(data: Any, levels: int) -> None:
    rows = data.draw(some.integers(0, 4))
    parts = [data.draw(columns(rows)) for _ in range(levels)]
    hashable = [part for part in parts if part.dtype != object] or [pd.Series(np.arange(rows))]
    names = data.draw(some.lists(NAMES, min_size=len(hashable), max_size=len(hashable)))
    index = pd.MultiIndex.from_arrays(hashable, names=names)
    made = again(index)
    assert_index_equal(made, index, exact=True)
    assert [level.dtype for level in made.levels] == [level.dtype for level in index.levels]
    assert made.equal_levels(index)


@settings(deadline=None)
@given(tables.data_frames(tables.columns(3, dtype=float), index=tables.range_indexes()), some.data())
def test_any_cut_of_a_table_comes_back(frame: Any, data: Any) -> None:
    """Slices share memory with what they are cut from, in steps and backwards."""
    cut = frame.iloc[data.draw(some.slices(len(frame))), data.draw(some.slices(3))]
    assert_frame_equal(again(cut), cut)
    assert_frame_equal(again(cut.T), cut.T)
