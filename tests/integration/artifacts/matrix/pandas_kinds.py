"""pandas' tables, columns, indexes, arrays and single values of every kind."""

from __future__ import annotations

import datetime
from decimal import Decimal
from importlib.util import find_spec
from typing import Any

import numpy as np
import pandas as pd

PANDAS = tuple(map(int, pd.__version__.split(".")[:2]))
HAS_PYARROW = find_spec("pyarrow") is not None
BERLIN = "Europe/Berlin"
TWO_HOURS = datetime.timezone(datetime.timedelta(hours=2))


def _times(unit: str, *times: Any) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(np.array(times, f"M8[{unit}]"))


def _in_berlin(unit: str, *times: Any) -> pd.DatetimeIndex:
    return _times(unit, *times).tz_localize("UTC").tz_convert(BERLIN)


def columns() -> dict[str, Any]:
    """Columns of three rows, of every type."""
    made: dict[str, Any] = {
        "int64": np.array([1, 2, 3]),
        "int8": np.array([1, 2, 3], "i1"),
        "uint32": np.array([1, 2, 3], "u4"),
        "float64": [1.5, np.nan, np.inf],
        "float32": np.array([1.5, np.nan, 0], "f4"),
        "complex": np.array([1j, 2, 0]),
        "bool": [True, False, True],
        "categories": pd.Categorical(["a", None, "b"], categories=["b", "a", "c"], ordered=True),
        "categories of numbers": pd.Categorical([3, 1, 3]),
        "categories of times": pd.Categorical(_times("ns", "2020", "2021", "NaT")),
        "categories of intervals": pd.cut([1, 5, 9], [0, 4, 10]),
        "no categories": pd.Categorical([None, None, None]),
        "times": np.array(["2020-01-01T00:00:00.123456789", "NaT", "1700-01-01"], "M8[ns]"),
        "zone": _in_berlin("ns", "2020-10-25T00:30", "2020-10-25T01:30", "NaT"),
        "zone UTC": _times("ns", 1, 2, 3).tz_localize("UTC"),
        "zone by minutes": _times("ns", 1, 2, 3).tz_localize(TWO_HOURS),
        "differences": np.array([1, 2, "NaT"], "m8[ns]"),
        "quarters": pd.PeriodIndex(["2020Q1", "NaT", "2021Q4"], freq="Q"),
        "months": pd.period_range("2020-01-01", periods=3, freq="M"),
        "weeks": pd.period_range("2020-01-01", periods=3, freq="W-WED"),
        "years": pd.period_range("2020-01-01", periods=3, freq=pd.offsets.YearEnd(month=6)),
        "hours": pd.period_range("2020-01-01", periods=3, freq=pd.offsets.Hour(3)),
        "intervals": pd.interval_range(0.0, 3.0, closed="left"),
        "intervals of whole numbers": pd.interval_range(0, 3),
        "intervals of times": pd.IntervalIndex.from_breaks(_times("ns", 0, 5, 7, 9)),
        "intervals with missing": pd.arrays.IntervalArray.from_tuples([(0.0, 1.0), np.nan, (1.0, 2.0)]),
        "sparse": pd.arrays.SparseArray([0, 0, 5], fill_value=0),
        "sparse with missing": pd.arrays.SparseArray([1.5, np.nan, np.nan], kind="block"),
        "sparse booleans": pd.arrays.SparseArray([False, True, False], fill_value=False),
        "string": pd.array(["a", None, "bü\0"], dtype="string[python]"),
        "inferred text": ["a", "b", "c"],
        "objects of text": pd.Series(["a", None, "b"], dtype=object),
        "objects": pd.Series([pd.Timestamp(1), np.float64(1.5), [1]], dtype=object),
        "objects of missing": pd.Series([None, np.nan, pd.NaT], dtype=object),
        "objects of NA": pd.Series([pd.NA, "x", 1], dtype=object),
        "objects of dates": pd.Series(
            [datetime.date(2020, 1, 1), datetime.datetime(2021, 1, 1), Decimal(1)], dtype=object
        ),
    }
    for name in [
        "Int8",
        "Int16",
        "Int32",
        "Int64",
        "UInt8",
        "UInt16",
        "UInt32",
        "UInt64",
        "Float32",
        "Float64",
        "boolean",
    ]:
        made[name] = pd.array([1, None, 0], dtype=name)
    for unit in ("s", "ms", "us") if PANDAS >= (2,) else ():
        made[f"times in {unit}"] = np.array(["2020-01-01", "NaT", "1960-02-03T04:05:06"], f"M8[{unit}]")
        made[f"differences in {unit}"] = np.array([1, 2, "NaT"], f"m8[{unit}]")
        made[f"zone in {unit}"] = _in_berlin(unit, 1, 2, 3)
        made[f"times far away in {unit}"] = np.array(["3000-01-01", "NaT", "0001-02-03T04:05:06"], f"M8[{unit}]")
        made[f"zone far away in {unit}"] = _in_berlin(unit, "3000-01-01T12", "NaT", "2020")
        made[f"intervals far away in {unit}"] = pd.IntervalIndex.from_breaks(
            _times(unit, "3000", "3001", "3002", "3003")
        )
        made[f"differences far away in {unit}"] = np.array([10**11, "NaT", 5], "m8[s]").astype(f"m8[{unit}]")
    if HAS_PYARROW:
        made["string[pyarrow]"] = pd.array(["a", None, "b"], dtype="string[pyarrow]")
    if PANDAS >= (3,):
        made["str"] = pd.array(["a", None, "b"], dtype="str")
        made["str in python"] = pd.array(["a", None, "b"], dtype=pd.StringDtype("python", na_value=np.nan))
    return {name: value if isinstance(value, pd.Series) else pd.Series(value) for name, value in made.items()}


