"""Take pandas' tables, series, indexes and single values apart into plain values and numpy arrays.

Only by public means, which every pandas from 1 to 3 has. Neighbouring columns of one numpy type are one 2-d array,
without a copy if they lie together in memory as pandas keeps them. What pandas adds to numpy's arrays is described
by a tuple that begins with its kind:

    ("categorical", codes, categories, ordered)      ("masked", values, mask)              Int64, boolean, Float64 …
    ("zoned", times in UTC, zone)                    ("string", storage, missing, items)   None where missing
    ("period", ordinals, frequency)                  ("interval", left, right, closed)
    ("times", values)  outside tables and indexes    ("sparse", values, places, length, fill, kind)
    ("arrow", array of pyarrow's)                    ("own", array)  any other, pickled in its own way

`rebuild` makes all of these again.
"""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module
from typing import Any, Callable, Dict, Iterator, List, Tuple

from dockerflow.artifacts import rebuild
from dockerflow.artifacts.arrays import Unsupported


def reducers(pandas: Any) -> Dict[type, Callable[[Any], Any]]:
    """How to take apart each of pandas' classes that we know, as for `copyreg`."""
    table: Dict[type, Callable[[Any], Any]] = {
        pandas.DataFrame: _frame,
        pandas.Series: _series,
        pandas.RangeIndex: lambda index: (rebuild.range_index, (index.start, index.stop, index.step, index.name)),
        pandas.MultiIndex: _multi_index,
        pandas.DatetimeIndex: _time_index,
        pandas.TimedeltaIndex: _time_index,
        pandas.Timestamp: lambda time: (rebuild.timestamp, (time.to_datetime64(), _zone(time.tz))),
        pandas.Timedelta: lambda delta: (rebuild.timedelta, (delta.to_timedelta64(),)),
        pandas.Period: lambda period: (rebuild.period, (period.ordinal, period.freq)),
        pandas.Interval: lambda interval: (rebuild.interval, (interval.left, interval.right, interval.closed)),
        type(pandas.NaT): lambda _: (rebuild.missing, ("NaT",)),
    }
    if hasattr(pandas, "NA"):
        table[type(pandas.NA)] = lambda _: (rebuild.missing, ("NA",))
    table.update(dict.fromkeys(_index_kinds(pandas), _index))
    table.update(dict.fromkeys(_array_kinds(pandas), _extension_array))
    table.update(dict.fromkeys(_offset_kinds(pandas), _offset))
    table.update(dict.fromkeys(_data_types(pandas), _data_type))
    return table


def portable(values: Any) -> Any:
    """What a column, an index or an array is made of: a numpy array, or a tuple as listed above."""
    return _ARRAYS.get(type(values).__name__, _own)(values)


# --- tables


def _frame(frame: Any) -> Any:
    runs = [_stacked(run) if len(run) > 1 else run[0] for run in _runs(frame)]
    return rebuild.frame, (frame.index, frame.columns, runs, dict(frame.attrs), _forbids_duplicates(frame))


def _series(series: Any) -> Any:
    values = portable(series.array)
    return rebuild.series, (series.index, values, series.name, dict(series.attrs), _forbids_duplicates(series))


def _runs(frame: Any) -> Iterator[List[Any]]:
    """The columns in their order; neighbours are together if they are numpy arrays of one type."""
    run: List[Any] = []
    for at in range(frame.shape[1]):
        values = portable(frame.iloc[:, at].array)
        if run and (isinstance(values, tuple) or isinstance(run[-1], tuple) or values.dtype != run[-1].dtype):
            yield run
            run = []
        run.append(values)
    if run:
        yield run


def _stacked(columns: List[Any]) -> Any:
    """Columns as the rows of one array: a view of their memory if they lie in it one after the other or row by row."""
    numpy = import_module("numpy")
    count, size, item = len(columns), len(columns[0]), columns[0].itemsize
    strides = {column.strides[0] for column in columns}
    addresses = [_address(column) for column in columns]
    steps = {after - before for before, after in zip(addresses, addresses[1:])}  # noqa: RUF007 - Python 3.10
    # Exactly these two leave no gap, so the view shows memory of these columns and no other.
    together = (
        size and len(strides) == len(steps) == 1 and (*steps, *strides) in [(item * size, item), (item, item * count)]
    )
    if together and not columns[0].dtype.hasobject:
        return _View(columns, (count, size), (*steps, *strides)).array(numpy)
    return numpy.stack(columns)


class _View:
    """A 2-d view of columns that lie together in memory, as numpy takes it from others."""

    def __init__(self, columns: List[Any], shape: Tuple[int, int], strides: Tuple[int, ...]) -> None:
        self.columns = columns  # keeps the memory
        bytes_of_one = columns[0].itemsize
        self.__array_interface__ = {
            "data": (_address(columns[0]), False),
            "shape": shape,
            "strides": strides,
            "typestr": f"|V{bytes_of_one}",
            "version": 3,
        }

    def array(self, numpy: Any) -> Any:
        return numpy.asarray(self).view(self.columns[0].dtype)


def _address(array: Any) -> int:
    address: int = array.__array_interface__["data"][0]
    return address


def _forbids_duplicates(table: Any) -> bool:
    return hasattr(table, "flags") and not table.flags.allows_duplicate_labels


# --- indexes


def _index_kinds(pandas: Any) -> List[type]:
    """All that hold one array. Before pandas 2 there were three more for numbers."""
    named = [pandas.Index, pandas.CategoricalIndex, pandas.PeriodIndex, pandas.IntervalIndex]
    return named + [type(pandas.Index(rebuild.array(words, (0,), "C", b""))) for words in ("<i8", "<u8", "<f8")]


