"""The `.pyc` files that packages come without, compiled once into a layer.

Noarch packages and wheels carry no bytecode, and a step's container could not keep what it compiles, so every fresh one
would compile everything that it imports again. What is missing is found in the layers; it is compiled by the
environment's own Python (see `compiler`) and becomes a layer of its own, found by the package layer's content and the
Python's.

The files are of the unchecked-hash kind (PEP 552): valid for good, with no time in them.
"""

from __future__ import annotations

import posixpath
import re
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import IO, NamedTuple, Protocol, cast

from dockerflow.images.archive import members
from dockerflow.images.image import PREFIX, Layer, StepImage
from dockerflow.images.metadata import Python
from dockerflow.images.tar import LayerWriter
from dockerflow.lazy_dataclasses import dataclass

# Part of the key of every bytecode layer and of every image that may have one. Raise it when the same source would now
# give other bytes.
RECIPE = 2

# Libraries carry their tests along, often more modules than the library has. Who imports them after all waits for them.
_TESTS = {"test", "tests"}

# A `.pyc` starts with the interpreter's number, flags, and for flags 0 the time and size of its source (PEP 552).
_HEADER = 16


class Module(NamedTuple):
    """A module in a layer: its absolute path without the leading `/`, and where its text lies in the layer's file."""

    path: str
    offset: int
    size: int


@dataclass(frozen=True)
class Sources:
    """The modules of `layer` that have no valid bytecode, sorted."""

    layer: Layer
    modules: tuple[Module, ...]

    @property
    def paths(self) -> tuple[str, ...]:
        return tuple(module.path for module in self.modules)

    def texts(self) -> Iterator[tuple[str, bytes]]:
        """Each module's path and text."""
        with self.layer.path.open("rb") as file:
            for module in self.modules:
                file.seek(module.offset)
                yield module.path, file.read(module.size)


class Session(Protocol):
    """An environment's Python at work. Threads may share one."""

    def compile(self, sources: Sources) -> Mapping[str, bytes]:
        """The bytecode by the source's path; modules with syntax errors are left out. Raises `CompileError`."""


class Compiler(Protocol):
    """Starts the environment's Python."""

    def session(self, python: StepImage) -> AbstractContextManager[Session]:
        """`python` is an image that has the environment's Python at its place. Raises `CompileError`."""


def without_bytecode(layer: Layer, python: Python) -> Sources:
    """Look through a layer for modules of `python` that would have to be compiled when they are imported."""
    if _tag(python) is None:
        return Sources(layer, ())
    sources: dict[Module, tuple[int, int]] = {}
    compiled: dict[str, bytes] = {}
    folder = f"{PREFIX}/{posixpath.dirname(python.site_packages)}/".lstrip("/")
    with tarfile.open(layer.path, "r:") as tar:
        for member in members(tar):
            if not member.isreg() or not member.name.startswith(folder):
                continue
            if member.name.endswith(".py") and not _TESTS & set(member.name.split("/")):
                module = Module(member.name, member.offset_data, member.size)
                sources[module] = (int(member.mtime), member.size)
            elif member.name.endswith(".pyc"):
                compiled[member.name] = cast(IO[bytes], tar.extractfile(member)).read(_HEADER)
    found = ((module, stamp, compiled.get(bytecode_path(module.path, python))) for module, stamp in sources.items())
    return Sources(layer, tuple(sorted(module for module, stamp, header in found if not _valid(header, stamp))))


def write_bytecode(out: LayerWriter, compiled: Mapping[str, bytes], python: Python) -> None:
    """Fill and close the layer of what was compiled."""
    for path, data in sorted((bytecode_path(source, python), data) for source, data in compiled.items()):
        out.file(path, 0o644, 0, len(data), [data])
    out.close()


def bytecode_path(source: str, python: Python) -> str:
    """Where Python looks for the bytecode of the module at `source` (PEP 3147)."""
    folder, name = posixpath.split(source)
    return f"{folder}/__pycache__/{name.removesuffix('.py')}.{_tag(python)}.pyc"


def _tag(python: Python) -> str | None:
    """`cpython-311` for `lib/python3.11/…`; None for another implementation, whose modules are left alone."""
    found = re.fullmatch(r"python(\d+)\.(\d+)(t?)", posixpath.basename(posixpath.dirname(python.site_packages)))
    return f"cpython-{''.join(found.groups())}" if found else None


def _valid(header: bytes | None, stamp: tuple[int, int]) -> bool:
    if header is None or len(header) < _HEADER:
        return False
    if int.from_bytes(header[4:8], "little"):
        return True  # by hash of the source, which came with it
    mtime, size = (int.from_bytes(header[at : at + 4], "little") for at in (8, 12))
    return (mtime, size) == (stamp[0] & 0xFFFFFFFF, stamp[1] & 0xFFFFFFFF)
