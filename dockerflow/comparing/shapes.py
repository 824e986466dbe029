"""How two arrays, tables or indexes differ: in shape, type and columns, and in how many items by how much."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from dockerflow.comparing import arrays, tables
from dockerflow.comparing.arrays import Array, array_of, type_name
from dockerflow.comparing.inert import Made
from dockerflow.comparing.tables import Column, Table
from dockerflow.comparing.words import Compared, Difference, counted, shown

# Columns of a table of which it is told how they differ.
COLUMNS = 12


def _of_arrays(one: Array, other: Array) -> Compared:
    shape, dtype = _two(one.shape, other.shape), _two(type_name(one.words), type_name(other.words))
    facts: dict[str, Any] = {
        "shapes": [list(one.shape), list(other.shape)],
        "dtypes": [type_name(one.words), type_name(other.words)],
    }
    if one.shape != other.shape:
        return Difference(f"shape {shape}, {dtype}", (), facts)
    found = arrays.differing(one, other)
    if not found.count:
        beside = one.words != other.words or one.order != other.order
        how = "" if one.words != other.words else ", in another order of memory"
        return Difference(f"shape {shape}, {dtype}: all items are equal{how}", (), facts) if beside else None
    told = f"shape {shape}, {dtype}: {_of_count(found, one.count, 'item')}"
    return Difference(told, (), {**facts, "differing": found.count, "largest": found.largest})


def _of_indexes(one: Column, other: Column) -> Compared:
    return _of_columns(one, other)


def _of_tables(one: Table, other: Table) -> Compared:
    by_name = [_by_name(each) for each in (one, other)]
    shared = [name for name in by_name[0] if name in by_name[1]]
    parts = [f"shape {_two(one.shape, other.shape)}"]
    facts: dict[str, Any] = {"shapes": [list(one.shape), list(other.shape)]}
    for sign, word, names in (("+", "added", _without(*by_name[::-1])), ("-", "removed", _without(*by_name))):
        parts += [f"{sign} column {shown(name)}" for name in names[:COLUMNS]]
        facts[word] = [str(name) for name in names]
    if len(one.index) == len(other.index) and not tables.equal(one.index, other.index):
        parts.append("the index differs")
    changed = {name: told for name in shared if (told := _of_columns(by_name[0][name], by_name[1][name], False))}
    more = [f"{_label(name)}: {told.text}" for name, told in changed.items()]
    facts["columns"] = {_label(name): {"text": told.text, **told.facts} for name, told in changed.items()}
    if changed:
        verb = "differs" if len(changed) == 1 else "differ"
        parts.append(f"{len(changed)} of {len(shared)} columns {verb}" if len(shared) > 1 else "its values differ")
    if set(by_name[0]) == set(by_name[1]) and list(by_name[0]) != list(by_name[1]):
        parts.append("the columns are in another order")
    if len(parts) == 1 and one.shape == other.shape:
        return None
    rest = len(more) - COLUMNS
    return Difference(", ".join(parts), (*more[:COLUMNS], *([f"… {rest} columns more"] if rest > 0 else [])), facts)


def _of_columns(one: Column, other: Column, lengths: bool = True) -> Compared:
    dtype, facts = _two(one.dtype, other.dtype), {"dtypes": [one.dtype, other.dtype]}
    if len(one) != len(other):
        told = f"{len(one):,} → {len(other):,} items, {dtype}"
        return Difference(told, (), facts) if lengths or one.dtype != other.dtype else None
    found = tables.differing(one, other)
    if found.count:
        told = f"{dtype}, {_of_count(found, len(one), 'cell')}"
        return Difference(told, (), {**facts, "differing": found.count, "largest": found.largest})
    return Difference(f"{dtype}, all equal", (), facts) if one.dtype != other.dtype else None


def _of_count(found: arrays.Differing, of: int, noun: str) -> str:
    told = f"{found.count:,} of {counted(of, noun)} {'differs' if found.count == 1 else 'differ'}"
    if found.largest is None:
        return told
    return f"{told}, by {found.largest:.6g} at most" if found.largest < math.inf else f"{told}, also in `nan` or `inf`"


def _by_name(table: Table) -> dict[Any, Column]:
    """Of columns with one name, each with its number."""
    found: dict[Any, Column] = {}
    for label, column in zip(table.labels, table.columns):
        name, number = label, 2
        while name in found:
            name, number = (label, number), number + 1
        found[name] = column
    return found


def _label(name: Any) -> str:
    return name if isinstance(name, str) else "values" if name is None else shown(name)


def _without(one: Mapping[Any, Any], other: Mapping[Any, Any]) -> list[Any]:
    return [name for name in one if name not in other]


def _two(one: Any, other: Any) -> str:
    """`(3, 4)`, or `(3, 4) → (3, 5)`."""
    return str(one) if one == other else f"{one} → {other}"


def _index(value: Made) -> Column | None:
    return tables.index_of(value) if tables.is_index(value) else None


FORMS: tuple[tuple[Callable[[Any], Any], Callable[[Any, Any], Compared]], ...] = (
    (array_of, _of_arrays),
    (tables.table_of, _of_tables),
    (_index, _of_indexes),
)
