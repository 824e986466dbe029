"""Encoding and decoding as the store does it, and what the encoded bytes name."""

from __future__ import annotations

import io
import pickle
from typing import Any

from dockerflow.artifacts import codec


def encoded(value: Any) -> bytearray:
    """All bytes of an encoded value, in memory that may be written to, as the store reads them."""
    made = codec.encode(value)
    joined = bytearray().join(made.chunks)
    assert len(joined) == made.size
    return joined


def again(value: Any) -> Any:
    return codec.decode(encoded(value))


class _Names(pickle.Unpickler):
    """Notes where the pickle says that classes and functions are."""

    def __init__(self, pickled: bytes, buffers: list[memoryview]) -> None:
        super().__init__(io.BytesIO(pickled), buffers=buffers)
        self.modules: set[str] = set()

    def find_class(self, module: str, name: str) -> Any:
        self.modules.add(module)
        return super().find_class(module, name)


def modules_named_by(value: Any) -> set[str]:
    """The modules whose names the pickle in an encoded value refers to, except the standard library's."""
    pickled, buffers = codec.parts(memoryview(encoded(value)))
    names = _Names(bytes(pickled), buffers)
    names.load()
    return {name for name in names.modules if name.partition(".")[0] in ("numpy", "pandas", "scipy", "dockerflow")}
