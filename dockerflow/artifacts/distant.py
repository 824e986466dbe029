"""Times and differences that pandas 1 cannot hold: it counts nanoseconds in 64 bits, which are the years 1678 to 2261.

Since pandas 2 a column counts seconds, milli- or microseconds as well. Read by pandas 1 it becomes one of nanoseconds
where all its values fit, and otherwise one of objects: Python's own `datetime` and `timedelta`, or numpy's where those
do not reach either. Intervals between such are pairs of them.
"""

from __future__ import annotations

import datetime
from importlib import import_module
from typing import Any, List

from dockerflow.artifacts.libraries import generation


def apart(pandas: Any, run: Any) -> List[Any]:
    """A run of columns as such, or, where one of them may become objects, each for itself."""
    together = isinstance(run, tuple) or run.ndim == 1 or run.dtype.kind not in "mM" or generation(pandas) >= 2
    return [run] if together else list(run)


def within(pandas: Any, values: Any) -> Any:
    """This array as it is, unless it holds times that this pandas cannot have."""
    if getattr(values, "dtype", None) is None or values.dtype.kind not in "mM" or generation(pandas) >= 2:
        return values
    numpy = import_module("numpy")
    made = values.astype(f"{values.dtype.kind}8[ns]")
    fit = (made.astype(values.dtype) == values) | numpy.isnat(values)  # what does not fit comes back as another
    return made if fit.all() else _objects(numpy, pandas.NaT, values)


def within_one(pandas: Any, value: Any) -> Any:
    """The same for one of numpy's times or differences."""
    found = within(pandas, import_module("numpy").array([value]))
    return found[0]


def in_zone(pandas: Any, utc: Any, zone: Any) -> Any:
    """Python's times in UTC, in a time zone. What leaves the years that Python knows by that stays in UTC."""
    found = import_module("numpy").empty(len(utc), object)
    there = pandas.Timestamp(0, tz="UTC").tz_convert(zone).tz
    for at, time in enumerate(utc):
        found[at] = _in_zone(time, there) if isinstance(time, datetime.datetime) and time is not pandas.NaT else time
    return found


def pairs(pandas: Any, left: Any, right: Any) -> Any:
    """An array of (left, right), or nan where both are missing."""
    made = import_module("numpy").empty(len(left), object)
    for at, pair in enumerate(zip(left, right)):
        made[at] = float("nan") if pandas.isna(pair[0]) else pair
    return made


def _in_zone(time: datetime.datetime, zone: Any) -> datetime.datetime:
    time = time.replace(tzinfo=datetime.timezone.utc)
    try:
        return time.astimezone(zone)
    except OverflowError:
        return time


def _objects(numpy: Any, missing: Any, values: Any) -> Any:
    made = values.astype(object)
    for at, value in enumerate(values):
        if numpy.isnat(value):
            made[at] = missing
        elif isinstance(made[at], int):
            made[at] = value
    return made
