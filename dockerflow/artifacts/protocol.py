"""Pickle protocol 5 (PEP 574) on every Python from 3.7 on.

From 3.8 on this is the standard library. Python 3.7 writes protocol 4, with the memory of arrays inside the stream, and
reads protocol 5 by the standard library's pure Python unpickler plus the three opcodes that it lacks: slowly, but only
steps with such an old Python read so.
"""

from __future__ import annotations

import io
import pickle
import struct
from typing import Any, Callable, ClassVar, Dict, Iterable, Iterator

HAS_PROTOCOL_5 = pickle.HIGHEST_PROTOCOL >= 5
PROTOCOL = 5 if HAS_PROTOCOL_5 else 4

_BYTEARRAY8, _NEXT_BUFFER, _READONLY_BUFFER = 0x96, 0x97, 0x98


def pickler(stream: Any, buffer_callback: Callable[[Any], Any]) -> Any:
    """A pickler that gives large memory to `buffer_callback`, where this Python can."""
    if HAS_PROTOCOL_5:
        return pickle.Pickler(stream, PROTOCOL, buffer_callback=buffer_callback)  # novm
    return pickle.Pickler(stream, PROTOCOL)


def loads(pickled: memoryview, buffers: Iterable[memoryview]) -> Any:
    """The value of a stream of protocol 5 or below with its out-of-band buffers."""
    if HAS_PROTOCOL_5:
        return pickle.loads(pickled, buffers=buffers)  # novm
    return loads_in_python(pickled, buffers)


def loads_in_python(pickled: memoryview, buffers: Iterable[memoryview]) -> Any:
    """`loads` without any help from the standard library's C code or from Python 3.8."""
    return _Unpickler(io.BytesIO(pickled), iter(buffers)).load()


# In the standard library since 3.0, under this name, for exactly this: to see and change how unpickling works.
_PythonUnpickler: Any = getattr(pickle, "_Unpickler")  # noqa: B009 - type stubs do not list it


class _Unpickler(_PythonUnpickler):  # type: ignore[misc]
    """The standard library's unpickler in Python, taught what protocol 5 adds."""

    def __init__(self, stream: io.BytesIO, buffers: Iterator[memoryview]) -> None:
        super().__init__(stream)
        self.out_of_band = buffers

    def load_proto(self) -> None:
        self.proto = self.read(1)[0]
        if self.proto > 5:
            raise ValueError(f"unsupported pickle protocol: {self.proto}")

    def load_bytearray8(self) -> None:
        (size,) = struct.unpack("<Q", self.read(8))
        self.append(bytearray(self.read(size)))

    def load_next_buffer(self) -> None:
        self.append(next(self.out_of_band))

    def load_readonly_buffer(self) -> None:
        view = memoryview(self.stack[-1])
        self.stack[-1] = view if view.readonly else memoryview(bytes(view))

    dispatch: ClassVar[Dict[int, Callable[[Any], None]]] = {
        **_PythonUnpickler.dispatch,
        pickle.PROTO[0]: load_proto,
        _BYTEARRAY8: load_bytearray8,
        _NEXT_BUFFER: load_next_buffer,
        _READONLY_BUFFER: load_readonly_buffer,
    }
