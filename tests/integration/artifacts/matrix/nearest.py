"""What a value becomes where the reader's libraries lack its type: the table of the documentation, for portraits.

`ROWS` are the rows of the table in their order. `expected` says what the portrait of a value is once it has been read
with other versions, and which rows that took.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Words = Any
Versions = dict[str, tuple[int, ...]]  # of the libraries that are there


@dataclass(frozen=True)
class Row:
    """`change` gives the new words for those it is about, and None for all others."""

    what: str
    reader: str
    becomes: str
    lacks: Callable[[Versions], bool]
    change: Callable[[Words], Words | None]


def expected(words: Words, reader: Versions) -> tuple[Words, set[str]]:
    """The portrait of a value, as the reader should have it, and the names of the rows that changed it."""
    rows = [row for row in ROWS if row.lacks(reader)]
    used: set[str] = set()

    def walk(part: Words) -> Words:
        for row in rows:
            changed = row.change(part)
            if changed is not None:
                used.add(row.what)
                part = changed
        if isinstance(part, dict):
            return {name: walk(value) for name, value in part.items()}
        return [walk(value) for value in part] if isinstance(part, list) else part

    return walk(words), used


def _typed(part: Words, kind: str) -> bool:
    """Whether this is a column, an index or an array of its own of this type."""
    return _is_column(part) and isinstance(part["type"], list) and part["type"][0] == kind


def _is_column(part: Words) -> bool:
    return isinstance(part, dict) and part.keys() == {"type", "cells"}


# --- text


def _str_to_objects(part: Words) -> Words | None:
    if isinstance(part, dict) and part.keys() == {"array"} and _typed(part["array"], "str"):
        cells = part["array"]["cells"]
        return {"dtype": "|O", "shape": [len(cells)], "order": "C", "cells": cells}
    if isinstance(part, dict) and part.keys() == {"data type"} and _typed(part["data type"], "str"):
        return {"data type": "|O"}
    return {**part, "type": "|O"} if _typed(part, "str") else None


def _from_pyarrow(part: Words) -> Words | None:
    if (_typed(part, "str") or _typed(part, "string")) and part["type"][1] == "pyarrow":
        return {**part, "type": [part["type"][0], "python"]}
    return None


def _variable_text_to_objects(part: Words) -> Words | None:
    return {**part, "dtype": "|O"} if isinstance(part, dict) and part.get("dtype") == "variable text" else None


# --- times

_FIRST, _LAST = datetime.datetime(1677, 9, 21, 0, 12, 43), datetime.datetime(2262, 4, 11, 23, 47, 17)
_MOST_DAYS = 106_751


def _fits(cell: Words) -> bool:
    """Whether 64 bits of nanoseconds can hold this time, difference, or interval of times."""
    if not isinstance(cell, dict):
        return all(map(_fits, cell)) if isinstance(cell, list) else True
    if "time" in cell:
        time = datetime.datetime.fromisoformat(cell["time"][:19])
        return _FIRST < time < _LAST
    return abs(cell["difference"][0]) < _MOST_DAYS if "difference" in cell else True


def _of_times(dtype: Words) -> str | None:
    """The unit of a type that is about times, if it is not nanoseconds."""
    if isinstance(dtype, list) and dtype[0] == "zone":
        return None if dtype[2] == "ns" else dtype[2]
    if isinstance(dtype, list) and dtype[0] == "interval":
        return _of_times(dtype[1])
    if isinstance(dtype, str) and dtype[1:3] in ("M8", "m8"):
        unit = dtype[4:-1]
        return None if unit == "ns" else unit
    return None


def _to_nanoseconds(part: Words) -> Words | None:
    if _is_column(part) and _of_times(part["type"]) and _fits(part["cells"]):
        return {**part, "type": _in_nanoseconds(part["type"])}
    if isinstance(part, dict) and part.get("unit", "ns") != "ns" and _fits(part):
        return {**part, "unit": "ns"}
    return None


def _in_nanoseconds(dtype: Words) -> Words:
    if isinstance(dtype, str):
        return f"{dtype[:3]}[ns]"
    return ["zone", dtype[1], "ns"] if dtype[0] == "zone" else ["interval", _in_nanoseconds(dtype[1]), dtype[2]]


def _to_pythons(part: Words) -> Words | None:
    """Times that do not fit, and with them all others of a column, become Python's own."""
    if isinstance(part, dict) and part.keys() == {"array"} and not _fits(part["array"]["cells"]):
        cells = [_pythons(cell) for cell in part["array"]["cells"]]
        return {"dtype": "|O", "shape": [len(cells)], "order": "C", "cells": cells}
    if _is_column(part) and _of_times(part["type"]) and not _fits(part["cells"]):
        return {"type": "|O", "cells": [_pythons(cell) for cell in part["cells"]]}
    if isinstance(part, dict) and ("time" in part or "difference" in part) and not _fits(part):
        return _pythons(part)
    return None


