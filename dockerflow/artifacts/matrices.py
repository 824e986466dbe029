"""Take scipy's sparse matrices and arrays apart into numpy's arrays, and put them together again by any version.

Only by public means: what a matrix is made of, and its constructors. Which places are stored, in which order, with
which zeros and how often stays as it was. `lil` and `dok` hold Python's lists and dictionaries, so they travel as `csr`
and `coo`.

`matrix` is named by stored artifacts, so what `rebuild` says of formats holds for it. A scipy without sparse arrays
makes a matrix of an array, and one that knows two axes only makes a dense array of what has one axis or three.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Callable, Dict, Tuple

_PARTS: Dict[str, Tuple[str, ...]] = {
    "csr": ("data", "indices", "indptr"),
    "csc": ("data", "indices", "indptr"),
    "bsr": ("data", "indices", "indptr"),
    "dia": ("data", "offsets"),
    "coo": ("data", "coords"),
}
_TRAVELS_AS = {"lil": "csr", "dok": "coo"}


def reducers(sparse: Any) -> Dict[type, Callable[[Any], Any]]:
    """How to take apart each of scipy's classes that we know, as for `copyreg`."""
    table: Dict[type, Callable[[Any], Any]] = {}
    for form in (*_PARTS, *_TRAVELS_AS):
        for family in ("matrix", "array"):
            kind = getattr(sparse, f"{form}_{family}", None)
            if kind is not None:
                table[kind] = _reducer(form, family)
    return table


def _reducer(form: str, family: str) -> Callable[[Any], Any]:
    travels_as = _TRAVELS_AS.get(form, form)

    def reduce(value: Any) -> Any:
        found = value.asformat(travels_as)
        return matrix, (form, family, value.shape, tuple(_part(found, name) for name in _PARTS[travels_as]))

    return reduce


def _part(value: Any, name: str) -> Any:
    """The coordinates of `coo` have been a pair of attributes for as long as there were two axes only."""
    if name == "coords":
        return tuple(value.coords) if hasattr(value, "coords") else (value.row, value.col)
    return getattr(value, name)


def matrix(form: str, family: str, shape: Tuple[int, ...], parts: Tuple[Any, ...]) -> Any:
    """A sparse matrix or array of this form from its parts, which depend on the form it travels in."""
    sparse = import_module("scipy.sparse")
    travels_as = _TRAVELS_AS.get(form, form)
    kind = getattr(sparse, f"{travels_as}_{family}", None) or getattr(sparse, f"{travels_as}_matrix")
    try:
        made = kind(parts, shape=shape)
    except (TypeError, ValueError):
        if len(shape) == 2:
            raise
        return _dense(shape, parts)
    for name, part in zip(_PARTS[travels_as], parts):
        if name in ("indices", "indptr"):  # the constructor takes smaller numbers where they do
            setattr(made, name, part)
    return made.asformat(form)


def _dense(shape: Tuple[int, ...], parts: Tuple[Any, ...]) -> Any:
    """`coo` of any number of axes, or `csr` of one: places that are stored twice are added up."""
    numpy = import_module("numpy")
    made = numpy.zeros(shape, parts[0].dtype)
    numpy.add.at(made, parts[1] if isinstance(parts[1], tuple) else (parts[1],), parts[0])
    return made
