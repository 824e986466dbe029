"""Placeholders in other encodings than UTF-8: programs with wide strings have them in UTF-16 or UTF-32.

What conda's installers look for in all five encodings is replaced in all five, by the rules of py-rattler's: a C
string ends with a zero of its encoding's width. Which string it is can be doubtful, as UTF-16 of one byte order looks
like the other one byte further on; then UTF-8 is believed first, next what lies as a compiler would lay it, next what
has an end, next what comes first. To decide that, the file must be seen as a whole, so it waits on disk; few files have
such strings.
"""

from __future__ import annotations

import tempfile
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, cast

from dockerflow.images.files import CHUNK
from dockerflow.lazy_dataclasses import dataclass

# A file is kept in memory up to this size, and on disk beyond it.
_IN_MEMORY = 8 * CHUNK

# What is looked through at once.
_PIECE = 1 << 16

_ENCODINGS = (("utf-8", 1), ("utf-16-le", 2), ("utf-16-be", 2), ("utf-32-le", 4), ("utf-32-be", 4))


@dataclass(frozen=True)
class Spelling:
    """A placeholder and what replaces it, in one encoding; `unit` is the number of bytes of the string's end."""

    old: bytes
    new: bytes
    unit: int

    @property
    def shrinks_by(self) -> int:
        """Raises ValueError if a replacement has no room in a binary."""
        if len(self.new) > len(self.old):
            raise ValueError(f"the prefix is longer than the placeholder, which has {len(self.old)} bytes")
        return len(self.old) - len(self.new)


def spellings(placeholder: bytes, prefix: bytes) -> tuple[Spelling, ...]:
    """`placeholder` and `prefix`, which are UTF-8, in every encoding; UTF-8 comes first."""
    old, new = placeholder.decode(), prefix.decode()
    return tuple(Spelling(old.encode(encoding), new.encode(encoding), unit) for encoding, unit in _ENCODINGS)


@dataclass(frozen=True)
class Found:
    """What may be a string, from its first placeholder to its end. The lower its rank, the more it is believed."""

    starts: list[int]  # of the placeholders
    end: int
    spelling: Spelling
    rank: int


def _rank(spelling: Spelling, start: int) -> int:
    return 0 if spelling.unit == 1 else 1 + 2 * (start % spelling.unit != 0)


def _by_rank(one: Found) -> tuple[int, int]:
    return one.rank, one.starts[0]


def first(data: bytes, wanted: Sequence[Spelling], start: int) -> tuple[int, Spelling] | None:
    """The first occurrence of one of them in `data` from `start` on."""
    found = [(at, one) for one in wanted if (at := data.find(one.old, start)) >= 0]
    return min(found, key=lambda pair: pair[0], default=None)


def in_text(data: bytes, offset: int, wanted: Sequence[Spelling]) -> Iterator[tuple[int, int, list[Found]]]:
    """The placeholders in a piece of text that begins at `offset` of its file, in order. Those among which one had to
    choose come together, with where the first of the choice begins and the last of it ends.
    """
    found = sorted(_occurrences(data, offset, wanted), key=lambda one: one.starts[0])
    while found:
        count, end = 1, found[0].end
        while count < len(found) and found[count].starts[0] < end:
            end = max(end, found[count].end)
            count += 1
        together, found = found[:count], found[count:]
        yield together[0].starts[0], end, _disjoint(sorted(together, key=_by_rank))


def _occurrences(data: bytes, offset: int, wanted: Sequence[Spelling]) -> Iterator[Found]:
    for spelling in wanted:
        at = 0
        while (start := data.find(spelling.old, at)) >= 0:
            at = start + len(spelling.old)
            yield Found([start], at, spelling, _rank(spelling, offset + start))


def in_wide_strings(blocks: Iterable[bytes], offset: int, wanted: Sequence[Spelling]) -> Iterator[bytes]:
    """The rest of a binary file, from `offset` on, with every placeholder replaced and its length unchanged."""
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
        for block in blocks:
            file.write(block)
        whole = _Whole(cast(IO[bytes], file), file.tell())
        found = sorted(_candidates(whole, offset, wanted), key=_by_rank)
        yield from _replaced(whole, _disjoint(found))


class _Whole:
    """A file of any size, of which a piece at a time is in memory."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file = file
        self.size = size

    def find(self, wanted: bytes, start: int, end: int) -> int:
        """Where `wanted` lies wholly between `start` and `end`, or -1."""
        while start + len(wanted) <= end:
            piece = self._read(start, min(end, start + _PIECE + len(wanted)))
            found = piece.find(wanted)
            if found >= 0:
                return start + found
            start += _PIECE + 1
        return -1

    def end_of_string(self, start: int, unit: int) -> int:
        """Where the string that goes on at `start` ends, or -1 if it does not."""
        zero = b"\0" * unit
        at = start
        while (found := self.find(zero, at, self.size)) >= 0:
            aligned = found + (start - found) % unit
            if self._read(aligned, aligned + unit) == zero:
                return aligned
            at = aligned + unit
        return -1

    def blocks(self, start: int, end: int) -> Iterator[bytes]:
        for at in range(start, end, CHUNK):
            yield self._read(at, min(end, at + CHUNK))

    def _read(self, start: int, end: int) -> bytes:
        self._file.seek(start)
        return self._file.read(max(0, end - start))


def _candidates(whole: _Whole, offset: int, wanted: Sequence[Spelling]) -> Iterator[Found]:
    for spelling in wanted:
        seen = [0] * spelling.unit  # up to where strings of each alignment are known
        at = 0
        while (found := whole.find(spelling.old, at, whole.size)) >= 0:
            at = found + len(spelling.old)
            alignment = (offset + found) % spelling.unit
            if found >= seen[alignment]:
                string = _string(whole, found, _rank(spelling, offset + found), spelling)
                seen[alignment] = string.end
                yield string


def _string(whole: _Whole, start: int, rank: int, spelling: Spelling) -> Found:
    starts, at = [start], start + len(spelling.old)
    end = whole.end_of_string(at, spelling.unit)
    if end < 0:
        end, rank = whole.size, rank + (rank > 0)
    while (found := whole.find(spelling.old, at, end)) >= 0:
        starts.append(found)
        at = found + len(spelling.old)
    return Found(starts, end, spelling, rank)


def _disjoint(best_first: Iterable[Found]) -> list[Found]:
    """Those that overlap no better one, in the order of the file."""
    kept: list[Found] = []
    for one in best_first:
        index = bisect_right(kept, one.starts[0], key=lambda other: other.starts[0])
        before, after = kept[index - 1 : index], kept[index : index + 1]
        if all(one.starts[0] >= other.end for other in before) and all(other.starts[0] >= one.end for other in after):
            kept.insert(index, one)
    return kept


def _replaced(whole: _Whole, strings: Iterable[Found]) -> Iterator[bytes]:
    done = 0
    for one in strings:
        for start in one.starts:
            yield from whole.blocks(done, start)
            yield one.spelling.new
            done = start + len(one.spelling.old)
        yield from whole.blocks(done, one.end)
        yield b"\0" * (one.spelling.shrinks_by * len(one.starts))
        done = one.end
    yield from whole.blocks(done, whole.size)
