"""How two arrays of numbers differ, from their raw memory: where there is numpy with it, otherwise without.

Both ways give the same. Equal memory is passed over a piece at a time, so arrays that differ in a few places cost
little more than reading them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from itertools import product
from typing import Any

from dockerflow.comparing.inert import REBUILD, Made, numbers
from dockerflow.lazy_dataclasses import dataclass

# Items that are compared at once.
PIECE = 1 << 16

# What `memoryview` calls items of a size: it steps over them without looking into them.
_BY_SIZE = {1: "B", 2: "H", 4: "I", 8: "Q"}

# With fewer, numpy is not worth its import.
FEW = 1000


@dataclass(frozen=True)
class Array:
    """An array as it is stored: numpy's word for its data type, and its memory in order `C` or `F`."""

    words: str
    shape: tuple[int, ...]
    order: str
    memory: Any

    @property
    def item(self) -> int:
        return len(self.memory) // self.count if self.count else 1

    @property
    def count(self) -> int:
        return math.prod(self.shape)

    def row(self, at: int) -> Array:
        """One of the rows of an array of two axes."""
        rows, length = self.shape
        if self.order == "C":
            memory = self.memory[at * length * self.item : (at + 1) * length * self.item]
        elif self.item in _BY_SIZE:
            memory = memoryview(self.memory.cast(_BY_SIZE[self.item])[at::rows].tobytes())
        else:
            size, places = self.item, range(at, rows * length, rows)
            memory = memoryview(b"".join(bytes(self.memory[place * size : (place + 1) * size]) for place in places))
        return Array(self.words, (length,), "C", memory)


@dataclass(frozen=True)
class Differing:
    """How many items differ, and, of numbers, by how much at most: infinite where one of two is, or is no number."""

    count: int
    largest: float | None = None


def array_of(value: Any) -> Array | None:
    """The array that was stored so; None for anything else. A structure counts as its bytes."""
    if not isinstance(value, Made) or value.made_by != f"{REBUILD}.array":
        return None
    words, shape, order, memory = value.arguments
    view = memoryview(memory).cast("B") if len(memory) else memoryview(b"")
    if not isinstance(words, str):
        words = f"|V{len(view) // max(1, math.prod(shape))}"
    return Array(words, tuple(shape), order, view)


def type_name(words: str) -> str:
    """A data type as numpy prints it: `float64`, `datetime64[ns]`; of the other order of bytes `>f8`."""
    kind, size = words[1:2], words[2:]
    name = {"i": "int", "u": "uint", "f": "float", "c": "complex"}.get(kind)
    if words[0] == ">":
        return words
    if name:
        return f"{name}{8 * int(size)}"
    if kind in "mM":
        return f"{'datetime' if kind == 'M' else 'timedelta'}64{size[1:]}"
    return {"b": "bool", "O": "object"}.get(kind, words)


def differing(one: Array, other: Array) -> Differing:
    """Of two arrays of the same shape."""
    if one.order != other.order and len(one.shape) > 1:
        one, other = (Array(each.words, each.shape, "C", in_c_order(each)) for each in (one, other))
    found = [_of_pieces(*pair) for pair in _pieces(one, other)]
    return together(found)


def of_items(first: Iterable[Any], second: Iterable[Any]) -> Differing:
    """Of two rows of plain values; a distance is told where two numbers differ."""
    pairs = [pair for pair in zip(first, second) if not same(*pair)]
    distances = [distance(*pair) for pair in pairs if is_number(pair[0]) and is_number(pair[1])]
    return Differing(len(pairs), max(distances, default=None))


def is_number(value: Any) -> bool:
    return isinstance(value, (int, float, complex)) and not isinstance(value, bool)


def together(found: Sequence[Differing]) -> Differing:
    largest = [each.largest for each in found if each.largest is not None]
    return Differing(sum(each.count for each in found), max(largest, default=None))


