"""A value of every kind that crosses versions, by name, made with whatever numpy, pandas and scipy are there.

A kind is left out where its writer has no such thing: there is nothing to carry then.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy_kinds
import pandas as pd
import pandas_kinds
import scipy_kinds
from scipy import sparse


def kinds() -> dict[str, Any]:
    """Every value, by `part.name`."""
    parts = {
        "numpy": numpy_kinds.arrays(),
        "random": numpy_kinds.generators(),
        "sparse": scipy_kinds.matrices(),
        "columns": pandas_kinds.columns(),
        "frames": pandas_kinds.frames(),
        "indexes": pandas_kinds.indexes(),
        "values": pandas_kinds.values(),
        "arrays": pandas_kinds.arrays(),
        "text": _text(),
        "deep": _deep(),
    }
    return {f"{part}.{name}": value for part, values in parts.items() for name, value in values.items()}


def _text() -> dict[str, Any]:
    """Columns of text, which are stored in a way of their own if they are nothing but text."""
    many = [f"row {at}" for at in range(300)]
    made = {
        "many": many,
        "many with None": [None, *many],
        "many with nan": [*many, np.nan],
        "many with both": [*many, np.nan, None, pd.NA, pd.NaT],
        "many with a number": [*many, 5],
        "many with bytes": [*many, b"x"],
        "not ASCII": [*many, "ü", "日本", "😀", "\0", "a\0"],
        "not UTF-8": [*many, "\ud800"],
        "numpy's": [*many, np.str_("x")],
        "empty words": [""] * 300,
    }
    found: dict[str, Any] = {name: pd.Series(words, dtype=object) for name, words in made.items()}
    found["index"] = pd.Index(many, dtype=object)
    found["array"] = np.array(many, object).reshape(3, 100)
    found["string"] = pd.Series([*many, None], dtype="string[python]")
    found["inferred"] = pd.Series(many)
    found["inferred index"] = pd.Index(many)
    return found


def _deep() -> dict[str, Any]:
    frame = pd.DataFrame({"x": [1.5, 2.5], "s": ["a", "b"]}, index=pd.Index(["r", "s"]))
    return {
        "frames in a dictionary": {
            "a": frame,
            "b": [frame["x"], {"c": frame.index}],
            ("t", 1): sparse.eye(2, format="csr"),
        },
        "frame in objects": numpy_kinds.of_objects([frame, np.arange(2), {"f": frame}]),
        "types of a table": pandas_kinds.frames()["all columns"].dtypes,
        "column of arrays": pd.Series([np.arange(2), np.arange(3.0)], index=["a", "b"]),
        "one frame twice": [frame, frame],
        "frame in attrs": _with_attrs(frame.copy(), {"other": np.arange(3)}),
    }


def _with_attrs(frame: Any, attrs: dict[str, Any]) -> Any:
    frame.attrs = attrs
    return frame
