from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockerflow.images.prefix import replace_binary, replace_text

OLD, NEW = b"/placeholder/env", b"/opt/env"
_pieces = st.lists(st.sampled_from([OLD, OLD[:7], b"/", b"\0", b"\n", b"x", b"\xff\xfe", b"#!/bin/sh"]), max_size=30)
_content = _pieces.map(b"".join)
_wide = [OLD.decode().encode(encoding) for encoding in ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")]
_wide_content = st.lists(st.sampled_from([OLD, *_wide, *_wide, b"\0", b"\0", b"x", b"\n"]), max_size=12).map(b"".join)
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


@given(_wide_content, _cuts)
def test_where_blocks_end_changes_nothing(content: bytes, size: int) -> None:
    for replace in (replace_text, replace_binary):
        assert b"".join(replace(blocks(content, size), OLD, NEW)) == b"".join(replace([content], OLD, NEW))


@pytest.mark.parametrize("old", _wide)
def test_a_wide_string_is_replaced_as_what_it_is(old: bytes) -> None:
    encoding = ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")[_wide.index(old)]
    unit = int(encoding[4:6]) // 8
    new, slash = NEW.decode().encode(encoding), "/lib".encode(encoding)
    assert b"".join(replace_text([b"x" * unit + old + slash], OLD, NEW)) == b"x" * unit + new + slash
    gap = b"\0" * (len(old) - len(new))
    end = b"\0" * unit + b"after"
    assert b"".join(replace_binary([old + slash + end], OLD, NEW)) == new + slash + gap + end


def test_a_file_too_large_for_memory_with_wide_strings_keeps_its_length() -> None:
    count = 30
    piece = b"\1" * (1 << 20) + _wide[0] + b"\0\0"
    found = b"".join(replace_binary([piece] * count, OLD, NEW))
    assert len(found) == len(piece) * count
    assert found.count(NEW.decode().encode("utf-16-le")) == count
