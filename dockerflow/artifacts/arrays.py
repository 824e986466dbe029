"""Take numpy's arrays and scalars apart into plain values and raw memory.

An array is its data type in words, its shape, its order, and its memory, which is not copied if it is contiguous.
Arrays of objects are lists, or what `texts` makes of them; a structure that holds objects is an array per field, and
numpy 2's text of any length is an array of objects. Not for us, so left to numpy's own pickle (by raising
`Unsupported`): data types that numpy cannot make again from words (those of other libraries, those with metadata),
since they mean nothing elsewhere.
"""

from __future__ import annotations

import pickle
from typing import Any, Callable, Dict

from dockerflow.artifacts import rebuild, texts
from dockerflow.artifacts.protocol import HAS_PROTOCOL_5


class Unsupported(Exception):
    """This object has no form of ours. Never leaves the package."""


class _Memory:
    """An array's memory as numpy takes it from others: plain bytes, writable whatever the array says.

    Whether an array may be written to is not part of its value: pandas 3 hands out read-only ones.
    """

    def __init__(self, array: Any) -> None:
        address, _ = array.__array_interface__["data"]
        self.array = array  # keeps the memory
        self.__array_interface__ = {
            "data": (address, False),
            "shape": (array.nbytes,),
            "typestr": "|u1",
            "version": 3,
        }


def reducers(numpy: Any) -> Dict[type, Callable[[Any], Any]]:
    """How to take apart each of numpy's classes that we know, as for `copyreg`."""

    def of_array(array: Any) -> Any:
        if array.dtype.kind == "O":
            items = list(array.reshape(-1))
            return texts.reduced(numpy, array.shape, items) or (rebuild.object_array, (array.shape, items))
        if array.dtype.kind == "T":
            return rebuild.variable_text, (array.astype(object), _options(array.dtype))
        if array.dtype.hasobject:
            words = _words(numpy, array.dtype, objects=True)
            return rebuild.structure, (words, array.shape, [array[name] for name in array.dtype.names])
        if not (array.flags.c_contiguous or array.flags.f_contiguous):
            array = numpy.ascontiguousarray(array)
        order = "C" if array.flags.c_contiguous else "F"
        return rebuild.array, (_words(numpy, array.dtype), array.shape, order, _memory(numpy, array, order))

    def of_scalar(scalar: Any) -> Any:
        if scalar.dtype.hasobject:
            return rebuild.only_item, (numpy.asarray(scalar),)
        return rebuild.scalar, (_words(numpy, scalar.dtype), scalar.tobytes())

    scalars = {kind for kind in numpy.sctypeDict.values() if isinstance(kind, type)} - {numpy.object_}
    table: Dict[type, Callable[[Any], Any]] = dict.fromkeys(scalars, of_scalar)
    types = {type(numpy.dtype(kind)) for kind in (*scalars, numpy.object_)}
    table.update(dict.fromkeys(types, lambda dtype: (rebuild.dtype, (_words(numpy, dtype, objects=True),))))
    # Their memory would lose zeros at the end.
    table[numpy.str_] = lambda text: (rebuild.text, (text[:],))
    table[numpy.bytes_] = lambda text: (rebuild.text, (text[:],))
    table[numpy.ndarray] = of_array
    table[numpy.recarray] = lambda records: (rebuild.records, (records.view(numpy.ndarray),))
    for name in ("matrix", "memmap"):  # of a file in memory, its memory; the file may be another by then
        table[getattr(numpy, name)] = _viewed(numpy, name)
    table[numpy.char.chararray] = _viewed(numpy, "chararray")
    table[numpy.record] = lambda record: (rebuild.only_item, (numpy.asarray(record).view(numpy.recarray),))
    return table


def _viewed(numpy: Any, name: str) -> Callable[[Any], Any]:
    """For a class of numpy's that is another view of an array."""
    return lambda array: (rebuild.viewed, (name, numpy.asarray(array)))


def _memory(numpy: Any, array: Any, order: str) -> Any:
    if not HAS_PROTOCOL_5 or not array.nbytes:
        return array.tobytes(order)
    return pickle.PickleBuffer(numpy.asarray(_Memory(array)))  # novm


def _options(dtype: Any) -> Dict[str, Any]:
    """What numpy 2's type for text takes; whether it has an object for what is missing shows in the attribute."""
    options = {"coerce": dtype.coerce}
    return {**options, "na_object": dtype.na_object} if hasattr(dtype, "na_object") else options


def _words(numpy: Any, dtype: Any, objects: bool = False) -> Any:
    """A data type as `rebuild.dtype` takes it: numpy's own word (`<f8`), or a structure of such.

    `objects` says whether the word for objects is one: their memory means nothing.
    """
    if (dtype.hasobject and not objects) or dtype.metadata:
        raise Unsupported(str(dtype))
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        return ("array", _words(numpy, base, objects), shape)
    if dtype.names is not None:
        fields = [dtype.fields[name] for name in dtype.names]
        formats = [_words(numpy, field[0], objects) for field in fields]
        titles = [field[2] if len(field) > 2 else None for field in fields]
        offsets = [field[1] for field in fields]
        words = ("structure", list(dtype.names), formats, offsets, dtype.itemsize, titles, dtype.isalignedstruct)
        return ("record", words) if dtype.type is numpy.record else words
    if numpy.dtype(dtype.str) != dtype:
        raise Unsupported(str(dtype))
    return dtype.str