def in_c_order(array: Array) -> Any:
    """The memory as it would be in order `C`."""
    if array.order == "C" or len(array.shape) < 2 or not array.count:
        return array.memory
    if len(array.shape) == 2:
        return memoryview(b"".join(array.row(at).memory for at in range(array.shape[0])))
    size, strides = array.item, [math.prod(array.shape[:axis]) for axis in range(len(array.shape))]
    places = (sum(map(int.__mul__, at, strides)) * size for at in product(*map(range, array.shape)))
    return memoryview(b"".join(bytes(array.memory[place : place + size]) for place in places))


def is_numeric(words: str) -> bool:
    return numbers(words, b"") is not None and words[1] != "b"


def _pieces(one: Array, other: Array) -> Iterator[tuple[Array, Array]]:
    """Those that are not the same bytes."""
    for start in range(0, one.count, PIECE):
        pair = tuple(_piece(each, start) for each in (one, other))
        if one.words != other.words or bytes(pair[0].memory) != bytes(pair[1].memory):
            yield pair[0], pair[1]


def _piece(array: Array, start: int) -> Array:
    end = min(start + PIECE, array.count)
    return Array(array.words, (end - start,), "C", array.memory[start * array.item : end * array.item])


def _alike(one: str, other: str) -> bool:
    """Whether numpy compares such numbers as Python does: it rounds integers when it has them beside others."""
    return one == other or {one[1], other[1]} <= {"f", "c"}


def _of_pieces(one: Array, other: Array) -> Differing:
    numeric = is_numeric(one.words) and is_numeric(other.words)
    numpy = _numpy() if numeric and _alike(one.words, other.words) and one.count > FEW else None
    if numpy is not None:
        return _by_numpy(numpy, one, other)
    return of_items(items(one), items(other))


def same(one: Any, other: Any) -> bool:
    """Whether two items are equal; what is no number is equal to itself."""
    return bool(one == other) or (one != one and other != other)


def distance(one: Any, other: Any) -> float:
    """Between two numbers that differ."""
    try:
        found = float(abs(one - other))
    except OverflowError:
        return math.inf
    return math.inf if math.isnan(found) else found


def items(array: Array) -> Sequence[Any]:
    """Numbers, or the bytes of each item, in the order of the memory."""
    found = numbers(array.words, array.memory)
    if found is not None:
        return found
    size = array.item
    return [bytes(array.memory[at : at + size]) for at in range(0, len(array.memory), size)]


def _by_numpy(numpy: Any, one: Array, other: Array) -> Differing:
    first, second = (numpy.frombuffer(each.memory, each.words) for each in (one, other))
    unequal = (first != second) & ~((first != first) & (second != second))
    first, second = first[unequal], second[unequal]
    if not len(first):
        return Differing(0)
    if first.dtype.kind in "iu" and second.dtype.kind in "iu":
        return Differing(len(first), float(max(abs(a - b) for a, b in _extremes(numpy, first, second))))
    wide = numpy.complex128 if "c" in (first.dtype.kind, second.dtype.kind) else numpy.float64
    with numpy.errstate(all="ignore"):
        distances = numpy.abs(first.astype(wide) - second.astype(wide))
    return Differing(len(first), float(numpy.where(numpy.isnan(distances), numpy.inf, distances).max()))


def _extremes(numpy: Any, first: Any, second: Any) -> Iterator[tuple[int, int]]:
    """Pairs of integers, as Python's, among them the one with the largest distance: numpy's would wrap around."""
    larger = first > second
    for high, low in ((first[larger], second[larger]), (second[~larger], first[~larger])):
        if len(high):
            apart = high.astype(numpy.uint64) - low.astype(numpy.uint64)  # exact, as the distance is below 2**64
            at = int(apart.argmax())
            yield int(high[at]), int(low[at])


def _numpy() -> Any:
    try:
        return import_module("numpy")
    except ImportError:
        return None
