"""Who goes along a row is told what to read of it before he comes there."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dockerflow.client.ahead import FIRST, MOST, NEAR, Walk


def test_the_first_place_alone_says_nothing_of_a_way() -> None:
    assert list(Walk().ahead(5, 10)) == []


def test_a_way_is_read_in_ever_larger_pieces_and_every_place_once() -> None:
    walk = Walk()
    pieces = [list(walk.ahead(at, 200)) for at in range(200)]
    assert sorted(place for piece in pieces for place in piece) == list(range(1, 200))
    assert [len(piece) for piece in pieces if piece][:5] == [FIRST, 2 * FIRST, 4 * FIRST, MOST, MOST]


def test_a_way_back_ends_at_the_first_place() -> None:
    walk = Walk()
    assert [list(walk.ahead(at, 4)) for at in (3, 2, 1, 0)] == [[], [2, 1, 0], [], []]


def test_who_jumps_about_is_left_alone() -> None:
    walk = Walk()
    assert [list(walk.ahead(at, 100)) for at in (3, 50, 3 + 50 + NEAR, 20)] == [[], [], [], []]


@given(st.lists(st.integers(0, 99)))
def test_wherever_one_goes_the_pieces_are_small_and_in_the_row(places: list[int]) -> None:
    walk = Walk()
    for at in places:
        piece = walk.ahead(at, 100)
        assert len(piece) <= MOST
        assert not piece or (piece[0] == at and set(piece) <= set(range(100)))
