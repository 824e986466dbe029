"""Masked arrays come back with all that they hide."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.ma.mrecords
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from hypothesis.extra import numpy as arrays

from dockerflow.artifacts import codec
from tests.unit.artifacts.values import again, modules_named_by

KINDS = arrays.scalar_dtypes() | arrays.unicode_string_dtypes() | arrays.byte_string_dtypes()
SHAPES = arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)
OURS = {"dockerflow.artifacts.rebuild", "dockerflow.artifacts.masked"}


@settings(deadline=None)
@given(some.data(), KINDS, SHAPES)
def test_any_masked_array_comes_back(data: Any, kind: Any, shape: Any) -> None:
    """Also what is behind the mask, the order of bytes and of memory, and what stands for the masked."""
    values = data.draw(arrays.arrays(kind, shape))
    masks = data.draw(some.none() | some.just(True) | arrays.arrays(bool, shape))
    array = np.ma.MaskedArray(
        np.copy(values, order=data.draw(some.sampled_from("CF"))), hard_mask=data.draw(some.booleans())
    )
    if masks is not None:
        array.mask = masks
    check(again(array), array)
    assert modules_named_by(array) <= OURS


@pytest.mark.parametrize(
    "array",
    [
        np.ma.masked_array([1.5, 2, 3], [True, False, True], fill_value=-1),
        np.ma.masked_array([1, 2, 3]),
        np.ma.masked_array(np.arange(3, dtype=">f4"), [False, True, False]),
        np.ma.masked_array(3.0, mask=True),
        np.ma.masked_array(["a", None], [False, True], dtype=object),
        np.ma.masked_array([(1, 2.0)], [(True, False)], dtype=[("a", "i4"), ("b", "f8")]),
        np.ma.masked_array(np.array(["2020-01-01", "NaT"], "M8[s]"), [False, True]),
        np.ma.masked_array(np.arange(10.0), np.arange(10) % 3 == 0)[::2],
        np.ma.masked_array(["abc", "de"], [False, True], fill_value="?"),
    ],
    ids=repr,
)
def test_unusual_masked_arrays_come_back(array: Any) -> None:
    made = again([array])[0]
    check(made, array)
    assert made.fill_value == array.fill_value or np.isnat(array.fill_value)
    assert modules_named_by(array) <= OURS


def test_what_is_masked_stays_so_when_the_array_is_changed() -> None:
    made = again(np.ma.masked_array([1, 2], [True, False], hard_mask=True))
    made[:] = 9
    assert made.tolist() == [None, 9]
    made = again(np.ma.masked_array([1, 2], [True, False]))
    made[:] = 9
    assert made.tolist() == [9, 9]


def test_there_is_one_masked_item() -> None:
    assert again([np.ma.masked])[0] is np.ma.masked


def test_large_masked_arrays_are_not_copied_to_be_stored() -> None:
    array = np.ma.masked_array(np.arange(100_000.0), np.zeros(100_000, bool))
    chunks = [np.frombuffer(chunk, np.uint8) for chunk in codec.encode(array).chunks if len(chunk) >= 100_000]
    assert [np.shares_memory(chunk, part) for chunk, part in zip(chunks, (array.data, array.mask), strict=True)] == [
        True
    ] * 2


class Marked(np.ma.MaskedArray):  # type: ignore[type-arg]
    """Somebody's own kind."""


def test_what_is_more_than_a_masked_array_keeps_its_own_way() -> None:
    assert type(again(np.ma.masked_array([1, 2], [True, False]).view(Marked))) is Marked
    records = np.ma.mrecords.fromarrays([np.array([1, 2])], names="a")
    assert again(records).a.tolist() == [1, 2]


def check(made: Any, array: Any) -> None:
    assert type(made) is np.ma.MaskedArray
    assert (made.dtype, made.shape, made.hardmask) == (array.dtype, array.shape, array.hardmask)
    assert (made.mask is np.ma.nomask) == (array.mask is np.ma.nomask)
    assert np.asarray(made.mask).tolist() == np.asarray(array.mask).tolist()
    assert repr(made.data.tolist()) == repr(array.data.tolist())
    if array.flags.forc:
        assert made.flags.f_contiguous == array.flags.f_contiguous
