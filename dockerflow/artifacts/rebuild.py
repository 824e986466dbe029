"""Make numpy's and pandas' objects from the plain values that `arrays` and `tables` took them apart into.

Stored artifacts name these functions, so each name and its arguments are a format: they may gain arguments with a
default, and never change or lose what they have. Every function works with numpy 1 and 2 and with pandas 1 to 3.
What a version lacks becomes the nearest thing it has: the `str` columns of pandas 3 are columns of objects in pandas
1.5, times in microseconds become nanoseconds.

Arrays use the memory they are given, without a copy; it is writable where the artifact was mapped or read by `store`.
"""

from __future__ import annotations

import datetime
from contextlib import suppress
from importlib import import_module
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple

# --- numpy


def array(words: Any, shape: Tuple[int, ...], order: str, memory: Any) -> Any:
    """An array of this data type and shape over `memory`, in order `C` or `F`."""
    numpy = import_module("numpy")
    if not len(memory):
        return numpy.empty(shape, dtype(words), order)
    if isinstance(memory, bytes):  # written by a Python 3.7
        memory = bytearray(memory)
    return numpy.ndarray(shape, dtype(words), memory, order=order)


def object_array(shape: Tuple[int, ...], items: List[Any]) -> Any:
    """An array of Python objects, from its items in C order."""
    numpy = import_module("numpy")
    made = numpy.empty(len(items), object)
    for at, item in enumerate(items):  # not all at once: numpy would look into items that are sequences
        made[at] = item
    return made.reshape(shape)


def text_array(shape: Tuple[int, ...], text: Any, separator: str, codes: Any, places: Any, others: List[Any]) -> Any:
    """An array of objects: the texts between the separators, or, with `codes`, the one that each code counts from
    there; and `others`, at the `places` that they have among the items in C order."""
    numpy = import_module("numpy")
    made = numpy.array(str(text, "utf-8", "surrogatepass").split(separator), object)
    if codes is not None:
        made = made[codes]
    if places is not None:
        made, texts = numpy.empty(len(made) + len(places), object), made
        is_text = numpy.ones(len(made), bool)
        is_text[places] = False
        made[is_text] = texts
        for at, item in zip(places.tolist(), others):  # one by one, as above
            made[at] = item
    return made.reshape(shape)


def scalar(words: Any, memory: bytes) -> Any:
    numpy = import_module("numpy")
    return numpy.ndarray((), dtype(words), bytearray(memory))[()]


def text(value: Any) -> Any:
    """numpy's own str or bytes."""
    numpy = import_module("numpy")
    return numpy.str_(value) if isinstance(value, str) else numpy.bytes_(value)


def dtype(words: Any) -> Any:
    """The data type that `words` describe: numpy's own word, ("array", words, shape), or ("structure", …)."""
    numpy = import_module("numpy")
    if isinstance(words, str):
        return numpy.dtype(words)
    if words[0] == "array":
        return numpy.dtype((dtype(words[1]), tuple(words[2])))
    _, names, formats, offsets, itemsize, titles, aligned = words
    fields = {"names": names, "formats": [dtype(one) for one in formats], "offsets": offsets, "itemsize": itemsize}
    if any(title is not None for title in titles):
        fields["titles"] = titles
    return numpy.dtype(fields, align=aligned)


# --- pandas: tables


def frame(index: Any, columns: Any, runs: Sequence[Any], attrs: Mapping[Any, Any], unique: bool) -> Any:
    """A DataFrame from runs of neighbouring columns, each the values of one column or a 2-d array with a row per
    column.

    `unique` is set where the frame's flags forbid duplicate labels.
    """
    pandas = import_module("pandas")
    parts = [_part(pandas, run, len(index)) for run in runs]
    if not parts:
        made = pandas.DataFrame(index=index, columns=columns)
    elif len(parts) == 1:
        made = parts[0]
    else:
        made = pandas.concat(parts, axis=1, ignore_index=True, **_without_copy(pandas))
    made.index, made.columns = index, columns
    return _labelled(made, attrs, unique)


def series(index: Any, values: Any, name: Any, attrs: Mapping[Any, Any], unique: bool) -> Any:
    pandas = import_module("pandas")
    values = _values(values)
    made = pandas.Series(values, index=index, name=name, copy=False, **_kept(values))
    return _labelled(made, attrs, unique)


def _part(pandas: Any, run: Any, rows: int) -> Any:
    values = _values(run)
    if getattr(values, "ndim", 1) == 2:
        return pandas.DataFrame(values.T, copy=False, **_kept(values))
    return pandas.Series(values, index=pandas.RangeIndex(rows), copy=False, **_kept(values)).to_frame(0)


