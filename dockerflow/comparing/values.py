"""Say how two stored values differ, by what they are: numbers, texts, lists, arrays, tables.

Nothing is loaded, see `inert`: values of libraries that are not here are compared by what is stored of them, and an
object of somebody's own class by its attributes.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import field, replace
from datetime import datetime, timedelta
from typing import Any

from dockerflow.comparing import arrays, tables
from dockerflow.comparing.arrays import Array, array_of, is_number, same, type_name
from dockerflow.comparing.inert import REBUILD, Made, numbers
from dockerflow.comparing.tables import Column, Table
from dockerflow.lazy_dataclasses import dataclass

# Characters that are shown of a value, lines of a difference between texts, and columns of a table.
SHOWN, LINES, COLUMNS = 60, 12, 12

# How far one looks into lists in lists.
DEEPEST = 8


@dataclass(frozen=True)
class Difference:
    """In a line, with more lines where there is more to say; `facts` is the same for programs."""

    text: str
    more: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)

    def at(self, place: str) -> Difference:
        """Of a part of a value."""
        return Difference(f"{place}: {self.text}", self.more, {**self.facts, "at": place})


Compared = Difference | None


def difference(one: Any, other: Any, depth: int = 0) -> Compared:
    """How two values differ that `inert.look` has given; None if they are equal as far as it can tell."""
    try:
        return _difference(one, other, depth)
    except RecursionError:
        return Difference("differs, in something that contains itself")


def _difference(one: Any, other: Any, depth: int) -> Compared:
    if _kind(one) != _kind(other) and not (is_number(one) and is_number(other)):
        return Difference(f"{_typed(one)} → {_typed(other)}", (), {"types": [_kind(one), _kind(other)]})
    if depth > DEEPEST:
        return None if one == other else Difference("differs, deep inside")
    for kinds, compare in _WAYS:
        if isinstance(one, kinds):
            return compare(one, other, depth)
    return None if same(one, other) else _changed(one, other)


def shown(value: Any, room: int = SHOWN) -> str:
    """A value in a few words."""
    if isinstance(value, (str, bytes, bytearray)):
        text = repr(value[:room])  # not the whole of what may be large
        return text if len(text) <= room and len(value) <= room else f"{text[: room - 1]}…"
    if isinstance(value, Made):
        return _time(value) or f"<{_kind(value)}>"
    if isinstance(value, (list, tuple, dict, set, frozenset)) and len(value) > room:
        return f"<{_kind(value)} of {len(value):,}>"
    text = repr(value)
    return text if len(text) <= room else f"{text[: room - 1]}…"


_TIMES = (f"{REBUILD}.timestamp", f"{REBUILD}.timedelta", f"{REBUILD}.scalar")
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def _time(value: Made) -> str:
    """A time of numpy's or pandas', in UTC; empty for anything else and for what is too far away."""
    if value.made_by in _TIMES[:2]:
        value = value.arguments[0]
    if not isinstance(value, Made) or value.made_by != _TIMES[2]:
        return ""
    words, memory = value.arguments
    kind, unit = words[1:3], words[4:-1]
    if kind not in ("M8", "m8") or unit not in _PER_SECOND:
        return ""
    span = numbers(f"{words[0]}i8", memory) or (0,)
    try:
        since = timedelta(microseconds=span[0] * 10**6 // _PER_SECOND[unit])
        return str(since) if kind == "m8" else (datetime(1970, 1, 1) + since).isoformat(" ")
    except OverflowError:
        return ""


_NAMES = {
    **dict.fromkeys(("array", "object_array", "text_array", "structure", "records", "viewed"), "numpy.ndarray"),
    "frame": "pandas.DataFrame",
    "series": "pandas.Series",
    "timestamp": "pandas.Timestamp",
    "timedelta": "pandas.Timedelta",
    **dict.fromkeys(("index", "range_index", "multi_index", "time_index"), "pandas.Index"),
}

_OTHERS = {
    "dockerflow.artifacts.masked.masked_array": "numpy.ma.MaskedArray",
    "dockerflow.artifacts.matrices.matrix": "scipy.sparse.matrix",
}


def _kind(value: Any) -> str:
    """The name of a value's class."""
    if isinstance(value, type):
        return "type"
    if not isinstance(value, Made):
        return type(value).__name__
    module, _, name = value.made_by.rpartition(".")
    if module == REBUILD:
        return _NAMES.get(name, name)
    if value.made_by in _OTHERS:
        return _OTHERS[value.made_by]
    if value.made_by in ("copyreg.__newobj__", "copyreg._reconstructor") and value.arguments:
        return getattr(value.arguments[0], "made_by", value.made_by)
    return value.made_by


