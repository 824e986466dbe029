"""A Python value as bytes, and back.

The value is pickled with protocol 5; large memory inside it (that of arrays and tables) is not copied into the pickle
but stored raw behind it, so that reading maps the file and computes on it in place. The format, all numbers little
endian:

    "DFVALUE1"
    8 bytes          length of the pickle
    8 bytes          number of buffers
    8 bytes each     size of each buffer
    the pickle       its out-of-band buffers are, in their order, those that follow
    the buffers      each begins at a multiple of 64 bytes from the start

`typed` says how numpy's and pandas' objects are pickled, at any depth, so that another version can read them.
Everything else is pickled as its class has it: by a reference to the class's module, which for a class of the flow
file is the file's own name.

Equal values give equal bytes, with the limits of pickle: a set's order follows PYTHONHASHSEED, a dict's is the order
of insertion, and an object that appears twice (`[a, a]`) is not the same as two equal ones.

Python 3.7 has no protocol 5. There values are written with protocol 4, their memory inside the pickle; both are read
everywhere.
"""

from __future__ import annotations

import copyreg
import struct
from dataclasses import field
from typing import Any, Callable, Dict, List, Mapping, Set, Union

from dockerflow.artifacts import blame, libraries, typed
from dockerflow.artifacts.errors import ArtifactError, CannotDecode, CannotEncode
from dockerflow.artifacts.protocol import PROTOCOL, loads, pickler
from dockerflow.lazy_dataclasses import dataclass

MAGIC = b"DFVALUE1"
ALIGNMENT = 64

# Memory is compared in pieces of this size.
_COMPARED = 1 << 18

_SIZE = struct.Struct("<Q")
_START = len(MAGIC) + 2 * _SIZE.size

Chunk = Union[bytes, bytearray, memoryview]


@dataclass(frozen=True)
class Encoded:
    """The bytes of a value in pieces, to be written one after the other before the value is changed."""

    chunks: List[Chunk]
    size: int
    type_name: str
    libraries: Mapping[str, str] = field(default_factory=dict)

    def same_as(self, other: Encoded) -> bool:
        """Whether both are the same bytes, in the same pieces; large ones are compared until they differ."""
        return len(self.chunks) == len(other.chunks) and all(map(_equal, self.chunks, other.chunks))


@dataclass(frozen=True)
class Written:
    """What is known of a value besides its bytes, for the message of CannotDecode: its name, the step that wrote it,
    its class, and the versions that wrote it; and who reads it."""

    artifact: str = ""
    step: str = ""
    type_name: str = ""
    libraries: Mapping[str, str] = field(default_factory=dict)
    reader: str = "this Python"


UNKNOWN = Written()


def encode(value: Any, name: str = "value") -> Encoded:
    """The bytes of a value. Raises CannotEncode, which names what inside the value (called `name`) is to blame."""
    try:
        pickled, buffers, met = _pickle(value)
    except Exception as error:
        raise _cannot_encode(value, name, error) from error
    chunks: List[Chunk] = [_header(sum(map(len, pickled)), [len(buffer) for buffer in buffers]), *pickled]
    size = sum(map(len, chunks))
    for buffer in buffers:
        padding = -size % ALIGNMENT
        chunks += [bytes(padding), buffer]
        size += padding + len(buffer)
    return Encoded(chunks, size, libraries.type_name(type(value)), libraries.versions(met))


def decode(buffer: Chunk, written: Written = UNKNOWN) -> Any:
    """The value of these bytes. Arrays and tables in it use the memory of `buffer`, and are writable if that is.

    Raises CannotDecode, which says what wrote the value and what is here.
    """
    view = memoryview(buffer).cast("B")
    try:
        pickled, buffers = parts(view)
        return loads(pickled, buffers)
    except Exception as error:
        raise _cannot_decode(error, written) from error


