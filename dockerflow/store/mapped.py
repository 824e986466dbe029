"""Files read by mapping them, privately: what is written to the memory is seen by this process alone.

A value that was loaded from such memory and not changed need not be hashed to know it: the system gives a page of its
own to whoever writes to a page of the file, and tells which pages those are. Where it does not tell, nothing is known
to be untouched. Linux only, standard library only, Python 3.7.
"""

from __future__ import annotations

import ctypes
import mmap
from typing import BinaryIO, Optional
from weakref import WeakSet

# Up to this size a file is read, above it is mapped: a mapping costs at least a page, a page fault and an open file.
READ = 1 << 16

# CPython keeps a file open for every mapping, and many systems allow a process 1024. From this many on, files are read.
MAPPINGS = 256

# Entries of `/proc/self/pagemap`, without all but their three highest bits: present, in the swap, of a file. A page
# that is present or swapped and of no file is this process's own: it was written to.
# https://docs.kernel.org/admin-guide/mm/pagemap.html
_PAGEMAP = "/proc/self/pagemap"
_ENTRY = 8
_HIGHEST = 61
_WRITTEN = {0b100, 0b010, 0b110}


class _Mapping(mmap.mmap):
    """A map that can be counted and found again. `name` is what the file is called in the store."""

    name = ""


_mappings: WeakSet[_Mapping] = WeakSet()


def read(stream: BinaryIO, size: int, name: str) -> memoryview:
    """The bytes of an open file, to read and to write."""
    if size <= READ or len(_mappings) >= MAPPINGS:
        content = bytearray(size)
        stream.readinto(content)  # type: ignore[attr-defined]
        return memoryview(content)
    mapping = _Mapping(stream.fileno(), 0, access=mmap.ACCESS_COPY)
    mapping.name = name
    _mappings.add(mapping)
    return memoryview(mapping)


def is_untouched(memory: memoryview, name: str, offset: int) -> bool:
    """Whether this is the memory of the file `name` from `offset` on, as `read` gave it, and nobody has written to it
    since. False where that is not known."""
    begin = _address(memory)
    if begin is None:
        return False
    for mapping in list(_mappings):
        if mapping.name == name and begin == (_address(memoryview(mapping)) or 0) + offset:
            return offset + len(memory) <= len(mapping) and not _written(begin, begin + len(memory))
    return False


def _written(begin: int, end: int) -> bool:
    """Whether pages between the two addresses were written to; True where that is not known."""
    first, last = begin // mmap.PAGESIZE, -(-end // mmap.PAGESIZE)
    try:
        with open(_PAGEMAP, "rb") as stream:
            stream.seek(first * _ENTRY)
            pages = memoryview(stream.read((last - first) * _ENTRY)).cast("Q")
    except (OSError, TypeError):  # not Linux's own kernel, not allowed, or cut off
        return True
    return len(pages) < last - first or not _WRITTEN.isdisjoint({page >> _HIGHEST for page in pages})


def _address(memory: memoryview) -> Optional[int]:
    """None for memory that may not be written to, and so is no map of ours, and for none at all."""
    if memory.readonly or not len(memory):
        return None
    return ctypes.addressof(ctypes.c_char.from_buffer(memory))
