"""Make pandas' arrays from what `tables` describes them by: a tuple that begins with a kind.

It works with every pandas from 1 to 3, and so with what one of them lacks: then the nearest kind of array is made. The
kinds are a format: none may change its arguments.
"""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module
from typing import Any, Callable, Dict

from dockerflow.artifacts import distant
from dockerflow.artifacts.libraries import generation


def values(described: Any) -> Any:
    """What a table or an index is made of: itself, or an array described by (kind, …)."""
    pandas = import_module("pandas")
    if isinstance(described, tuple):
        return _KINDS[described[0]](pandas, *described[1:])
    return distant.within(pandas, described)


def _categorical(pandas: Any, codes: Any, categories: Any, ordered: bool) -> Any:
    return pandas.Categorical.from_codes(codes, categories=categories, ordered=ordered)


def _zoned(pandas: Any, utc: Any, zone: Any) -> Any:
    utc = distant.within(pandas, utc)
    if utc.dtype == object:
        return distant.in_zone(pandas, utc, zone)
    return pandas.DatetimeIndex(utc).tz_localize("UTC").tz_convert(zone)


def _times(pandas: Any, values: Any) -> Any:
    values = distant.within(pandas, values)
    if values.dtype == object:
        return values
    return pandas.DatetimeIndex(values) if values.dtype.kind == "M" else pandas.TimedeltaIndex(values)


def _period(pandas: Any, ordinals: Any, frequency: Any) -> Any:
    return pandas.arrays.PeriodArray(ordinals, dtype=pandas.PeriodDtype(frequency))


def _interval(pandas: Any, left: Any, right: Any, closed: str) -> Any:
    if left.dtype == object or right.dtype == object:
        return distant.pairs(pandas, left, right)
    return pandas.arrays.IntervalArray.from_arrays(left, right, closed=closed)


def _masked(pandas: Any, values: Any, mask: Any) -> Any:
    kind = {"b": "BooleanArray", "f": "FloatingArray"}.get(values.dtype.kind, "IntegerArray")
    maker = getattr(pandas.arrays, kind, None)
    if maker is not None:
        return maker(values, mask, copy=False)
    values = values.copy()
    values[mask] = float("nan")  # before pandas 1.2 only integers and booleans could be missing
    return values


def _string(pandas: Any, storage: str, missing: str, items: Any) -> Any:
    """`missing` is `NA` for `string` columns and `nan` for the `str` columns of pandas 3."""
    dtype = _string_dtype(pandas, storage) if missing == "NA" else _str_dtype(pandas, storage)
    if dtype is not None:
        return pandas.array(items, dtype=dtype)
    items = items.copy()
    items[[item is None for item in items]] = float("nan")
    return items


def _str_dtype(pandas: Any, storage: str) -> Any:
    """None before pandas 2.3. `pyarrow_numpy` is what pandas 2.1 called its experiment with it."""
    if storage == "pyarrow_numpy" and generation(pandas) < 3:
        with suppress(ImportError):
            return pandas.StringDtype(storage)
    try:
        return _string_dtype(pandas, storage.partition("_")[0], na_value=float("nan"))
    except TypeError:
        return None


def _string_dtype(pandas: Any, storage: str, **arguments: Any) -> Any:
    """pandas before 1.3 knows one storage, and `pyarrow` may not be installed."""
    try:
        return pandas.StringDtype(storage, **arguments)
    except TypeError:
        if arguments:
            raise
        return pandas.StringDtype()
    except ImportError:
        return pandas.StringDtype("python", **arguments)


def _sparse(pandas: Any, values: Any, places: Any, length: int, fill: Any, kind: str) -> Any:
    made = import_module("numpy").full(length, fill, values.dtype)
    made[places] = values
    return pandas.arrays.SparseArray(made, fill_value=fill, kind=kind)


def _arrow(pandas: Any, values: Any) -> Any:
    maker = getattr(pandas.arrays, "ArrowExtensionArray", None)
    if maker is not None:
        return maker(values)
    numpy = import_module("numpy")
    made = numpy.empty(len(values), object)
    for at, item in enumerate(values.to_pylist()):  # one by one: an item may be a list
        made[at] = item
    return made


def _own(pandas: Any, values: Any) -> Any:
    return values


_KINDS: Dict[str, Callable[..., Any]] = {
    "categorical": _categorical,
    "zoned": _zoned,
    "times": _times,
    "period": _period,
    "interval": _interval,
    "masked": _masked,
    "string": _string,
    "sparse": _sparse,
    "arrow": _arrow,
    "own": _own,
}
