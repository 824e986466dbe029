"""Writes or reads artifacts with whatever pandas is there. Run as a program: `write` or `read`, and a folder.

Beside each artifact lies what is in it, as text that does not depend on the version of pandas.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dockerflow.artifacts import codec


def tables() -> dict[str, Any]:
    columns = {
        "int": [1, 2, 3],
        "float": [1.0, 2.0, np.nan],
        "more": [1.0, 2.0, 3.0],
        "text": ["a", None, "b"],
        "time": pd.date_range("2020", periods=3),
        "zone": pd.date_range("2020", periods=3, tz="Europe/Berlin"),
        "delta": pd.to_timedelta([1, 2, None], unit="s"),
        "quarter": pd.period_range("2020-01-01", periods=3, freq="Q"),
        "month": pd.period_range("2020-01-01", periods=3, freq="M"),
        "interval": pd.interval_range(0.0, 3.0),
        "category": pd.Categorical(["a", None, "b"]),
        "Int64": pd.array([1, None, 3], dtype="Int64"),
        "Float64": pd.array([1.5, None, 3], dtype="Float64"),
        "boolean": pd.array([True, None, False], dtype="boolean"),
        "string": pd.array(["a", None, "b"], dtype="string"),
        "bool": [True, False, True],
        "objects": pd.Series([pd.Timestamp("2020", tz="UTC"), pd.Period("2020", "M"), np.float64(1.5)], dtype=object),
    }
    frame = pd.DataFrame(columns)
    ends = pd.date_range("2020-01-31", periods=3, freq=pd.offsets.MonthEnd(), name="end")
    hours = pd.date_range("2020", periods=3, freq=pd.offsets.Hour(), tz="Europe/Berlin")
    return {
        "frame": frame,
        "one_type": frame[["float", "more"]],
        "turned": frame[["int", "float"]].T,
        "two_levels": frame.set_index(["int", "text"])[["float"]],
        "month_ends": pd.DataFrame({"x": [1, 2, 3]}, index=ends),
        "hours": pd.DataFrame({"x": [1, 2, 3]}, index=hours),
        "unsigned": pd.DataFrame({"x": [1, 2]}, index=pd.Index([1, 2], dtype="u8")),
        "categories": pd.DataFrame({"x": [1, 2]}, index=pd.CategoricalIndex(["a", "b"])),
        "nothing": pd.DataFrame(),
        "described": frame[["int", "float", "bool"]].describe(include="all"),
        "array": pd.DataFrame(np.array([(1, "a"), (2, "b")], [("n", "i4"), ("s", "U5")])),
    }


def content(frame: Any) -> str:
    """A table as text: names, index, cells; every kind of missing value alike."""
    index = frame.index.tolist()
    cells = [[text(value) for value in frame.iloc[:, at].tolist()] for at in range(frame.shape[1])]
    names = [str(name) for name in [*frame.columns, *frame.index.names]]
    return json.dumps([names, [text(value) for value in index], cells])


def text(value: Any) -> str:
    return "missing" if np.ndim(value) == 0 and pd.isna(value) else str(value)


def write(folder: Path) -> None:
    for name, frame in tables().items():
        (folder / f"{name}.artifact").write_bytes(b"".join(codec.encode(frame).chunks))
        (folder / f"{name}.txt").write_text(content(frame))


def read(folder: Path) -> None:
    for path in sorted(folder.glob("*.artifact")):
        found, wanted = content(codec.decode(bytearray(path.read_bytes()))), path.with_suffix(".txt").read_text()
        if found != wanted:
            sys.exit(f"{path.name} read by pandas {pd.__version__}:\n{found}\nwas written as\n{wanted}")
        print(path.stem)


if __name__ == "__main__":
    {"write": write, "read": read}[sys.argv[1]](Path(sys.argv[2]))
