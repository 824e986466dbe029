"""Say how two stored values differ, by what they are: numbers, texts, lists, arrays, tables, objects.

Nothing is loaded, see `inert`: values of libraries that are not here are compared by what is stored of them, and an
object of somebody's own class by its attributes.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import replace
from typing import Any

from dockerflow.comparing import shapes, tables
from dockerflow.comparing.arrays import is_number, same
from dockerflow.comparing.inert import Made
from dockerflow.comparing.words import (
    LINES,
    SHOWN,
    TIMES,
    Compared,
    Difference,
    changed,
    counted,
    kind,
    plain,
    shorter,
    shown,
    typed,
)

# How far one looks into lists in lists.
DEEPEST = 8

# Keys of a dictionary, or items of a set, that are told, and that programs are told.
KEYS, FACTS = 3, 1000

_SIMPLE = (bool, int, float, str, bytes, type(None))


def difference(one: Any, other: Any, depth: int = 0) -> Compared:
    """How two values differ that `inert.look` has given; None if they are equal as far as it can tell. Raises nothing:
    what somebody has stored may be in a form that is not known here, or refuse to be compared."""
    try:
        return _difference(one, other, depth)
    except RecursionError:
        return Difference("differs, in something that contains itself")
    except Exception as error:  # noqa: BLE001 - whatever the value is made of
        return Difference(f"cannot be compared: {type(error).__name__}")


def _difference(one: Any, other: Any, depth: int) -> Compared:
    if kind(one) != kind(other) and not (is_number(one) and is_number(other)):
        return Difference(f"{typed(one)} → {typed(other)}", (), {"types": [kind(one), kind(other)]})
    if depth > DEEPEST:
        return None if one == other else Difference("differs, deep inside")
    for kinds, compare in _WAYS:
        if isinstance(one, kinds):
            return compare(one, other, depth)
    return None if same(one, other) else changed(one, other)


# ---- plain values


def _of_numbers(one: Any, other: Any, _: int) -> Compared:
    if same(one, other):
        return None
    if type(one) is bool or type(other) is bool:
        return changed(one, other)
    try:
        apart = other - one
    except OverflowError:
        return changed(one, other)
    found = changed(one, other, difference=plain(apart))
    if isinstance(apart, complex) or apart != apart or plain(apart) is not apart:
        return found
    told = f"{apart:+.6g}" if isinstance(apart, float) else f"{apart:+}"
    return replace(found, text=f"{found.text} ({told})")


def _of_texts(one: str, other: str, _: int) -> Compared:
    if one == other:
        return None
    if "\n" not in one + other and max(len(one), len(other)) <= SHOWN:
        return changed(one, other)
    first, second = one.splitlines(), other.splitlines()
    sizes = f"{len(one):,} → {len(other):,} characters" if len(one) != len(other) else f"{len(one):,} characters"
    if max(len(first), len(second)) > 2000:  # difflib takes time with the square of it
        at = next((n for n, pair in enumerate(zip(first, second)) if pair[0] != pair[1]), min(len(first), len(second)))
        return Difference(f"{sizes}, the first difference is in line {at + 1:,}", (), {"line": at + 1})
    lines = [shorter(line) for line in difflib.unified_diff(first, second, n=1, lineterm="")][2:]
    more = (*lines[:LINES], *([f"… {len(lines) - LINES} lines more"] if len(lines) > LINES else []))
    return Difference(sizes, more, {"lengths": [len(one), len(other)], "diff": lines})


def _of_bytes(one: Any, other: Any, _: int) -> Compared:
    if one == other:
        return None
    at = _first_difference(memoryview(one), memoryview(other))
    sizes = f"{len(one):,} bytes" if len(one) == len(other) else f"{len(one):,} → {len(other):,} bytes"
    return Difference(f"{sizes}, the first difference is at {at:,}", (), {"lengths": [len(one), len(other)], "at": at})


def _first_difference(one: memoryview, other: memoryview) -> int:
    for start in range(0, min(len(one), len(other)), 1 << 16):
        first, second = (bytes(each[start : start + (1 << 16)]) for each in (one, other))
        if first != second:
            pairs = enumerate(zip(first, second), start)
            return next((at for at, pair in pairs if pair[0] != pair[1]), start + min(len(first), len(second)))
    return min(len(one), len(other))


def _of_sequences(one: Sequence[Any], other: Sequence[Any], depth: int) -> Compared:
    found = [at for at, pair in enumerate(zip(one, other)) if not same(*pair) and _differ(*pair, depth)]
    if len(one) == len(other) and not found:
        return None
    sizes = counted(len(one), "item") if len(one) == len(other) else f"{len(one):,} → {len(other):,} items"
    facts = {"lengths": [len(one), len(other)], "differing": len(found)}
    if not found:
        return Difference(f"{sizes}, those that both have are equal", (), facts)
    at, first = found[0], difference(one[found[0]], other[found[0]], depth + 1)
    if first is None:
        return None
    most = f"{len(found):,} differ, the first at [{at}]" if len(found) > 1 else f"[{at}] differs"
    return Difference(f"{sizes}, {most}: {first.text}", first.more, {**facts, "first": at})


def _of_mappings(one: Mapping[Any, Any], other: Mapping[Any, Any], depth: int) -> Compared:
    differing = [key for key in one if key in other and not same(one[key], other[key])]
    differing = [key for key in differing if _differ(one[key], other[key], depth)]
    new, gone = [key for key in other if key not in one], [key for key in one if key not in other]
    if not (differing or new or gone):
        return None if list(one) == list(other) else Difference("the same keys in another order")
    parts = [f"+ {shown(key)}" for key in new[:KEYS]] + [f"- {shown(key)}" for key in gone[:KEYS]]
    parts += [f"{len(new) + len(gone) - len(parts):,} keys more"] * (len(parts) < len(new) + len(gone))
    told = {key: found for key in differing[:KEYS] if (found := difference(one[key], other[key], depth + 1))}
    parts += [f"[{shown(key)}]: {found.text}" for key, found in told.items()]
    parts += [f"{len(differing) - len(told):,} more differ"] * (len(differing) > len(told))
    more = next(iter(told.values())).more if len(told) == 1 == len(differing) else ()
    keys = {"added": [shown(key) for key in new[:FACTS]], "removed": [shown(key) for key in gone[:FACTS]]}
    facts = {**keys, "changed": {shown(key): found.text for key, found in told.items()}, "differing": len(differing)}
    return Difference("; ".join(parts), more, facts)


def _differ(one: Any, other: Any, depth: int) -> bool:
    """Of two values that are not the same: objects may be equal as far as can be told."""
    if isinstance(one, _SIMPLE) and isinstance(other, _SIMPLE):
        return True
    return difference(one, other, depth + 1) is not None


def _of_sets(one: Set[Any], other: Set[Any], _: int) -> Compared:
    if one == other:
        return None
    new, gone = [[shown(item) for item in sorted(each, key=repr)] for each in (other - one, one - other)]
    parts = [f"+ {item}" for item in new[:KEYS]] + [f"- {item}" for item in gone[:KEYS]]
    rest = len(new) + len(gone) - len(parts)
    return Difference(
        "; ".join([*parts, *([f"{rest:,} more"] if rest else [])]), (), {"added": new[:FACTS], "removed": gone[:FACTS]}
    )


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
    if one.made_by in TIMES:
        return None if one == other else changed(one, other)
    for first, second in ((one.arguments, other.arguments), (one.items, other.items)):
        found = [told for pair in zip(first, second) if (told := difference(*pair, depth + 1))]
        if found or len(first) != len(second):
            text = f"<{kind(one)}>, in what it is made of"
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


def _of_items(one: list[Any], other: list[Any]) -> Compared:
    return _of_sequences(one, other, DEEPEST - 2)


_FORMS: tuple[tuple[Callable[[Any], Any], Callable[[Any, Any], Compared]], ...] = (
    *shapes.FORMS,
    (tables.items_of, _of_items),
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