def _typed(value: Any) -> str:
    return shown(value) if value is None or isinstance(value, Made) else f"{_kind(value)} {shown(value)}"


def _changed(one: Any, other: Any, *more: str, **facts: Any) -> Difference:
    return Difference(f"{shown(one)} → {shown(other)}", more, {"values": [_plain(one), _plain(other)], **facts})


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, (bool, int, float)) else shown(value, 1000)


# ---- plain values


def _of_numbers(one: Any, other: Any, _: int) -> Compared:
    if same(one, other):
        return None
    if type(one) is bool or type(other) is bool:
        return _changed(one, other)
    try:
        apart = other - one
    except OverflowError:
        return _changed(one, other)
    told = f"{apart:+.6g}" if isinstance(apart, float) else f"{apart:+}"
    found = _changed(one, other, difference=_plain(apart))
    return found if isinstance(one, complex) or apart != apart else replace(found, text=f"{found.text} ({told})")


def _of_texts(one: str, other: str, _: int) -> Compared:
    if one == other:
        return None
    if "\n" not in one + other and max(len(one), len(other)) <= SHOWN:
        return _changed(one, other)
    first, second = one.splitlines(), other.splitlines()
    sizes = f"{len(one):,} → {len(other):,} characters"
    if max(len(first), len(second)) > 2000:  # difflib takes time with the square of it
        at = next((n for n, pair in enumerate(zip(first, second)) if pair[0] != pair[1]), min(len(first), len(second)))
        return Difference(f"{sizes}, the first difference is in line {at + 1:,}", (), {"line": at + 1})
    lines = [shorter(line) for line in difflib.unified_diff(first, second, n=1, lineterm="")][2:]
    more = (*lines[:LINES], *([f"… {len(lines) - LINES} lines more"] if len(lines) > LINES else []))
    return Difference(sizes, more, {"lengths": [len(one), len(other)], "diff": lines})


def shorter(line: str) -> str:
    return line if len(line) <= 2 * SHOWN else f"{line[: 2 * SHOWN - 1]}…"


def _of_bytes(one: Any, other: Any, _: int) -> Compared:
    if one == other:
        return None
    at = next((n for n, pair in enumerate(zip(one, other)) if pair[0] != pair[1]), min(len(one), len(other)))
    sizes = f"{len(one):,} bytes" if len(one) == len(other) else f"{len(one):,} → {len(other):,} bytes"
    return Difference(f"{sizes}, the first difference is at {at:,}", (), {"lengths": [len(one), len(other)], "at": at})


def _of_sequences(one: Sequence[Any], other: Sequence[Any], depth: int) -> Compared:
    pairs = ((at, *pair) for at, pair in enumerate(zip(one, other)) if not same(*pair))
    found = [(at, told) for at, first, second in pairs if (told := difference(first, second, depth + 1))]
    if len(one) == len(other) and not found:
        return None
    sizes = counted(len(one), "item") if len(one) == len(other) else f"{len(one):,} → {len(other):,} items"
    facts = {"lengths": [len(one), len(other)], "differing": len(found)}
    if not found:
        return Difference(f"{sizes}, those that both have are equal", (), facts)
    at, first = found[0]
    most = f"{len(found):,} differ, the first at [{at}]" if len(found) > 1 else f"[{at}] differs"
    return Difference(f"{sizes}, {most}: {first.text}", first.more, {**facts, "first": at})


