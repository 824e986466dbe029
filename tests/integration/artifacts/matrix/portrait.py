"""A value as plain words that do not depend on the version of any library, so that two versions can compare.

What `==` of the libraries looks at is in it, and more: classes, data types, the order of memory, names, frequencies,
zones, units, attributes, and of every cell its type and its exact value. Only public means are used, none of
those by which dockerflow takes values apart.
"""

from __future__ import annotations

import datetime
import hashlib
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

Words = Any  # None, text, numbers, and lists and dictionaries of such


def portrait(value: Any) -> Words:
    if sparse.issparse(value):
        return _sparse(value)
    for kinds, paint in _PAINTERS:
        if isinstance(value, kinds):
            return paint(value)
    if type(value).__module__.startswith("pandas"):  # its own arrays
        return {"array": _cells(value)}
    return _plain(value)


# --- numpy


def _array(array: np.ndarray) -> Words:
    order = "C" if array.flags.c_contiguous else "F" if array.flags.f_contiguous else "C"
    return {"dtype": _dtype(array.dtype), "shape": list(array.shape), "order": order, "cells": _items(array)}


def _viewed(array: np.ndarray) -> Words:
    return {type(array).__name__: _array(np.asarray(array))}


def _masked(array: np.ma.MaskedArray) -> Words:
    if array is np.ma.masked:
        return "masked"
    fill = np.asarray(array.fill_value).astype(array.dtype)
    mask = None if array.mask is np.ma.nomask else _array(np.asarray(array.mask))
    return {"data": _array(array.data), "mask": mask, "fill": _array(fill), "hard": bool(array.hardmask)}


def _dtype(dtype: np.dtype) -> Words:
    if dtype.names is not None:
        fields = [[name, _dtype(dtype.fields[name][0]), list(map(str, dtype.fields[name][1:]))] for name in dtype.names]
        return [*fields, dtype.itemsize, dtype.isalignedstruct]
    if dtype.subdtype is not None:
        return [_dtype(dtype.subdtype[0]), list(dtype.subdtype[1])]
    return "variable text" if dtype.kind == "T" else dtype.str


def _items(array: np.ndarray) -> Words:
    if array.dtype.names is not None:
        return [_items(array[name]) for name in array.dtype.names]
    if array.dtype.kind in "OT":
        return [portrait(item) for item in array.astype(object).reshape(-1)]
    return hashlib.sha256(array.tobytes()).hexdigest() if array.nbytes > 200 else array.tobytes().hex()


def _scalar(scalar: np.generic) -> Words:
    value = repr(scalar.item()) if isinstance(scalar, (np.str_, np.bytes_)) else scalar.tobytes().hex()
    return {"scalar": type(scalar).__name__.rstrip("_"), "dtype": scalar.dtype.str, "value": value}


def _generator(found: Any) -> Words:
    state = found.get_state(legacy=False) if hasattr(found, "get_state") else found.bit_generator.state
    return {"generator": type(found).__name__, "state": portrait(state)}


def _bits(found: np.random.BitGenerator) -> Words:
    return {"bits": type(found).__name__, "state": portrait(found.state)}


def _seeds(found: np.random.SeedSequence) -> Words:
    return {"seeds": portrait(dict(found.state)), "next": found.generate_state(4).tolist()}


# --- scipy


def _sparse(matrix: Any) -> Words:
    in_lists = matrix.format in ("lil", "dok")
    names = [] if in_lists else [name for name in ("data", "indices", "indptr", "offsets") if hasattr(matrix, name)]
    parts = {name: _array(getattr(matrix, name)) for name in names}
    if matrix.format == "coo":
        coordinates = getattr(matrix, "coords", None) or (matrix.row, matrix.col)
        parts.update({f"axis {at}": _array(np.asarray(one)) for at, one in enumerate(coordinates)})
    return {
        "sparse": type(matrix).__name__,
        "dtype": matrix.dtype.str,
        "shape": list(matrix.shape),
        "stored": int(matrix.nnz),
        "parts": parts,
        "whole": matrix.toarray().tobytes().hex(),
    }


# --- pandas


def _frame(frame: pd.DataFrame) -> Words:
    columns = [_cells(frame.iloc[:, at]) for at in range(frame.shape[1])]
    return {"frame": columns, "columns": portrait(frame.columns), "rows": portrait(frame.index), **_notes(frame)}


def _series(series: pd.Series) -> Words:
    return {"series": _cells(series), "rows": portrait(series.index), "name": portrait(series.name), **_notes(series)}


def _notes(table: Any) -> dict[str, Words]:
    return {"attrs": portrait(dict(table.attrs)), "duplicates": table.flags.allows_duplicate_labels}


def _index(index: pd.Index) -> Words:
    if isinstance(index, pd.MultiIndex):
        levels = [portrait(level) for level in index.levels]
        return {
            "levels": levels,
            "codes": [list(map(int, codes)) for codes in index.codes],
            "name": portrait(list(index.names)),
        }
    if isinstance(index, pd.RangeIndex):
        return {"range": [index.start, index.stop, index.step], "name": portrait(index.name)}
    frequency = portrait(getattr(index, "freq", None)) if not isinstance(index, pd.PeriodIndex) else None
    return {"index": _cells(index), "name": portrait(index.name), "frequency": frequency, "class": _index_class(index)}