def _pythons(cell: Words) -> Words:
    if isinstance(cell, list) and cell[0] == "interval":
        return ["tuple", _pythons(cell[1]), _pythons(cell[2])]
    if isinstance(cell, dict) and "time" in cell:
        return {"datetime": cell["time"], "zone": cell["zone"]}
    return {"timedelta": cell["difference"]} if isinstance(cell, dict) else cell


# --- indexes of numbers

_SMALL = ["|i1", "<i2", "<i4", "|u1", "<u2", "<u4", "<f4"]


def _to_64_bits(part: Words) -> Words | None:
    if not isinstance(part, dict) or part.get("class") != "Index" or part["index"]["type"] not in _SMALL:
        return None
    dtype = np.dtype(part["index"]["type"])
    numbers = np.frombuffer(bytes.fromhex(part["index"]["cells"]), dtype).astype(f"<{dtype.kind}8")
    return {**part, "index": {"type": numbers.dtype.str, "cells": numbers.tobytes().hex()}}


# --- sparse


def _to_dense(part: Words) -> Words | None:
    if not isinstance(part, dict) or "sparse" not in part or len(part["shape"]) == 2:
        return None
    return {"dtype": part["dtype"], "shape": part["shape"], "order": "C", "cells": part["whole"]}


ROWS = (
    Row(
        "`str` of pandas 3, in columns, indexes and categories",
        "pandas before 2.3",
        "`object`: Python's texts, `nan` where one is missing",
        lambda reader: reader["pandas"] < (2, 3),
        _str_to_objects,
    ),
    Row(
        "`str` and `string` kept by pyarrow",
        "no pyarrow",
        "the same type, kept by Python",
        lambda reader: "pyarrow" not in reader,
        _from_pyarrow,
    ),
    Row(
        "times, time differences and intervals of them in s, ms or µs",
        "pandas 1",
        "the same in ns, if all are between the years 1678 and 2261",
        lambda reader: reader["pandas"] < (2,),
        _to_nanoseconds,
    ),
    Row(
        "such, farther away",
        "pandas 1",
        "`object`: Python's `datetime` and `timedelta`, pairs of them for intervals",
        lambda reader: reader["pandas"] < (2,),
        _to_pythons,
    ),
    Row(
        "an index of numbers of 8, 16 or 32 bits",
        "pandas 1",
        "an index of 64 bits",
        lambda reader: reader["pandas"] < (2,),
        _to_64_bits,
    ),
    Row(
        "an array of `StringDType`",
        "numpy 1",
        "an array of `object`",
        lambda reader: reader["numpy"] < (2,),
        _variable_text_to_objects,
    ),
    Row(
        "a sparse array of one axis, or of three and more",
        "scipy before 1.15 (of one axis: before 1.13, `csr` 1.14)",
        "a numpy array",
        lambda reader: reader["scipy"] < (1, 13),
        _to_dense,
    ),
)
