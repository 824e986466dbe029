"""Find what inside a value keeps it from being pickled.

Pickle says `cannot pickle '_thread.lock' object` and not where. This walks from the value into whichever part of it
fails on its own, as far as that leads, and spells the way like Python: `model["callbacks"][2].lock`. It runs only
after a failure, so it may be slow: every level is pickled again.
"""

from __future__ import annotations

import functools
import json
from itertools import islice
from types import FunctionType, GeneratorType
from typing import Any, Callable, Iterator, Optional, Set, Tuple

# Deeper than any message can be read; also the end of values that make new parts whenever they are asked.
DEPTH = 50

# So many parts are tried at once.
TOGETHER = 1000

Part = Tuple[str, Any]


def find(value: Any, name: str, works: Callable[[Any], bool]) -> Tuple[str, Any]:
    """The path to the innermost part for which `works` is false, beginning with `name`, and that part."""
    path, at = name, value
    met = {id(value)}
    for _ in range(DEPTH):
        found = _first_failing(_parts(at), works, met)
        if found is None:
            break
        step, at = found
        path += step
        met.add(id(at))
    return path, at


def _first_failing(parts: Iterator[Part], works: Callable[[Any], bool], met: Set[int]) -> Optional[Part]:
    """Many at once are tried first: a list may have a million items that all work but one."""
    for several in iter(lambda: list(islice(parts, TOGETHER)), []):
        new = [(step, part) for step, part in several if id(part) not in met]
        if not works([part for _, part in new]):
            for step, part in new:
                if not works(part):
                    return step, part
    return None


def hint(culprit: Any) -> str:
    if isinstance(culprit, FunctionType):
        return "define the function at the top level of a module: pickle stores functions by name"
    if isinstance(culprit, type):
        return "define the class at the top level of a module: pickle stores classes by name"
    if isinstance(culprit, GeneratorType):
        return "store what it yields: `list(...)`"
    return "keep it in a local variable instead of an artifact, or set it to None before the step ends"


def _parts(value: Any) -> Iterator[Part]:
    """What a value is made of, as pickle takes it apart."""
    if isinstance(value, (type, FunctionType)):
        return
    yield from _items(value)
    yield from _columns(value)
    if isinstance(value, functools.partial):
        yield from [(".func", value.func), (".args", value.args), (".keywords", value.keywords)]
    yield from _reduced(value)


def _items(value: Any) -> Iterator[Part]:
    if isinstance(value, dict):
        for key, item in list(value.items()):
            yield f"[{_quoted(key)}]", item
            yield f".keys(): {_quoted(key)}", key
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        yield from ((f".{field}", item) for field, item in zip(value._fields, value))
    elif isinstance(value, (list, tuple)):
        yield from ((f"[{number}]", item) for number, item in enumerate(value))
    elif isinstance(value, (set, frozenset)):
        yield from ((f": {_quoted(item)}", item) for item in value)


def _columns(value: Any) -> Iterator[Part]:
    """The parts of arrays and tables that hold objects."""
    if hasattr(value, "columns") and hasattr(value, "iloc"):
        yield from ((f"[{_quoted(name)}]", value.iloc[:, at]) for at, name in enumerate(value.columns))
    elif getattr(getattr(value, "dtype", None), "kind", "") == "O" and hasattr(value, "tolist"):
        begin = ".iloc" if hasattr(value, "iloc") else ""
        yield from ((f"{begin}[{number}]", item) for number, item in enumerate(value.tolist()))


def _reduced(value: Any) -> Iterator[Part]:
    """The parts that the value's own way of pickling names: arguments, attributes, items."""
    try:
        reduced = value.__reduce_ex__(4)
    except Exception:  # noqa: BLE001 - a class's own pickling may raise anything
        return
    if not isinstance(reduced, tuple):
        return
    _, arguments, state, items, entries = (*reduced, None, None, None, None)[:5]
    for attributes in state if isinstance(state, tuple) else (state,):
        if isinstance(attributes, dict):
            yield from ((f".{name}", item) for name, item in attributes.items())
    yield from ((f"[{number}]", item) for number, item in enumerate(items or ()))
    yield from ((f"[{_quoted(key)}]", item) for key, item in entries or ())
    yield from ((f" (argument {number})", item) for number, item in enumerate(arguments or ()))


def _quoted(key: Any) -> str:
    text = json.dumps(key, ensure_ascii=False) if isinstance(key, str) else repr(key)
    return text if len(text) <= 60 else text[:57] + "..."
