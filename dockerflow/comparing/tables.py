"""Tables, series and indexes of pandas as they are stored, taken apart into columns: without pandas.

The forms are those that `artifacts.tables` lists. What is not known here, as a column of pyarrow's, is a column of one
item, which is the same or is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

from dockerflow.comparing import arrays
from dockerflow.comparing.arrays import Array, Differing, array_of, type_name
from dockerflow.comparing.inert import REBUILD, Made
from dockerflow.lazy_dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """The values of a column, as an array or as items, and pandas' name for their type."""

    dtype: str
    values: Any

    def __len__(self) -> int:
        return self.values.count if isinstance(self.values, Array) else len(self.values)

    @property
    def items(self) -> Sequence[Any]:
        found: Sequence[Any] = arrays.items(self.values) if isinstance(self.values, Array) else self.values
        return found


@dataclass(frozen=True)
class Table:
    """A table, or with one column of that name a series. `labels` and `index` are what it is labelled by."""

    index: Column
    labels: tuple[Any, ...]
    columns: tuple[Column, ...]

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.index), len(self.columns)


def differing(one: Column, other: Column) -> Differing:
    """Of two columns of the same length."""
    if isinstance(one.values, Array) and isinstance(other.values, Array):
        return arrays.differing(one.values, other.values)
    return arrays.of_items(one.items, other.items)


def equal(one: Column, other: Column) -> bool:
    return len(one) == len(other) and not differing(one, other).count


def table_of(value: Any) -> Table | None:
    """The DataFrame or Series that was stored so; None for anything else."""
    made_by = value.made_by if isinstance(value, Made) else ""
    if made_by == f"{REBUILD}.frame":
        index, labels, runs = value.arguments[:3]
        columns = tuple(column for run in runs for column in _of_run(run))
        return Table(index_of(index), tuple(index_of(labels).items), columns)
    if made_by == f"{REBUILD}.series":
        index, values, name = value.arguments[:3]
        return Table(index_of(index), (name,), (column_of(values),))
    return None


def is_index(value: Any) -> bool:
    return isinstance(value, Made) and value.made_by.startswith(f"{REBUILD}.") and value.made_by.endswith("index")


def index_of(value: Made) -> Column:
    """The labels of an index, as a column."""
    kind = value.made_by.rpartition(".")[2]
    if kind == "range_index":
        return Column("int64", range(*value.arguments[:3]))
    if kind == "multi_index":
        levels, codes = value.arguments[:2]
        parts = [_chosen(index_of(level).items, column_of(code).items) for level, code in zip(levels, codes)]
        return Column("tuple", list(zip(*parts)))
    return column_of(value.arguments[0])


def items_of(value: Any) -> list[Any] | None:
    """The items of an array of objects in C order; None for anything else."""
    kind = value.made_by.rpartition(".")[2] if isinstance(value, Made) else ""
    if kind == "object_array":
        return list(value.arguments[1])
    if kind != "text_array":
        return None
    _, text, separator, codes, places, others = value.arguments
    texts = str(text, "utf-8", "surrogatepass").split(separator)
    if codes is not None:
        texts = _chosen(texts, column_of(codes).items)
    return texts if places is None else _with_others(texts, column_of(places).items, others)


def _with_others(texts: list[Any], places: Sequence[int], others: Sequence[Any]) -> list[Any]:
    known, rest = dict(zip(places, others)), iter(texts)
    return [known[at] if at in known else next(rest) for at in range(len(texts) + len(others))]


def _of_run(run: Any) -> list[Column]:
    """The columns of neighbours of one type: an array of two axes has one in each row."""
    shape: tuple[int, ...] = ()
    if isinstance(run, Made):
        shape = run.arguments[1] if array_of(run) else run.arguments[0] if items_of(run) is not None else ()
    if len(shape) != 2:
        return [column_of(run)]
    whole = column_of(run)
    if isinstance(whole.values, Array):
        return [Column(whole.dtype, whole.values.row(at)) for at in range(shape[0])]
    rest = iter(whole.items)
    return [Column(whole.dtype, list(islice(rest, shape[1]))) for _ in range(shape[0])]


def column_of(described: Any) -> Column:
    """A column from a form that `artifacts.tables` lists."""
    if isinstance(described, tuple) and described and described[0] in _KINDS:
        made: Column = _KINDS[described[0]](*described[1:])
        return made
    found = array_of(described)
    if found is not None:
        return Column(type_name(found.words), found)
    objects = items_of(described)
    if objects is not None:
        return Column("object", objects)
    if is_index(described):
        return index_of(described)
    return Column("other", [described])


def _categorical(codes: Any, categories: Any, _: bool) -> Column:
    return Column("category", _chosen(index_of(categories).items, column_of(codes).items))


def _zoned(utc: Any, zone: Any) -> Column:
    times = column_of(utc)
    return Column(f"{times.dtype.rstrip(']')}, {zone}]", times.values)


def _period(ordinals: Any, _: Any) -> Column:
    return Column("period", column_of(ordinals).values)


def _interval(left: Any, right: Any, _: str) -> Column:
    return Column("interval", list(zip(column_of(left).items, column_of(right).items)))


def _masked(values: Any, mask: Any) -> Column:
    found = column_of(values)
    items = [None if missing else item for item, missing in zip(found.items, column_of(mask).items)]
    return Column({"bool": "boolean"}.get(found.dtype, found.dtype.title().replace("Ui", "UI")), items)


def _string(_: str, missing: str, items: Any) -> Column:
    return Column("string" if missing == "NA" else "str", column_of(items).values)


def _sparse(values: Any, places: Any, length: int, fill: Any, _: str) -> Column:
    found, items = column_of(values), [fill] * length
    for at, item in zip(column_of(places).items, found.items):
        items[at] = item
    return Column(f"Sparse[{found.dtype}]", items)


def _chosen(items: Sequence[Any], codes: Sequence[int]) -> list[Any]:
    """What each code counts; below zero for what is missing."""
    return [items[code] if code >= 0 else None for code in codes]


_KINDS: dict[str, Any] = {
    "categorical": _categorical,
    "zoned": _zoned,
    "times": column_of,
    "period": _period,
    "interval": _interval,
    "masked": _masked,
    "string": _string,
    "sparse": _sparse,
}
