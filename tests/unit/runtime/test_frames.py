"""Frames survive however the bytes arrive."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockerflow.runtime.frames import Frames
from dockerflow.runtime.messages import HEADER, Ready, decode, encode


@given(st.lists(st.floats(0, 10), max_size=5), st.lists(st.integers(0, 200), max_size=5))
def test_frames_are_the_same_however_the_bytes_arrive(seconds: list[float], cuts: list[int]) -> None:
    said = [Ready("3.11", each) for each in seconds]
    stream = b"".join(map(encode, said))
    places = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    frames = Frames()
    found = [body for begin, end in pairwise(places) for body in frames.feed(stream[begin:end])]
    assert [decode(body) for body in found] == said


def test_a_cut_frame_is_no_frame() -> None:
    assert Frames().feed(encode(Ready("3.11", 1.0))[:-1]) == []


def test_a_frame_that_is_too_long_is_refused_before_it_is_read() -> None:
    frames = Frames(longest=100)
    assert frames.feed(HEADER.pack(100)) == []
    assert frames.feed(b"x" * 100) == [b"x" * 100]
    with pytest.raises(ValueError, match="101 bytes"):
        frames.feed(HEADER.pack(101))
