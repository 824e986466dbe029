"""Docker's multiplexed output, taken apart however it arrives."""

from __future__ import annotations

import struct
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from dockerflow.attached import STDERR, STDOUT, Demultiplexer

PIECES = st.lists(st.tuples(st.sampled_from([STDOUT, STDERR]), st.binary(max_size=20)), max_size=6)


@given(PIECES, st.lists(st.integers(0, 150), max_size=6))
def test_streams_are_the_same_however_the_bytes_arrive(pieces: list[tuple[int, bytes]], cuts: list[int]) -> None:
    wire = b"".join(struct.pack(">BxxxI", stream, len(content)) + content for stream, content in pieces)
    places = [0, *sorted(min(cut, len(wire)) for cut in cuts), len(wire)]
    demultiplexer = Demultiplexer()
    found = [part for begin, end in pairwise(places) for part in demultiplexer.feed(wire[begin:end])]
    for wanted in (STDOUT, STDERR):
        assert b"".join(content for stream, content in found if stream == wanted) == b"".join(
            content for stream, content in pieces if stream == wanted
        )
