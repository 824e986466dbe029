"""Encoding and decoding as the store does it, and what the encoded bytes name."""

from __future__ import annotations

import pickletools
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


def modules_named_by(value: Any) -> set[str]:
    """The modules whose names the pickle in an encoded value refers to, except the standard library's."""
    pickled = bytes(codec._split(memoryview(encoded(value)))[0])
    words = [argument for _, argument, _ in pickletools.genops(pickled) if isinstance(argument, str)]
    return {word for word in words if word.partition(".")[0] in ("numpy", "pandas", "dockerflow")}
