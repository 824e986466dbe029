"""Which objects are pickled in a form of ours rather than in their library's own.

numpy, pandas and scipy pickle their internals, and those change: what pandas 2 pickles pandas 1 cannot load, and the
other way round. So their objects are taken apart by public means (`arrays`, `tables`, `matrices`) into plain values and
numpy arrays, and put together again by public means (`rebuild`) with whatever version is there. That works at any
depth: the pickler looks into the table made here for every object that it meets.

Only exact classes are in the table. A subclass may mean anything, so it keeps its own way of pickling, and so does
every object whose form here would lose something.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any, Callable, Dict, Tuple

from dockerflow.artifacts import arrays, generators, masked, matrices, tables
from dockerflow.artifacts.protocol import PROTOCOL

Reducer = Callable[[Any], Any]

# What reducers there are for a module, as loaded: made once, since every artifact needs it.
_made: Dict[str, Tuple[ModuleType, Dict[type, Reducer]]] = {}

_MAKERS: Dict[str, Callable[[Any], Dict[type, Reducer]]] = {
    "numpy": arrays.reducers,
    "numpy.ma": masked.reducers,
    "numpy.random": generators.reducers,
    "pandas": tables.reducers,
    "scipy.sparse": matrices.reducers,
}


def reducers() -> Dict[type, Reducer]:
    """What to call for an object of a class, as in `copyreg.dispatch_table`. Imports nothing: who has an object of a
    library has loaded it."""
    found: Dict[type, Reducer] = {}
    for name in _MAKERS:
        found.update(_of(name))
    return found


def _of(name: str) -> Dict[type, Reducer]:
    module = sys.modules.get(name)
    if module is None:
        return {}
    if name not in _made or _made[name][0] is not module:
        try:
            made = _MAKERS[name](module)
        except AttributeError:  # it is being imported at this moment, or is somebody else's module of that name
            return {}
        _made[name] = (module, {kind: _or_own(reducer) for kind, reducer in made.items()})
    return _made[name][1]


def _or_own(reducer: Reducer) -> Reducer:
    """The reducer, or the object's own way where it does not serve."""

    def reduce(value: Any) -> Any:
        try:
            return reducer(value)
        except Exception:  # noqa: BLE001 - no object may become impossible to store because we know its library
            return value.__reduce_ex__(PROTOCOL)

    return reduce
