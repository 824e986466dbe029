"""Look at a stored value without loading it: no library is imported, and no code of anybody's is called.

What pickle makes by calling something becomes a `Made`, which says what would be called and with what. Only a few
classes of the standard library are made as they are, and numpy's single numbers and texts become Python's. So the
artifacts of a stranger, or those of libraries that are not here, can be shown and compared; the arrays and tables that
`artifacts.typed` has taken apart show as the functions of `artifacts.rebuild`, with plain values and raw memory.
"""

from __future__ import annotations

import datetime
import decimal
import fractions
import io
import pickle
import struct
import uuid
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from dockerflow.artifacts.codec import Chunk, parts
from dockerflow.comparing.errors import Unreadable

__all__ = ["FORMATS", "REBUILD", "Made", "look", "number", "numbers"]

# Where the functions are that stored arrays and tables name.
REBUILD = "dockerflow.artifacts.rebuild"

# What `struct` calls the numbers that numpy writes like this.
FORMATS = {
    "b1": "?", "i1": "b", "i2": "h", "i4": "i", "i8": "q", "u1": "B", "u2": "H", "u4": "I", "u8": "Q", "f2": "e",
    "f4": "f", "f8": "d",
}  # fmt: skip


class Made:
    """What calling `made_by` (`module.name`) with `arguments` would give, with what was added to it afterwards."""

    made_by = ""
    arguments: tuple[Any, ...]
    state: Any
    items: list[Any]

    def __new__(cls, *arguments: Any, **named: Any) -> Made:
        made = super().__new__(cls)
        made.arguments, made.state, made.items = (*arguments, *named.items()), None, []
        return made

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __call__(self, *arguments: Any) -> Made:
        """Some objects are made by what another call has given, as a method is."""
        made: Made = _stand_in(self.made_by)(*self.arguments, *arguments)
        return made

    def __setstate__(self, state: Any) -> None:
        self.state = state

    # What pickle does with lists, sets and dictionaries of other classes.

    def append(self, item: Any) -> None:
        self.items.append(item)

    def extend(self, items: Iterable[Any]) -> None:
        self.items.extend(items)

    add = append

    def __setitem__(self, key: Any, value: Any) -> None:
        self.items.append((key, value))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Made) and self._parts() == other._parts()

    def __hash__(self) -> int:
        return hash(self.made_by)

    def __repr__(self) -> str:
        return f"<{self.made_by}>"

    def _parts(self) -> tuple[Any, ...]:
        return self.made_by, self.arguments, self.state, self.items


def look(buffer: Chunk) -> Any:
    """What is stored in these bytes. Raises Unreadable."""
    try:
        pickled, buffers = parts(memoryview(buffer).cast("B"))
        return _Unpickler(io.BytesIO(pickled), buffers=buffers).load()
    except Exception as error:
        raise Unreadable(f"a stored value cannot be looked at: {type(error).__name__}: {error}") from error


def number(words: Any, memory: Any) -> Any:
    """The Python number that numpy has written like this; None for what is not one."""
    values = numbers(words, memory) if isinstance(words, str) else None
    return values[0] if values else None


def numbers(words: str, memory: Any) -> tuple[Any, ...] | None:
    """All numbers in some memory; None for a data type that is not one of numbers."""
    order, kind = words[:1].replace("|", "<"), words[1:]
    if kind in ("c8", "c16"):
        halves = numbers(f"{order}f{int(kind[1:]) // 2}", memory) or ()
        return tuple(map(complex, halves[::2], halves[1::2]))
    if kind not in FORMATS:
        return None
    count = len(memory) // int(kind[1:])
    return struct.unpack(f"{order}{count}{FORMATS[kind]}", memory)


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        return _found(module, name)


def _found(module: str, name: str) -> Any:
    known = _KNOWN.get((module, name))
    return known if known is not None else _stand_in(f"{module}.{name}")


@lru_cache(maxsize=10_000)
def _stand_in(name: str) -> Any:
    return type("Made", (Made,), {"made_by": name})


def _bytearray(content: Any = b"") -> bytearray:
    return bytearray(memoryview(content))  # not of a number, which might be any


def _scalar(words: Any, memory: Any) -> Any:
    found = number(words, memory)
    return _stand_in(f"{REBUILD}.scalar")(words, memory) if found is None else found


def _itself(value: Any) -> Any:
    return value


_PLAIN = (
    set, frozenset, complex, range, slice, datetime.date, datetime.time, datetime.datetime, datetime.timedelta,
    datetime.timezone, decimal.Decimal, fractions.Fraction, uuid.UUID, OrderedDict, Counter, deque,
)  # fmt: skip

_KNOWN: dict[tuple[str, str], Callable[..., Any]] = {
    **{(kind.__module__, kind.__name__): kind for kind in _PLAIN},
    ("builtins", "bytearray"): _bytearray,
    (REBUILD, "scalar"): _scalar,
    (REBUILD, "text"): _itself,
    ("dockerflow.flow.config_value", "ConfigValue"): _itself,  # a dictionary with other manners
}
