"""Replace the placeholder of the place where a package was built by the place where the environment stands.

conda's rules: in a text file every occurrence is replaced; in a binary one the file keeps its size, so the rest of the
C string moves up and NULs fill the gap before its end. Both are stream transforms: what is held in memory is a block
and the C string under way, whatever the file's size.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

# Linux reads no more than this of a `#!` line.
_MAX_SHEBANG = 127
_SHEBANG = re.compile(rb"^#! *(/(?:\\ |[^ \n\r\t])*)(.*)$", re.DOTALL)
_PYTHON = re.compile(rb"^python(?:\d+(?:\.\d+)?)?$")

# A C string is held in memory until its end is seen. One that is longer than this was never written by a compiler.
_LONGEST_STRING = 64 * 1024 * 1024


def replace_text(blocks: Iterable[bytes], placeholder: bytes, prefix: bytes) -> Iterator[bytes]:
    """`blocks` with every `placeholder` replaced; a `#!` line too long for Linux is made to work as conda does it."""
    replaced = _replace(blocks, placeholder, prefix)
    first = b""
    for block in replaced:
        first += block
        if len(first) >= 2 and (not first.startswith(b"#!") or b"\n" in first):
            break
    if first.startswith(b"#!"):
        line, newline, rest = first.partition(b"\n")
        first = _shebang(line) + newline + rest
    if first:
        yield first
    yield from replaced


def _replace(blocks: Iterable[bytes], placeholder: bytes, prefix: bytes) -> Iterator[bytes]:
    kept = b""
    for block in blocks:
        *before, kept = (kept + block).split(placeholder)
        for piece in before:
            yield piece + prefix
        # An occurrence may be cut by the end of the block: keep as much as could be its beginning.
        cut = max(0, len(kept) - len(placeholder) + 1)
        if cut:
            yield kept[:cut]
            kept = kept[cut:]
    if kept:
        yield kept


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
    kept = b""  # seen, not yet given out; begins with a placeholder when `inside`
    inside = False
    for block in blocks:
        kept += block
        while True:
            if not inside:
                start = kept.find(placeholder)
                if start < 0:
                    cut = max(0, len(kept) - len(placeholder) + 1)
                    if cut:
                        yield kept[:cut]
                        kept = kept[cut:]
                    break
                if start:
                    yield kept[:start]
                    kept = kept[start:]
                inside = True
            end = kept.find(b"\0", len(placeholder))
            if end < 0:
                if len(kept) > _LONGEST_STRING:
                    raise ValueError("a C string with the placeholder has no end")
                break
            yield _in_c_string(kept[:end], placeholder, prefix)
            kept = kept[end:]
            inside = False
    if kept:
        yield _in_c_string(kept, placeholder, prefix) if inside else kept


def _in_c_string(text: bytes, placeholder: bytes, prefix: bytes) -> bytes:
    if len(prefix) > len(placeholder):
        raise ValueError(f"the prefix is longer than the placeholder, which has {len(placeholder)} bytes")
    return text.replace(placeholder, prefix).ljust(len(text), b"\0")
