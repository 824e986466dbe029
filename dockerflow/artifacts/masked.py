"""Take numpy's masked arrays apart, and put them together again by any version.

By public means: an array, the mask, what stands for the masked, and whether the mask is hard. numpy's own pickle copies
the memory, forgets the order of bytes and a hard mask, and names modules that other versions do not have. The functions
below `reducers` are named by stored artifacts, so what `rebuild` says of formats holds for them.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Callable, Dict

from dockerflow.artifacts.arrays import Unsupported


def reducers(ma: Any) -> Dict[type, Callable[[Any], Any]]:
    """How to take apart what `numpy.ma` has, as for `copyreg`."""
    return {ma.MaskedArray: _taken_apart, type(ma.masked): lambda _: (constant, ())}


def _taken_apart(array: Any) -> Any:
    numpy = import_module("numpy")
    if type(array.data) is not numpy.ndarray or array.dtype.type not in _plain(numpy):
        raise Unsupported("it masks an array of some other kind")
    mask = None if array.mask is numpy.ma.nomask else numpy.asarray(array.mask)
    return masked_array, (array.data, mask, _fill(numpy, array), bool(array.hardmask))


def _plain(numpy: Any) -> Any:
    return set(numpy.sctypeDict.values())


def _fill(numpy: Any, array: Any) -> Any:
    """None where it is the one that numpy takes for this type, which the type itself may be too small for."""
    fill, usual = numpy.asarray(array.fill_value), numpy.asarray(numpy.ma.default_fill_value(array.dtype))
    same = fill.tolist() == usual.tolist() if fill.dtype.hasobject else fill.tobytes() == usual.tobytes()
    return None if same else fill


def masked_array(data: Any, mask: Any, fill: Any, hard: bool) -> Any:
    ma = import_module("numpy.ma")
    fill_value = None if fill is None else fill[()]
    mask = ma.nomask if mask is None else mask
    return ma.MaskedArray(data, mask=mask, fill_value=fill_value, hard_mask=hard, copy=False)


def constant() -> Any:
    """What an item of a masked array is that is masked."""
    return import_module("numpy.ma").masked