def _index(index: Any) -> Any:
    return rebuild.index, (portable(index.array), index.name)


def _multi_index(index: Any) -> Any:
    return rebuild.multi_index, (list(index.levels), list(index.codes), list(index.names), index.sortorder)


def _time_index(index: Any) -> Any:
    return rebuild.time_index, (portable(index.array), index.name, index.freq)


# --- arrays


def _array_kinds(pandas: Any) -> List[type]:
    names = set(_ARRAYS) - {"PandasArray", "NumpyExtensionArray"}
    return [getattr(pandas.arrays, name) for name in names if hasattr(pandas.arrays, name)] + [pandas.Categorical]


def _extension_array(values: Any) -> Any:
    described = portable(values)
    return rebuild.extension_array, (described if isinstance(described, tuple) else ("times", described),)


def _categorical(values: Any) -> Any:
    return ("categorical", values.codes, values.categories, bool(values.ordered))


def _times(values: Any) -> Any:
    zone = getattr(values, "tz", None)
    if zone is None:
        return values.to_numpy()
    return ("zoned", values.tz_convert("UTC").tz_localize(None).to_numpy(), _zone(zone))


def _period(values: Any) -> Any:
    return ("period", values.asi8, values.freq)


def _interval(values: Any) -> Any:
    return ("interval", values.left, values.right, values.closed)


def _masked(values: Any) -> Any:
    dtype = values.dtype.numpy_dtype
    return ("masked", values.to_numpy(dtype=dtype, na_value=dtype.type(0)), values.isna())


def _string(values: Any) -> Any:
    missing = "nan" if isinstance(values.dtype.na_value, float) else "NA"
    return ("string", getattr(values.dtype, "storage", "python"), missing, values.to_numpy(dtype=object, na_value=None))


def _sparse(values: Any) -> Any:
    places = values.sp_index.to_int_index().indices
    return ("sparse", values.sp_values, places, len(values), values.fill_value, values.kind)


def _arrow(values: Any) -> Any:
    return ("arrow", values.__arrow_array__())


def _own(values: Any) -> Any:
    return ("own", values)


_ARRAYS: Dict[str, Callable[[Any], Any]] = {
    "Categorical": _categorical,
    "DatetimeArray": _times,
    "TimedeltaArray": _times,
    "PeriodArray": _period,
    "IntervalArray": _interval,
    "IntegerArray": _masked,
    "FloatingArray": _masked,
    "BooleanArray": _masked,
    "SparseArray": _sparse,
    "ArrowExtensionArray": _arrow,
    "StringArray": _string,
    "ArrowStringArray": _string,
    "StringArrayNumpySemantics": _string,  # in pandas 2, as
    "ArrowStringArrayNumpySemantics": _string,
    "PandasArray": lambda values: values.to_numpy(),  # numpy's own, in pandas 1 and 2.0
    "NumpyExtensionArray": lambda values: values.to_numpy(),  # and later
}


# --- data types


def _data_types(pandas: Any) -> List[type]:
    return [getattr(pandas, name) for name in dir(pandas) if name.endswith("Dtype")]


def _data_type(dtype: Any) -> Any:
    """A data type is that of an empty array, so what describes arrays describes it."""
    return rebuild.data_type, (_EMPTY.get(type(dtype).__name__, _empty)(dtype),)


def _empty(dtype: Any) -> Any:
    return portable(import_module("pandas").Series([], dtype=dtype).array)


def _empty_categories(dtype: Any) -> Any:
    if dtype.categories is None:
        raise Unsupported("it takes its categories from the values that it will have")
    return _empty(dtype)


# pandas 2.0 makes such empty arrays in nanoseconds, whatever the unit.


def _empty_zone(dtype: Any) -> Any:
    return ("zoned", import_module("numpy").empty(0, f"M8[{dtype.unit}]"), _zone(dtype.tz))


def _empty_interval(dtype: Any) -> Any:
    ends = import_module("numpy").empty(0, dtype.subtype)  # raises for times in a zone
    if dtype.closed is None:
        raise Unsupported("it takes its ends from the values that it will have")
    return ("interval", ends, ends, dtype.closed)


_EMPTY: Dict[str, Callable[[Any], Any]] = {
    "CategoricalDtype": _empty_categories,
    "DatetimeTZDtype": _empty_zone,
    "IntervalDtype": _empty_interval,
}


# --- frequencies and zones


def _offset_kinds(pandas: Any) -> List[type]:
    kinds = [getattr(pandas.offsets, name) for name in dir(pandas.offsets)]
    return [kind for kind in kinds if isinstance(kind, type) and hasattr(kind, "kwds") and hasattr(kind, "n")]


def _offset(offset: Any) -> Any:
    arguments = dict(offset.kwds)
    if not all(value is None or isinstance(value, (int, str, timedelta)) for value in arguments.values()):
        raise Unsupported(type(offset).__name__)
    return rebuild.offset, (type(offset).__name__, offset.n, offset.normalize, arguments)


def _zone(zone: Any) -> Any:
    """A time zone by name where it has one, so that each pandas takes it from the library that it uses."""
    if zone is None:
        return None
    if str(zone) in ("UTC", "UTC+00:00", "tzutc()"):
        return "UTC"
    name = getattr(zone, "zone", None) or getattr(zone, "key", None)
    if isinstance(name, str):
        return name
    if hasattr(zone, "_minutes"):  # a fixed offset of pytz
        return rebuild.fixed_zone(zone._minutes)
    return zone
