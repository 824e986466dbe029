"""Pickle protocol 5 (PEP 574) on every Python from 3.7 on.

From 3.8 on this is the standard library. Python 3.7 writes protocol 4, with the memory of arrays inside the stream, and
reads protocol 5 by the standard library's pure Python unpickler plus the three opcodes that it lacks: slowly, but only
steps with such an old Python read so.
"""

from __future__ import annotations

import io
import pickle
import struct
import sys
from typing import Any, Callable, Dict, Iterable, Iterator

HAS_PROTOCOL_5 = pickle.HIGHEST_PROTOCOL >= 5
PROTOCOL = 5 if HAS_PROTOCOL_5 else 4

_BYTEARRAY8, _NEXT_BUFFER, _READONLY_BUFFER = 0x96, 0x97, 0x98


def pickler(stream: Any, buffer_callback: Callable[[Any], Any]) -> Any:
    """A pickler that gives large memory to `buffer_callback`, where this Python can."""
    if HAS_PROTOCOL_5:
        return pickle.Pickler(stream, PROTOCOL, buffer_callback=buffer_callback)
    return pickle.Pickler(stream, PROTOCOL)


def loads(pickled: memoryview, buffers: Iterable[memoryview]) -> Any:
    """The value of a stream of protocol 5 or below with its out-of-band buffers."""
    if HAS_PROTOCOL_5:
        return pickle.loads(pickled, buffers=buffers)
    return UnpicklerOfProtocol5(io.BytesIO(pickled), iter(buffers)).load()


class UnpicklerOfProtocol5(pickle._Unpickler):  # type: ignore[name-defined,misc]  # documented nowhere, there since 3.0
    """The standard library's Python unpickler, taught what protocol 5 adds. For Python 3.7; right on any."""

    def __init__(self, stream: io.BytesIO, buffers: Iterator[memoryview]) -> None:
        super().__init__(stream)
        self._out_of_band = buffers

    def _load_protocol(self) -> None:
        self.proto = self.read(1)[0]
        if self.proto > 5:
            raise ValueError(f"unsupported pickle protocol: {self.proto}")

    def _load_bytearray(self) -> None:
        (size,) = struct.unpack("<Q", self.read(8))
        if size > sys.maxsize:
            raise pickle.UnpicklingError(f"a bytearray of {size} bytes is too large for this machine")
        self.append(bytearray(self.read(size)))

    def _load_buffer(self) -> None:
        self.append(next(self._out_of_band))

    def _load_readonly(self) -> None:
        view = memoryview(self.stack[-1])
        self.stack[-1] = view if view.readonly else memoryview(bytes(view))

    dispatch: Dict[int, Callable[[Any], None]] = {
        **pickle._Unpickler.dispatch,  # type: ignore[attr-defined]
        pickle.PROTO[0]: _load_protocol,
        _BYTEARRAY8: _load_bytearray,
        _NEXT_BUFFER: _load_buffer,
        _READONLY_BUFFER: _load_readonly,
    }
