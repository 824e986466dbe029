"""Replace the placeholder of the place where a package was built by the place where the environment stands.

conda's rules: in a text file every occurrence is replaced; in a binary one the file keeps its size, so the rest of the
C string moves up and NULs fill the gap before its end. Both are stream transforms: what is held in memory is a block,
whatever the file's size. Placeholders in UTF-16 and UTF-32 are replaced as well; in binaries `wide` does that.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Iterator
from itertools import chain

from dockerflow.images.wide import first, in_text, in_wide_strings, spellings

# Linux reads no more than this of a `#!` line.
_MAX_SHEBANG = 127
_SHEBANG = re.compile(rb"^#! *(/(?:\\ |[^ \n\r\t])*)(.*)$", re.DOTALL)
_PYTHON = re.compile(rb"^python(?:\d+(?:\.\d+)?)?$")


def replace_text(blocks: Iterable[bytes], placeholder: bytes, prefix: bytes) -> Iterator[bytes]:
    """`blocks` with every `placeholder` replaced; a `#!` line too long for Linux is made to work as conda does it."""
    source = iter(blocks)
    start = b""
    for block in source:
        start += block
        if len(start) >= 2 and (not start.startswith(b"#!") or b"\n" in start):
            break
    line, newline, rest = start.partition(b"\n") if start.startswith(b"#!") else (b"", b"", start)
    if line:
        yield _shebang(line.replace(placeholder, prefix)) + newline
    yield from _replace(chain([rest], source), len(line + newline), placeholder, prefix)


def _replace(blocks: Iterable[bytes], offset: int, placeholder: bytes, prefix: bytes) -> Iterator[bytes]:
    """The text from `offset` on; what it is after decides which of two that overlap is meant."""
    wanted = spellings(placeholder, prefix)
    kept = b""
    for block in chain(blocks, [None]):
        kept += block or b""
        # What begins after this may be cut by the end of the block.
        certain = len(kept) if block is None else max(0, len(kept) - _longest(placeholder) + 1)
        done = 0
        for start, end, chosen in in_text(kept, offset, wanted):
            if end > certain:
                certain = min(certain, start)
                break
            for found in chosen:
                yield kept[done : found.starts[0]] + found.spelling.new
                done = found.end
        yield kept[done:certain]
        kept, offset = kept[certain:], offset + certain


def _longest(placeholder: bytes) -> int:
    """At least as long as it is in any encoding."""
    return 4 * len(placeholder)


def _shebang(line: bytes) -> bytes:
    found = _SHEBANG.match(line)
    if found is None or len(line) <= _MAX_SHEBANG:
        return line
    path, options = found.groups()
    name = path.rsplit(b"/", 1)[-1]
    if _PYTHON.match(name):
        return b"#!/bin/sh\n'''exec' \"" + path + b'"' + options + b' "$0" "$@" #\'\'\''
    return b"#!/usr/bin/env " + name + options


def replace_binary(blocks: Iterable[bytes], placeholder: bytes, prefix: bytes) -> Iterator[bytes]:
    """`blocks` with `placeholder` replaced inside C strings, the total length unchanged.

    Raises ValueError if `prefix` is longer than `placeholder` and there is an occurrence.
    """
    return _Binary(blocks, placeholder, prefix).replaced()


class _Binary:
    """A binary file on its way. Once a wide string may have begun, `wide` takes over."""

    def __init__(self, blocks: Iterable[bytes], placeholder: bytes, prefix: bytes) -> None:
        self._source = iter(blocks)
        self._spellings = spellings(placeholder, prefix)
        self._narrow = self._spellings[0]
        self._longest = _longest(placeholder)
        self._kept = b""  # read, not yet given out
        self._offset = 0  # where that begins in the file
        self._gap = 0  # NULs that the C string under way gets before its end

    def replaced(self) -> Iterator[bytes]:
        for block in self._source:
            self._kept += block
            yield from self._step(len(self._kept) - self._longest + 1)
        yield from self._step(len(self._kept))
        yield b"\0" * self._gap

    def _step(self, certain: int) -> Iterator[bytes]:
        """Give out all that cannot change any more; what is looked for must begin before `certain`."""
        kept, done = self._kept, 0
        while done < certain:
            if self._gap:
                done = yield from self._in_string(done, certain)
                continue
            found = first(kept, self._spellings, done)
            if found is None or found[0] >= certain:
                yield kept[done:certain]
                done = certain
            elif found[1] is self._narrow:
                yield kept[done : found[0]] + self._narrow.new
                done = found[0] + len(self._narrow.old)
                self._gap = self._narrow.shrinks_by
            else:
                yield kept[done : found[0]]
                rest = chain([kept[found[0] :]], self._source)
                yield from in_wide_strings(rest, self._offset + found[0], self._spellings)
                kept = b""
                break
        self._kept, self._offset = kept[done:], self._offset + done

    def _in_string(self, start: int, certain: int) -> Generator[bytes, None, int]:
        """Go on to the string's next placeholder, its end, or as far as is certain; where that is."""
        end = self._kept.find(b"\0", start)
        found = self._kept.find(self._narrow.old, start, end if end >= 0 else None)
        stop = found if found >= 0 else end
        if stop < 0 or stop >= certain:
            yield self._kept[start:certain]
            return certain
        yield self._kept[start:stop]
        if found < 0:
            yield b"\0" * self._gap
            self._gap = 0
            return stop
        yield self._narrow.new
        self._gap += self._narrow.shrinks_by
        return stop + len(self._narrow.old)
