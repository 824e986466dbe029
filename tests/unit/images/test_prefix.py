from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockerflow.images.prefix import replace_binary, replace_text

OLD, NEW = b"/placeholder/env", b"/opt/env"
_pieces = st.lists(st.sampled_from([OLD, OLD[:7], b"/", b"\0", b"\n", b"x", b"\xff\xfe", b"#!/bin/sh"]), max_size=30)
_content = _pieces.map(b"".join)
_cuts = st.integers(1, 40)


def blocks(content: bytes, size: int) -> list[bytes]:
    return [content[start : start + size] for start in range(0, len(content), size)]


@given(_content, _cuts)
def test_every_occurrence_in_a_text_is_replaced_wherever_blocks_end(content: bytes, size: int) -> None:
    assert b"".join(replace_text(blocks(content, size), OLD, NEW)) == content.replace(OLD, NEW)


@given(_content, _cuts)
def test_a_binary_keeps_its_size_and_each_c_string_is_replaced_for_itself(content: bytes, size: int) -> None:
    strings = [string.replace(OLD, NEW).ljust(len(string), b"\0") for string in content.split(b"\0")]
    found = b"".join(replace_binary(blocks(content, size), OLD, NEW))
    # Between the end of the file and the last NUL, what follows the placeholder is a C string as well.
    assert len(found) == len(content)
    assert found == b"\0".join(strings)


def test_the_rest_of_a_c_string_moves_up_and_nuls_fill_the_gap() -> None:
    content = b"\1" + OLD + b"/lib:" + OLD + b"/bin\0next"
    gap = b"\0" * (2 * (len(OLD) - len(NEW)))
    assert b"".join(replace_binary([content], OLD, NEW)) == b"\1/opt/env/lib:/opt/env/bin" + gap + b"\0next"


def test_a_prefix_that_does_not_fit_into_a_binary_is_an_error() -> None:
    with pytest.raises(ValueError, match="longer than the placeholder"):
        list(replace_binary([OLD], OLD, OLD + b"x"))
    assert list(replace_binary([b"nothing to replace"], OLD, OLD + b"x"))


def test_a_shebang_too_long_for_linux_still_finds_its_python() -> None:
    long = b"/" + b"p" * 130
    found = b"".join(replace_text([b"#!" + OLD + b"/bin/python3.11 -E\nrest"], OLD, long))
    assert found == b"#!/bin/sh\n'''exec' \"" + long + b'/bin/python3.11" -E "$0" "$@" #\'\'\'\nrest'
    assert b"".join(replace_text([b"#!" + OLD + b"/bin/ruby -w\n"], OLD, long)) == b"#!/usr/bin/env ruby -w\n"