def frames() -> dict[str, Any]:
    single = columns()
    whole = pd.concat(list(single.values()), axis=1, keys=list(single))
    numbers = pd.DataFrame(np.arange(12.0).reshape(4, 3), columns=["a", "b", "c"])
    described = numbers[["a", "b"]].copy()
    described.attrs = {"source": "a file", "units": {"a": ["m", 1]}}
    strict = numbers.copy()
    strict.flags.allows_duplicate_labels = False
    return {
        "all columns": whole,
        "every other row": whole.iloc[::2],
        "backwards": whole.iloc[::-1],
        "no rows": whole.iloc[:0],
        "no columns": numbers[[]],
        "nothing": pd.DataFrame(),
        "only columns": pd.DataFrame(columns=pd.Index(["a", "b"], dtype=object), dtype=object),
        "one type": numbers,
        "turned": numbers.T,
        "names twice": pd.DataFrame(np.arange(12).reshape(4, 3), columns=["a", "a", "b"]),
        "names twice, other types": pd.concat([numbers["a"], single["Int64"].rename("a")], axis=1),
        "levels of rows": whole.set_index(["int64", "objects of text"])[["float64"]],
        "levels of columns": pd.DataFrame(
            [[1, 2.0]], columns=pd.MultiIndex.from_tuples([("a", 1), ("a", 2)], names=["x", None])
        ),
        "columns by time": pd.DataFrame([[1, 2]], columns=_times("ns", 1, 2).rename("t")),
        "columns by number": pd.DataFrame(np.eye(3)),
        "columns of all kinds": pd.DataFrame(
            [[1, 2, 3, 4]], columns=pd.Index([1, "a", None, (1, 2)], dtype=object, tupleize_cols=False)
        ),
        "attrs": described,
        "no duplicate labels": strict,
        "month ends": numbers.set_index(pd.date_range("2020-01-31", periods=4, freq=pd.offsets.MonthEnd())),
        "mixed": pd.DataFrame(
            {"i": [1, 2], "f": [1.5, 2.5], "b": [True, False], "g": np.array([1, 2], "f4"), "h": [0.5, 1]}
        ),
        "from a structure": pd.DataFrame(np.array([(1, "a"), (2, "b")], [("n", "i4"), ("s", "U5")])),
        "objects that look like times": pd.DataFrame([[datetime.datetime(2020, 1, 1)]], dtype=object),
    }