def _labelled(made: Any, attrs: Mapping[Any, Any], unique: bool) -> Any:
    if attrs:
        made.attrs = dict(attrs)
    if unique and hasattr(made, "flags"):
        made.flags.allows_duplicate_labels = False
    return made


def _kept(values: Any) -> Dict[str, Any]:
    """The type to insist on: pandas would look into objects and make times or strings of them."""
    return {"dtype": object} if values.dtype == object else {}


def _without_copy(pandas: Any) -> Dict[str, Any]:
    """From pandas 3 on nothing is copied before it is written to, and saying so is deprecated."""
    return {"copy": False} if int(pandas.__version__.partition(".")[0]) < 3 else {}


# --- pandas: indexes


def index(values: Any, name: Any) -> Any:
    """An index of whatever class fits the values."""
    pandas = import_module("pandas")
    values = _values(values)
    return pandas.Index(values, name=name, **_kept(values))


def range_index(start: int, stop: int, step: int, name: Any) -> Any:
    return import_module("pandas").RangeIndex(start, stop, step, name=name)


def multi_index(levels: List[Any], codes: List[Any], names: List[Any], sortorder: Optional[int]) -> Any:
    pandas = import_module("pandas")
    return pandas.MultiIndex(levels, codes, names=names, sortorder=sortorder, verify_integrity=False)


def time_index(values: Any, name: Any, frequency: Any) -> Any:
    """An index of times or time differences, with its frequency where this pandas agrees that the values have it."""
    made = index(values, name)
    if frequency is not None:
        with suppress(ValueError, TypeError):
            made.freq = frequency
    return made


# --- pandas: arrays


def extension_array(values: Any) -> Any:
    """An array of pandas' own, of the kind in `values[0]`, which `tables.portable` lists."""
    pandas = import_module("pandas")
    made = _values(values)
    return made.array if isinstance(made, (pandas.Index, pandas.Series)) else made


def _values(values: Any) -> Any:
    """What a table or an index is made of: itself, or an array described by (kind, …)."""
    return _KINDS[values[0]](import_module("pandas"), *values[1:]) if isinstance(values, tuple) else values


def _categorical(pandas: Any, codes: Any, categories: Any, ordered: bool) -> Any:
    return pandas.Categorical.from_codes(codes, categories=categories, ordered=ordered)


def _zoned(pandas: Any, utc: Any, zone: Any) -> Any:
    return pandas.DatetimeIndex(utc).tz_localize("UTC").tz_convert(zone)


def _times(pandas: Any, values: Any) -> Any:
    return pandas.DatetimeIndex(values) if values.dtype.kind == "M" else pandas.TimedeltaIndex(values)


def _period(pandas: Any, ordinals: Any, frequency: Any) -> Any:
    return pandas.arrays.PeriodArray(ordinals, dtype=pandas.PeriodDtype(frequency))


def _interval(pandas: Any, left: Any, right: Any, closed: str) -> Any:
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
    if missing == "NA":
        return pandas.array(items, dtype=_string_dtype(pandas, storage))
    if int(pandas.__version__.partition(".")[0]) >= 3:
        return pandas.array(items, dtype=_string_dtype(pandas, storage, na_value=float("nan")))
    items = items.copy()
    items[[item is None for item in items]] = float("nan")
    return items


def _string_dtype(pandas: Any, storage: str, **arguments: Any) -> Any:
    """pandas before 1.3 knows one storage, and `pyarrow` may not be installed."""
    try:
        return pandas.StringDtype(storage, **arguments)
    except TypeError:
        return pandas.StringDtype()
    except ImportError:
        return pandas.StringDtype("python", **arguments)


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
    "own": _own,
}


# --- pandas: single values


def timestamp(utc: Any, zone: Any) -> Any:
    made = import_module("pandas").Timestamp(utc)
    return made if zone is None else made.tz_localize("UTC").tz_convert(zone)


def timedelta(value: Any) -> Any:
    return import_module("pandas").Timedelta(value)


def period(ordinal: int, frequency: Any) -> Any:
    return import_module("pandas").Period(ordinal=ordinal, freq=frequency)


def interval(left: Any, right: Any, closed: str) -> Any:
    return import_module("pandas").Interval(left, right, closed=closed)


def missing(name: str) -> Any:
    """`NaT` or `NA`."""
    return getattr(import_module("pandas"), name)


def offset(name: str, count: int, normalize: bool, arguments: Mapping[str, Any]) -> Any:
    """A frequency, by its class: the words for them (`M`, `ME`) have changed, the classes have not."""
    kind = getattr(import_module("pandas").offsets, name)
    return kind(count, normalize=normalize, **arguments) if normalize else kind(count, **arguments)


def fixed_zone(minutes: int) -> Any:
    """A time zone that is so many minutes ahead of UTC all year."""
    return datetime.timezone(datetime.timedelta(minutes=minutes))