def _index_class(index: pd.Index) -> str:
    """Before pandas 2 there were three more classes for numbers."""
    name = type(index).__name__
    return "Index" if name in ("Int64Index", "UInt64Index", "Float64Index") else name


def _cells(cells: Any) -> Words:
    """A column, an index or an array: its data type and each cell."""
    dtype = cells.dtype
    made: dict[str, Words] = {"type": _column_type(dtype), "cells": [portrait(cell) for cell in list(cells)]}
    if isinstance(dtype, np.dtype) and dtype.kind not in "OmM":
        made["cells"] = _items(np.asarray(cells))
    if isinstance(dtype, pd.CategoricalDtype):
        codes = cells.cat.codes if isinstance(cells, pd.Series) else cells.codes
        made["cells"] = {"categories": portrait(dtype.categories), "codes": list(map(int, codes))}
    if isinstance(dtype, np.dtype) and dtype.kind == "O":  # a list of a column makes numbers of Python of some
        made["cells"] = [portrait(cell) for cell in np.asarray(cells, object)]
    return made


def _column_type(dtype: Any) -> Words:
    if isinstance(dtype, np.dtype):
        return dtype.str
    if isinstance(dtype, pd.CategoricalDtype):
        return ["category", bool(dtype.ordered)]
    if isinstance(dtype, pd.DatetimeTZDtype):
        return ["zone", _zone(dtype.tz), dtype.unit]
    if isinstance(dtype, pd.PeriodDtype):
        return ["period", _offset(dtype.freq)]
    if isinstance(dtype, pd.IntervalDtype):
        return ["interval", _column_type(dtype.subtype), dtype.closed]
    if isinstance(dtype, pd.SparseDtype):
        return ["sparse", dtype.subtype.str, portrait(dtype.fill_value)]
    if isinstance(dtype, pd.StringDtype):
        return ["str" if isinstance(dtype.na_value, float) else "string", dtype.storage]
    return str(dtype)


def _data_type(dtype: Any) -> Words:
    if isinstance(dtype, np.dtype):
        return {"data type": _dtype(dtype)}
    cells = [portrait(dtype.categories)] if isinstance(dtype, pd.CategoricalDtype) else []
    return {"data type": {"type": _column_type(dtype), "cells": cells}}


def _zone(zone: Any) -> Words:
    if zone is None:
        return None
    name = getattr(zone, "zone", None) or getattr(zone, "key", None)
    if name is None and str(zone) != "UTC":
        return int(datetime.datetime(2020, 1, 1, tzinfo=zone).utcoffset().total_seconds() // 60)
    return str(name or zone)


def _offset(offset: Any) -> Words:
    words = sorted((name, repr(value)) for name, value in offset.kwds.items())
    return ["offset", type(offset).__name__, offset.n, offset.normalize, [list(pair) for pair in words]]


def _timestamp(time: pd.Timestamp) -> Words:
    return {"time": time.isoformat(), "zone": _zone(time.tz), "unit": getattr(time, "unit", "ns")}


def _timedelta(delta: pd.Timedelta) -> Words:
    parts = [delta.days, delta.seconds, delta.microseconds, delta.nanoseconds]
    return {"difference": parts, "unit": getattr(delta, "unit", "ns")}


def _period(period: pd.Period) -> Words:
    return ["period", period.ordinal, _offset(period.freq)]


def _interval(interval: pd.Interval) -> Words:
    return ["interval", portrait(interval.left), portrait(interval.right), interval.closed]


# --- plain values


def _dictionary(values: dict[Any, Any]) -> Words:
    return {"dictionary": [[portrait(key), portrait(value)] for key, value in values.items()]}


def _sequence(values: Any) -> Words:
    return [type(values).__name__, *map(portrait, values)]


def _datetime(time: datetime.datetime) -> Words:
    return {"datetime": time.isoformat(), "zone": _zone(time.tzinfo)}


def _difference(delta: datetime.timedelta) -> Words:
    return {"timedelta": [delta.days, delta.seconds, delta.microseconds, 0]}


def _plain(value: Any) -> Words:
    return [type(value).__name__, repr(value)]


_PAINTERS: list[tuple[Any, Any]] = [
    (type(pd.NaT), lambda _: "NaT"),
    (type(pd.NA), lambda _: "NA"),
    (pd.DataFrame, _frame),
    (pd.Series, _series),
    (pd.Index, _index),
    ((np.dtype, pd.api.extensions.ExtensionDtype), _data_type),
    (pd.Timestamp, _timestamp),
    (pd.Timedelta, _timedelta),
    (pd.Period, _period),
    (pd.Interval, _interval),
    (pd.offsets.BaseOffset, _offset),
    (np.ma.MaskedArray, _masked),
    ((np.matrix, np.char.chararray), _viewed),
    (np.ndarray, _array),
    (np.generic, _scalar),
    ((np.random.RandomState, np.random.Generator), _generator),
    (np.random.BitGenerator, _bits),
    (np.random.SeedSequence, _seeds),
    (datetime.datetime, _datetime),
    (datetime.timedelta, _difference),
    (dict, _dictionary),
    ((list, tuple), _sequence),
]
