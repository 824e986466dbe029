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
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from dockerflow.artifacts import described, distant
from dockerflow.artifacts.libraries import generation

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


def structure(words: Any, shape: Tuple[int, ...], fields: List[Any]) -> Any:
    """An array of structures, from an array for each of its fields."""
    numpy = import_module("numpy")
    made = numpy.zeros(shape, dtype(words))
    for name, values in zip(made.dtype.names, fields):
        made[name] = values
    return made


def records(array: Any) -> Any:
    """An array whose fields are attributes as well."""
    return array.view(import_module("numpy").recarray)


def viewed(name: str, array: Any) -> Any:
    """An array as one of numpy's other classes: `matrix`, `memmap`, `chararray`; itself where there is none such."""
    numpy = import_module("numpy")
    kind = getattr(numpy.char if name == "chararray" else numpy, name, None)
    return array if kind is None else array.view(kind)


def variable_text(items: Any, options: Mapping[str, Any]) -> Any:
    """An array of numpy 2's texts from one of objects, which it stays where numpy has no such type."""
    kind = getattr(getattr(import_module("numpy"), "dtypes", None), "StringDType", None)
    return items if kind is None else items.astype(kind(**options))


def only_item(array: Any) -> Any:
    return array[()]


def scalar(words: Any, memory: bytes) -> Any:
    numpy = import_module("numpy")
    return numpy.ndarray((), dtype(words), bytearray(memory))[()]


def text(value: Any) -> Any:
    """numpy's own str or bytes."""
    numpy = import_module("numpy")
    return numpy.str_(value) if isinstance(value, str) else numpy.bytes_(value)


def dtype(words: Any) -> Any:
    """The data type that `words` describe: numpy's own word, ("array", words, shape), ("structure", …), or
    ("record", words) of one whose fields are attributes."""
    numpy = import_module("numpy")
    if isinstance(words, str):
        return numpy.dtype(words)
    if words[0] == "array":
        return numpy.dtype((dtype(words[1]), tuple(words[2])))
    if words[0] == "record":
        return numpy.dtype((numpy.record, dtype(words[1])))
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
    parts = [_part(pandas, part, len(index)) for run in runs for part in distant.apart(pandas, run)]
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
    values = described.values(values)
    made = pandas.Series(values, index=index, name=name, copy=False, **_kept(values))
    return _labelled(made, attrs, unique)


def _part(pandas: Any, run: Any, rows: int) -> Any:
    values = described.values(run)
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
    return {} if generation(pandas) >= 3 else {"copy": False}


# --- pandas: indexes


def index(values: Any, name: Any) -> Any:
    """An index of whatever class fits the values."""
    pandas = import_module("pandas")
    values = described.values(values)
    return pandas.Index(values, name=name, **_kept(values))


def range_index(start: int, stop: int, step: int, name: Any) -> Any:
    return import_module("pandas").RangeIndex(start, stop, step, name=name)


def multi_index(levels: List[Any], codes: List[Any], names: List[Any], sortorder: Optional[int]) -> Any:
    pandas = import_module("pandas")
    return pandas.MultiIndex(levels, codes, names=names, sortorder=sortorder, verify_integrity=False)


def time_index(values: Any, name: Any, frequency: Any) -> Any:
    """An index of times or time differences, with its frequency where this pandas agrees that the values have it."""
    made = index(values, name)
    if frequency is not None and hasattr(made, "freq"):
        with suppress(ValueError, TypeError):
            made.freq = frequency
    return made


# --- pandas: arrays


def extension_array(values: Any) -> Any:
    """An array of pandas' own, of the kind in `values[0]`, which `tables.portable` lists."""
    pandas = import_module("pandas")
    made = described.values(values)
    return made.array if isinstance(made, (pandas.Index, pandas.Series)) else made


# --- pandas: single values


def timestamp(utc: Any, zone: Any) -> Any:
    pandas = import_module("pandas")
    utc = distant.within_one(pandas, utc)
    if isinstance(utc, datetime.datetime):
        return utc if zone is None else distant.in_zone(pandas, [utc], zone)[0]
    made = pandas.Timestamp(utc)
    return made if zone is None else made.tz_localize("UTC").tz_convert(zone)


def timedelta(value: Any) -> Any:
    pandas = import_module("pandas")
    value = distant.within_one(pandas, value)
    return value if isinstance(value, datetime.timedelta) else pandas.Timedelta(value)


def period(ordinal: int, frequency: Any) -> Any:
    return import_module("pandas").Period(ordinal=ordinal, freq=frequency)


def interval(left: Any, right: Any, closed: str) -> Any:
    try:
        return import_module("pandas").Interval(left, right, closed=closed)
    except ValueError:
        if isinstance(left, datetime.datetime) or isinstance(right, datetime.datetime):  # farther than pandas 1 can
            return (left, right)
        raise


def missing(name: str) -> Any:
    """`NaT` or `NA`."""
    return getattr(import_module("pandas"), name)


def data_type(values: Any) -> Any:
    """The data type of what this describes, which has no items."""
    return described.values(values).dtype


def offset(name: str, count: int, normalize: bool, arguments: Mapping[str, Any]) -> Any:
    """A frequency, by its class: the words for them (`M`, `ME`) have changed, the classes have not."""
    kind = getattr(import_module("pandas").offsets, name)
    return kind(count, normalize=normalize, **arguments) if normalize else kind(count, **arguments)


def fixed_zone(minutes: int) -> Any:
    """A time zone that is so many minutes ahead of UTC all year."""
    return datetime.timezone(datetime.timedelta(minutes=minutes))
