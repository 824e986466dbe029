"""Sparse matrices and arrays come back as they were: the same places stored, in the same order, as often."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from hypothesis.extra import numpy as arrays
from scipy import sparse

from dockerflow.artifacts import codec
from tests.unit.artifacts.values import again, encoded, modules_named_by

FORMS = ["csr", "csc", "coo", "bsr", "dia", "lil", "dok"]
NUMBERS = arrays.integer_dtypes(endianness="=") | arrays.floating_dtypes(endianness="=") | arrays.boolean_dtypes()
DENSE = arrays.arrays(
    NUMBERS.filter(lambda dtype: dtype != np.float16), arrays.array_shapes(min_dims=2, max_dims=2), fill=some.just(0)
)
MATRIX = sparse.csr_matrix(np.array([[0, 1.5, 0], [2, 0, 0]]))


def parts(value: Any) -> dict[str, Any]:
    """All arrays of a sparse value, as bytes with their types."""
    if value.format == "dok":
        return {str(key): value[key].tobytes() for key in sorted(value.keys())}
    if value.format == "lil":
        return {"rows": str(value.rows.tolist()), "data": str(value.data.tolist())}
    names = {"dia": ["data", "offsets"], "coo": ["data", "row", "col"]}.get(value.format, ["data", "indices", "indptr"])
    return {name: (getattr(value, name).dtype, getattr(value, name).tobytes()) for name in names}


def same(one: Any, other: Any) -> bool:
    assert type(one) is type(other)
    assert (one.shape, one.dtype, one.nnz) == (other.shape, other.dtype, other.nnz)
    return parts(one) == parts(other)


@settings(deadline=None)
@given(DENSE, some.sampled_from(FORMS), some.sampled_from(["matrix", "array"]))
def test_sparse_values_of_every_form_and_type_come_back(dense: Any, form: str, family: str) -> None:
    value = getattr(sparse, f"{form}_{family}")(dense)
    assert same(again(value), value)
    assert modules_named_by(value) <= {"dockerflow.artifacts.matrices", "dockerflow.artifacts.rebuild"}


@settings(deadline=None)
@given(
    some.lists(
        some.tuples(some.integers(0, 4), some.integers(0, 3), some.floats(allow_nan=False, width=32)), max_size=20
    )
)
def test_places_stored_twice_out_of_order_or_as_zero_stay_so(entries: list[tuple[int, int, float]]) -> None:
    rows, columns, numbers = (list(one) for one in zip(*entries, strict=True)) if entries else ([], [], [])
    value = sparse.coo_array((np.array(numbers, "f4"), (np.array(rows, int), np.array(columns, int))), shape=(5, 4))
    assert same(again(value), value)


@pytest.mark.parametrize(
    "value",
    [
        sparse.coo_array(np.array([0, 1, 2])),
        sparse.csr_array(np.array([0, 1, 2])),
        sparse.dok_array(np.array([0, 1, 2])),
        sparse.coo_array(np.arange(8).reshape(2, 2, 2)),
    ],
    ids=lambda value: f"{type(value).__name__}-{value.ndim}",
)
def test_arrays_of_other_than_two_axes_come_back(value: Any) -> None:
    made = again(value)
    assert (type(made), made.shape, made.dtype) == (type(value), value.shape, value.dtype)
    assert made.toarray().tolist() == value.toarray().tolist()


def test_long_indexes_stay_long() -> None:
    value = MATRIX.copy()
    value.indices, value.indptr = value.indices.astype("i8"), value.indptr.astype("i8")
    assert same(again(value), value)


def test_blocks_keep_their_size() -> None:
    value = sparse.bsr_matrix(np.kron(np.eye(3), np.ones((2, 3))), blocksize=(2, 3))
    assert again(value).blocksize == (2, 3)
    assert same(again(value), value)


def test_memory_is_neither_copied_to_be_stored_nor_when_it_is_loaded() -> None:
    value = sparse.random_array((1000, 1000), density=0.1, format="csr")
    chunks = codec.encode(value).chunks
    assert any(
        len(chunk) == value.data.nbytes and np.shares_memory(np.frombuffer(chunk), value.data) for chunk in chunks
    )
    content = encoded(value)
    assert np.shares_memory(np.frombuffer(content, "u1"), codec.decode(content).data)


def test_versions_of_scipy_are_on_record() -> None:
    assert set(codec.encode([MATRIX]).libraries) == {"python", "numpy", "scipy"}


class Marked(sparse.csr_matrix):
    """Somebody's own kind of matrix."""


def test_subclasses_keep_their_own_way() -> None:
    assert type(again(Marked(MATRIX))) is Marked