def indexes() -> dict[str, Any]:
    times = _times("ns", 1, "NaT", 3).rename("t")
    made = {
        "default": pd.RangeIndex(3),
        "range": pd.RangeIndex(1, 9, 2, name="r"),
        "range backwards": pd.RangeIndex(9, 1, -2),
        "int64": pd.Index(np.array([3, 1, 1]), name="n"),
        "uint64": pd.Index(np.array([2**63, 1], "u8")),
        "float64": pd.Index([1.5, np.nan]),
        "bool": pd.Index([True, False]),
        "text": pd.Index(["a", "b"], name=("a", "name")),
        "objects": pd.Index([1, "a", None], dtype=object),
        "empty": pd.Index([], dtype=object),
        "Int64": pd.Index(pd.array([1, None], dtype="Int64")),
        "boolean": pd.Index(pd.array([True, None], dtype="boolean")),
        "string": pd.Index(pd.array(["a", None], dtype="string[python]")),
        "multi": pd.MultiIndex.from_tuples([("a", 1), ("b", 2), ("a", 2)], names=["x", None]),
        "multi with missing": pd.MultiIndex.from_arrays([["a", None], [1.5, np.nan]]),
        "multi with unused levels": pd.MultiIndex.from_product([["a", "b"], [1, 2]])[:1],
        "multi of times": pd.MultiIndex.from_arrays([times, pd.Categorical(["x", "y", "x"])], names=["t", "c"]),
        "multi with levels named alike": pd.MultiIndex.from_tuples([(1, 2)], names=["a", "a"]),
        "empty multi": pd.MultiIndex.from_arrays([[], []], names=["a", "b"]),
        "categories": pd.CategoricalIndex(["a", "b", "a"], categories=["b", "a"], ordered=True, name="c"),
        "times": times,
        "times with a frequency": pd.date_range("2020-01-31", periods=3, freq=pd.offsets.MonthEnd(2)),
        "business days": pd.date_range("2020-01-31", periods=3, freq=pd.offsets.BDay()),
        "weeks": pd.date_range("2020-01-31", periods=3, freq=pd.offsets.Week(weekday=2)),
        "hours in a zone": pd.date_range("2020-10-25", periods=3, freq=pd.offsets.Hour(), tz=BERLIN),
        "zone": times.tz_localize(BERLIN),
        "zone by minutes": times.tz_localize(TWO_HOURS),
        "zone UTC": times.tz_localize("UTC"),
        "differences": pd.TimedeltaIndex(np.array([1, "NaT"], "m8[ns]")),
        "differences with a frequency": pd.timedelta_range(pd.Timedelta(1, "h"), periods=3, freq=pd.offsets.Hour(2)),
        "periods": pd.period_range("2020", periods=3, freq="M", name="m"),
        "intervals": pd.interval_range(0, 3, closed="both"),
    }
    if PANDAS >= (2,):
        made.update({f"{word}": pd.Index(np.array([1, 2], word)) for word in ("i1", "u4", "f4")})
        made.update({f"times in {unit}": _times(unit, 1, 2) for unit in ("s", "us")})
    return made


def values() -> dict[str, Any]:
    made = {
        "time": pd.Timestamp(1577934245678901234),
        "time in a zone": pd.Timestamp(1577934245678901234, tz=BERLIN),
        "time by minutes": pd.Timestamp(1577934245678901234, tz=TWO_HOURS),
        "time in UTC": pd.Timestamp(5, tz="UTC"),
        "the last time": pd.Timestamp.max,
        "difference": pd.Timedelta(1234567890123),
        "period": pd.Period("2020", "M"),
        "period of business days": pd.Period("2020-01-01", pd.offsets.Day(3)),
        "interval": pd.Interval(1, 2, closed="both"),
        "interval of times": pd.Interval(pd.Timestamp(1), pd.Timestamp(2)),
        "NaT": pd.NaT,
        "NA": pd.NA,
        "types": [pd.StringDtype("python"), pd.CategoricalDtype(["a", "b"], ordered=True), pd.Int64Dtype()],
        "types about times": [
            pd.DatetimeTZDtype("ns", BERLIN),
            pd.PeriodDtype("M"),
            pd.IntervalDtype("int64", "right"),
        ],
        "month end": pd.offsets.MonthEnd(2),
        "week": pd.offsets.Week(weekday=2, normalize=True),
        "quarter end": pd.offsets.QuarterEnd(startingMonth=2),
        "business days": pd.offsets.BusinessDay(2),
        "hours": pd.offsets.Hour(3),
        "years": pd.offsets.YearBegin(month=4),
        "a duration": pd.offsets.DateOffset(months=2, days=1),
    }
    if PANDAS >= (2,):
        made["type of times in s"] = pd.DatetimeTZDtype("s", TWO_HOURS)
        made["a day long ago"] = pd.Timestamp("0700-01-02", tz="UTC").as_unit("s")
        made["time in ms"] = pd.Timestamp(np.datetime64(5, "ms"))
        made["difference in s"] = pd.Timedelta(np.timedelta64(5, "s"))
        made["a long difference"] = pd.Timedelta(np.timedelta64(10**11, "s"))
    return made


def arrays() -> dict[str, Any]:
    """The arrays that columns consist of, where pandas has its own."""
    return {name: column.array for name, column in columns().items() if not isinstance(column.dtype, np.dtype)}
