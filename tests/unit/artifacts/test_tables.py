from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_extension_array_equal, assert_frame_equal, assert_index_equal, assert_series_equal

from dockerflow.artifacts import codec
from tests.unit.artifacts.values import again, encoded, modules_named_by

BERLIN = "Europe/Berlin"
TWO_HOURS = datetime.timezone(datetime.timedelta(hours=2))

COLUMNS = {
    "int": [1, 2, 3],
    "float": [1.0, 2.0, np.nan],
    "more": [1.0, 2.0, 3.0],
    "object": pd.Series(["a", None, 1], dtype=object),
    "lists": [1, [2], {"a": 1}],
    "time": pd.date_range("2020", periods=3),
    "seconds": pd.Series(pd.to_datetime(["2020", "2021", None])).astype("datetime64[s]"),
    "zone": pd.date_range("2020", periods=3, tz=BERLIN),
    "delta": pd.to_timedelta([1, 2, None], unit="s"),
    "period": pd.period_range("2020-01-01", periods=3, freq="Q"),
    "interval": pd.interval_range(0.0, 3.0, closed="left"),
    "category": pd.Categorical(["a", None, "b"], categories=["b", "a", "c"], ordered=True),
    "Int64": pd.array([1, None, 3], dtype="Int64"),
    "UInt8": pd.array([1, None, 3], dtype="UInt8"),
    "Float64": pd.array([1.5, None, 2], dtype="Float64"),
    "boolean": pd.array([True, None, False], dtype="boolean"),
    "string": pd.array(["a", None, "b"], dtype="string"),
    "sparse": pd.arrays.SparseArray([0, 5, 0]),
    "sparse floats": pd.arrays.SparseArray([1.5, np.nan, np.nan], kind="block"),
    "text": ["a", "b", "c"],
    "times": pd.Series([pd.Timestamp("2020"), None, pd.NA], dtype=object),
}
FRAME = pd.DataFrame(COLUMNS)

FRAMES = {
    "all": FRAME,
    "strided": FRAME.iloc[::2],
    "no rows": FRAME.iloc[:0],
    "one type": FRAME[["float", "more"]],
    "one column": FRAME[["zone"]],
    "nothing": pd.DataFrame(),
    "only an index": pd.DataFrame(index=[1, 2]),
    "only columns": pd.DataFrame(columns=["a"]),
    "names twice": pd.DataFrame(np.arange(12).reshape(4, 3), columns=["a", "a", "b"]),
    "turned": pd.DataFrame(np.arange(12.0).reshape(4, 3)).T,
    "two levels": FRAME.set_index(["int", "object"]),
    "levels of columns": pd.DataFrame({("a", 1): [1], ("a", 2): [2.0]}),
    "objects that look like times": pd.DataFrame([[pd.Timestamp("2020")]], dtype=object),
    "grouped": FRAME.groupby("text")[["float", "more"]].describe(),
}

INDEXES = [
    pd.RangeIndex(1, 9, 2, name="r"),
    pd.Index([1, 2]),
    pd.Index([1.5, np.nan]),
    pd.Index([1, 2], dtype="u1"),
    pd.Index(["a", "b"], name=("a", "name")),
    pd.Index([1, "a", None]),
    pd.Index([], dtype=object),
    pd.Index([True, False]),
    pd.Index(pd.array([1, None], dtype="Int64")),
    pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["x", None]),
    pd.CategoricalIndex(["a", "b", "a"], categories=["b", "a"], ordered=True),
    pd.date_range("2020", periods=3, freq="D", name="d"),
    pd.date_range("2020-01-31", periods=3, freq=pd.offsets.MonthEnd(2)),
    pd.date_range("2020", periods=3, freq="h", tz=BERLIN),
    pd.date_range("2020", periods=3, tz="UTC"),
    pd.date_range("2020", periods=3, tz=TWO_HOURS),
    pd.DatetimeIndex(["2020", "NaT"]),
    pd.timedelta_range("1D", periods=3),
    pd.period_range("2020", periods=3, freq="M"),
    pd.interval_range(0, 3),
]

VALUES = [
    pd.Timestamp("2020-01-02 03:04:05.678901234"),
    pd.Timestamp("2020", tz=BERLIN),
    pd.Timestamp("2020-10-25 02:30", tz=TWO_HOURS),
    pd.Timestamp.max,
    pd.Timedelta("1s"),
    pd.Period("2020", "M"),
    pd.Interval(1, 2, closed="both"),
    pd.NaT,
    pd.NA,
    pd.offsets.MonthEnd(2),
    pd.offsets.Week(weekday=2),
    pd.offsets.QuarterEnd(startingMonth=2),
    pd.offsets.BusinessDay(2),
    pd.offsets.Hour(3),
]