class _Reducers(Dict[type, Callable[[Any], Any]]):
    """How objects are pickled, by their exact class; `met` are the classes that were asked for.

    The pickler looks here for every object whose class it does not know itself, so this is where to note what the
    stream depends on.
    """

    def __init__(self, ours: bool) -> None:
        super().__init__(copyreg.dispatch_table)
        if ours:
            self.update(typed.reducers())
        self.met: Set[type] = set()

    def __getitem__(self, kind: type) -> Callable[[Any], Any]:
        self.met.add(kind)
        return super().__getitem__(kind)


class _Pieces(List[Chunk]):
    """A file to write to that keeps what it is given: a large bytes object is not copied."""

    def write(self, piece: Chunk) -> int:
        self.append(piece)
        return len(piece)


def _pickle(value: Any) -> Any:
    """The pieces of the pickle, the buffers, and the classes that it depends on. An array or a table that contains
    itself has no end in our form; its own pickle names what it has begun."""
    try:
        return _pickle_by(value, _Reducers(ours=True))
    except RecursionError:
        return _pickle_by(value, _Reducers(ours=False))


def _pickle_by(value: Any, reducers: _Reducers) -> Any:
    pieces = _Pieces()
    buffers: List[memoryview] = []
    writer = pickler(pieces, lambda buffer: buffers.append(buffer.raw()))
    writer.dispatch_table = reducers
    writer.dump(value)
    return pieces, buffers, reducers.met


def _header(pickled: int, buffers: List[int]) -> bytes:
    return MAGIC + b"".join(_SIZE.pack(number) for number in [pickled, len(buffers), *buffers])


def parts(view: memoryview) -> Any:
    """The pickle and the buffers of an encoded value. Raises ValueError."""
    if bytes(view[: len(MAGIC)]) != MAGIC or len(view) < _START:
        raise ValueError("these bytes are not an artifact")
    length, count = struct.unpack_from("<QQ", view, len(MAGIC))
    start = _START + count * _SIZE.size
    if start + length > len(view):
        raise ValueError("the artifact's bytes are cut off")
    sizes = struct.unpack_from(f"<{count}Q", view, _START)
    end = start + length
    buffers = []
    for size in sizes:
        begin = end + -end % ALIGNMENT
        end = begin + size
        buffers.append(view[begin:end])
    if end > len(view):
        raise ValueError("the artifact's bytes are cut off")
    return view[start : start + length], buffers


def _equal(one: Chunk, other: Chunk) -> bool:
    first, second = memoryview(one).cast("B"), memoryview(other).cast("B")
    if len(first) != len(second):
        return False
    starts = range(0, len(first), _COMPARED)  # as bytes, which are compared at once and not number by number
    return all(bytes(first[at : at + _COMPARED]) == bytes(second[at : at + _COMPARED]) for at in starts)


def _encodes(value: Any) -> bool:
    try:
        _pickle(value)
    except Exception:  # noqa: BLE001 - a class's own pickling may raise anything
        return False
    return True


def _cannot_encode(value: Any, name: str, error: Exception) -> CannotEncode:
    path, culprit = blame.find(value, name, _encodes)
    kind = libraries.type_name(type(culprit))
    what = f"`{path}` is a `{kind}`" if path == name else f"`{path}` in it is a `{kind}`"
    message = f"artifact `{name}` cannot be stored: {what} that cannot be pickled ({type(error).__name__}: {error})"
    return CannotEncode(message, blame.hint(culprit))


def _cannot_decode(error: Exception, written: Written) -> ArtifactError:
    kind = f"a `{written.type_name}`" if written.type_name else "an artifact"
    what = f"artifact `{written.artifact}`, {kind}" if written.artifact else kind
    message = f"{written.reader} cannot load {what}: {type(error).__name__}: {error}"
    wrote = libraries.listing(written.libraries)
    if wrote:
        by = f"step `{written.step}` wrote it with" if written.step else "it was written with"
        message += f"\n{by} {wrote}; {written.reader} has {libraries.listing(libraries.here(written.libraries))}"
    return CannotDecode(message, libraries.advice(error, written.libraries), libraries.lacking(error))


__all__ = ["ALIGNMENT", "PROTOCOL", "Chunk", "Encoded", "Written", "decode", "encode", "parts"]