def _of_mappings(one: Mapping[Any, Any], other: Mapping[Any, Any], depth: int) -> Compared:
    changed = {key: told for key in one if key in other and (told := difference(one[key], other[key], depth + 1))}
    new, gone = [key for key in other if key not in one], [key for key in one if key not in other]
    if not (changed or new or gone):
        return None if list(one) == list(other) else Difference("the same keys in another order")
    parts = [f"+ {shown(key)}" for key in new[:3]] + [f"- {shown(key)}" for key in gone[:3]]
    parts += [f"{len(new) + len(gone) - len(parts)} keys more"] * (len(parts) < len(new) + len(gone))
    for key, told in list(changed.items())[:3]:
        parts.append(f"[{shown(key)}]: {told.text}")
    parts += [f"{len(changed) - 3} more differ"] * (len(changed) > 3)
    more = next(iter(changed.values())).more if len(changed) == 1 else ()
    keys = {"added": [shown(key) for key in new], "removed": [shown(key) for key in gone]}
    return Difference("; ".join(parts), more, {**keys, "changed": {shown(k): told.text for k, told in changed.items()}})


def _of_sets(one: Set[Any], other: Set[Any], _: int) -> Compared:
    if one == other:
        return None
    new, gone = [[shown(item) for item in sorted(each, key=repr)] for each in (other - one, one - other)]
    parts = [f"+ {item}" for item in new[:3]] + [f"- {item}" for item in gone[:3]]
    rest = len(new) + len(gone) - len(parts)
    return Difference("; ".join([*parts, *([f"{rest:,} more"] if rest else [])]), (), {"added": new, "removed": gone})


# ---- what libraries and the user's own classes make


def _of_made(one: Made, other: Made, depth: int) -> Compared:
    for take, compare in _FORMS:
        first, second = take(one), take(other)
        if first is not None and second is not None:
            return compare(first, second)
    return _of_objects(one, other, depth)


def _of_objects(one: Made, other: Made, depth: int) -> Compared:
    """By the attributes, else by what pickle would call with."""
    if isinstance(one.state, dict) and isinstance(other.state, dict):
        inner = _of_attributes(one.state, other.state, depth)
    else:
        inner = difference(one.state, other.state, depth + 1)
    if inner:
        return inner
    if one.made_by in _TIMES:
        return None if one == other else _changed(one, other)
    for first, second in ((one.arguments, other.arguments), (one.items, other.items)):
        found = [told for pair in zip(first, second) if (told := difference(*pair, depth + 1))]
        if found or len(first) != len(second):
            text = f"<{_kind(one)}>, in what it is made of"
            return replace(found[0], text=f"{text}: {found[0].text}") if found else Difference(text)
    return None


def _of_attributes(one: Mapping[str, Any], other: Mapping[str, Any], depth: int) -> Compared:
    names = [*one, *(name for name in other if name not in one)]
    lacks = object()
    found = {}
    for name in names:
        first, second = one.get(name, lacks), other.get(name, lacks)
        if first is lacks or second is lacks:
            found[name] = Difference("only in the first" if second is lacks else "only in the second")
        elif told := difference(first, second, depth + 1):
            found[name] = told
    if not found:
        return None
    lines = [f".{name}: {told.text}" for name, told in found.items()]
    facts = {"attributes": {name: told.text for name, told in found.items()}}
    if len(lines) == 1:
        return Difference(lines[0], next(iter(found.values())).more, facts)
    return Difference(f"{len(lines)} attributes differ", tuple(lines[:LINES]), facts)


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


def _of_items(one: list[Any], other: list[Any]) -> Compared:
    return _of_sequences(one, other, DEEPEST - 2)


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
        parts.append(f"{len(changed)} of {len(shared)} columns differ" if len(shared) > 1 else "its values differ")
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


def counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'s' * (count != 1)}"


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


_FORMS: tuple[tuple[Callable[[Any], Any], Callable[[Any, Any], Compared]], ...] = (
    (array_of, _of_arrays),
    (tables.items_of, _of_items),
    (tables.table_of, _of_tables),
    (_index, _of_indexes),
)

_WAYS: tuple[tuple[Any, Callable[[Any, Any, int], Compared]], ...] = (
    (Made, _of_made),
    ((bool, int, float, complex), _of_numbers),
    (str, _of_texts),
    ((bytes, bytearray, memoryview), _of_bytes),
    (Mapping, _of_mappings),
    (Set, _of_sets),
    (Sequence, _of_sequences),
)


def lines_of(found: Difference) -> Iterator[str]:
    yield found.text
    yield from (f"  {line}" for line in found.more)