@pytest.mark.parametrize("name", FRAMES)
def test_tables_come_back(name: str) -> None:
    frame = FRAMES[name]
    made = again(frame)
    assert_frame_equal(made, frame)
    assert list(made.dtypes) == list(frame.dtypes)
    assert_frame_equal(again(made), frame)
    assert modules_named_by(frame) == {"dockerflow.artifacts.rebuild"}


@pytest.mark.parametrize("name", COLUMNS)
def test_columns_and_their_arrays_come_back(name: str) -> None:
    column = FRAME[name].rename(("a", 1))
    assert_series_equal(again(column), column)
    assert type(again(column).array) is type(column.array)
    if column.array.dtype.kind in "mM" or not isinstance(column.dtype, np.dtype):
        assert_extension_array_equal(again(column.array), column.array)
        assert modules_named_by(column.array) == {"dockerflow.artifacts.rebuild"}


@pytest.mark.parametrize("index", INDEXES, ids=lambda index: f"{type(index).__name__}-{index.dtype}")
def test_indexes_come_back(index: Any) -> None:
    made = again(index)
    assert_index_equal(made, index, exact=True)
    assert getattr(made, "freq", None) == getattr(index, "freq", None)
    assert modules_named_by(index) == {"dockerflow.artifacts.rebuild"}


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_single_values_come_back(value: Any) -> None:
    made = again([value])[0]
    assert type(made) is type(value)
    assert made is value or made == value
    assert getattr(made, "unit", None) == getattr(value, "unit", None)
    assert modules_named_by(value) == {"dockerflow.artifacts.rebuild"}


def test_a_table_is_found_at_any_depth() -> None:
    made = again({"tables": [(FRAME, {"x": FRAME["int"]})]})
    assert_frame_equal(made["tables"][0][0], FRAME)
    assert modules_named_by([{"a": FRAME}]) == {"dockerflow.artifacts.rebuild"}


def test_attributes_and_flags_come_back() -> None:
    frame = FRAME[["int"]].copy()
    frame.attrs = {"source": "a file"}
    frame.flags.allows_duplicate_labels = False
    for made in (again(frame), again(frame["int"])):
        assert made.attrs == {"source": "a file"}
        assert made.flags.allows_duplicate_labels is False


def test_neighbouring_columns_are_stored_and_loaded_without_a_copy() -> None:
    frame = pd.DataFrame(np.random.default_rng(1).random((1000, 5)))
    assert np.shares_memory(np.frombuffer(codec.encode(frame).chunks[-1]), frame.to_numpy())
    content = encoded(frame)
    assert np.shares_memory(np.frombuffer(content, "u1"), codec.decode(content).to_numpy())


def test_columns_that_do_not_lie_together_are_stored_as_one_array() -> None:
    frame = pd.DataFrame({name: np.arange(1000.0) for name in "abc"}, copy=False)
    assert len(codec.encode(frame).chunks[-1]) == 3 * 8000
    assert_frame_equal(again(frame), frame)


def test_a_loaded_table_can_be_changed() -> None:
    made = again(FRAME)
    made.loc[0, "float"] = 7.0
    made["int"] += 1
    assert (made.loc[0, "float"], made.loc[0, "int"]) == (7.0, 2)


def test_equal_tables_have_equal_bytes() -> None:
    assert encoded(pd.DataFrame({"a": [1], "b": ["x"]})) == encoded(pd.DataFrame({"a": [1], "b": ["x"]}))


@pytest.mark.parametrize("dtype", [*FRAME.dtypes, pd.DatetimeTZDtype("s", BERLIN)], ids=str)
def test_data_types_come_back(dtype: Any) -> None:
    assert again([dtype])[0] == dtype
    assert modules_named_by(dtype) == {"dockerflow.artifacts.rebuild"}


def test_data_types_that_wait_for_values_come_back() -> None:
    for dtype in (pd.CategoricalDtype(), pd.IntervalDtype("int64")):
        assert repr(again(dtype)) == repr(dtype)


class Marked(pd.DataFrame):
    """Somebody's own kind of table."""

    @property
    def _constructor(self) -> Any:
        return Marked


class Codes(pd.arrays.IntegerArray):
    """Somebody's own kind of array."""


def test_subclasses_and_unknown_arrays_keep_their_own_way() -> None:
    assert type(again(Marked({"a": [1]}))) is Marked
    frame = pd.DataFrame({"a": Codes(np.array([1, 2]), np.array([False, True])), "b": [1.0, 2.0]})
    assert_frame_equal(again(frame), frame)
    assert type(again(frame)["a"].array) is Codes
