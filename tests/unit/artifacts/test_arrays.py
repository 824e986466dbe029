from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as some

from dockerflow.artifacts import codec
from tests.unit.artifacts.values import again, encoded, modules_named_by

RECORD = np.dtype([("a", "<i4"), ("b", "U5"), ("c", [("x", "f8", (2,))])])
ALIGNED = np.dtype("i1,f8", align=True)
TITLED = np.dtype({"names": ["a"], "formats": ["<i4"], "titles": ["A title"], "offsets": [4], "itemsize": 16})


@settings(deadline=None)
@given(
    some.arrays(some.scalar_dtypes() | some.byte_string_dtypes() | some.unicode_string_dtypes(), some.array_shapes())
)
def test_arrays_of_any_type_and_shape_come_back(array: Any) -> None:
    made = again(array)
    assert (made.dtype, made.shape, made.tobytes()) == (array.dtype, array.shape, array.tobytes())


@pytest.mark.parametrize(
    "array",
    [
        np.array(5),
        np.array([], float),
        np.zeros((0, 3)),
        np.arange(3, dtype=">i4"),
        np.array(["2020-01-01", "NaT"], "M8[s]"),
        np.array([1, 2], "m8[25D]"),
        np.array([b"x\0y"]),
        np.zeros(2, "longdouble"),
        np.zeros((2, 2), "V3"),
        np.zeros(3, RECORD),
        np.zeros(3, ALIGNED),
        np.zeros(3, TITLED),
        np.array([1, "a", None, [1, 2]], object),
        np.array([[1, [2]], [3, "x"]], object),
        np.array([np.arange(2), np.arange(2)], object),
        np.array([(1, "a")], [("n", "i4"), ("o", "O")]),
        np.array((1, ["x", 2]), [("n", "i4"), ("o", "O", (2,))]),
        np.array(["a", "much longer " * 9], np.dtypes.StringDType()),
        np.array(["a", None], np.dtypes.StringDType(na_object=None)),
    ],
    ids=str,
)
def test_unusual_arrays_come_back(array: Any) -> None:
    made = again(array)
    assert type(made) is np.ndarray
    assert (made.dtype, made.shape, repr(made)) == (array.dtype, array.shape, repr(array))
    assert made.dtype.isalignedstruct == array.dtype.isalignedstruct
    assert modules_named_by(array) == {"dockerflow.artifacts.rebuild"}


@pytest.mark.parametrize(("array", "order"), [(np.arange(6).reshape(2, 3), "C"), (np.arange(6).reshape(2, 3).T, "F")])
def test_the_order_of_memory_is_kept(array: Any, order: str) -> None:
    made = again(array)
    assert made.flags[f"{order}_CONTIGUOUS"]
    assert made.tolist() == array.tolist()


def test_an_array_with_gaps_is_stored_without_them() -> None:
    array = np.arange(1_000_000)[::1000]
    assert again(array).tolist() == array.tolist()
    assert len(encoded(array)) < 10_000


def test_contiguous_memory_is_not_copied_to_be_encoded() -> None:
    for array in (np.arange(1000.0), np.zeros((10, 10)).T):
        assert np.shares_memory(np.frombuffer(codec.encode(array).chunks[-1]), array)


def test_loading_uses_the_memory_that_was_read() -> None:
    content = encoded(np.arange(1000.0))
    made = codec.decode(content)
    made[0] = 5.0
    assert np.frombuffer(content[-8000:])[0] == 5.0


def test_whether_an_array_may_be_written_to_is_not_part_of_its_value() -> None:
    array, fixed = np.arange(3), np.arange(3)
    fixed.flags.writeable = False
    assert encoded(fixed) == encoded(array)
    assert again(fixed).flags.writeable


@pytest.mark.parametrize(
    "scalar",
    [
        np.float64(1.5),
        np.float16(2),
        np.int8(-3),
        np.uint64(2**63),
        np.bool_(True),
        np.complex64(1j),
        np.longdouble(3),
        np.datetime64("2020-01-01T10:00"),
        np.timedelta64(3, "s"),
        np.str_("ends with a zero\0"),
        np.bytes_(b"x\0"),
        np.zeros(2, RECORD)[0],
    ],
    ids=repr,
)
def test_scalars_come_back(scalar: Any) -> None:
    made = again([scalar])[0]
    assert type(made) is type(scalar)
    assert (made, made.dtype) == (scalar, scalar.dtype)
    assert modules_named_by(scalar) == {"dockerflow.artifacts.rebuild"}


class Marked(np.ndarray):
    """Somebody's own kind of array."""


def test_subclasses_and_unknown_types_keep_their_own_way() -> None:
    marked = np.arange(3).view(Marked)
    assert type(again(marked)) is Marked
    with_notes = np.zeros(2, np.dtype("f8", metadata={"unit": "m"}))
    assert again(with_notes).dtype.metadata == {"unit": "m"}


def test_records_come_back_with_fields_as_attributes() -> None:
    records = np.rec.array([(1, "a"), (2, "b")], dtype=[("n", "i4"), ("s", "U2")])
    made = again(records)
    assert type(made) is np.recarray
    assert (made.s.tolist(), made.dtype) == (["a", "b"], records.dtype)
    assert again([records[1]])[0].s == "b"
    assert modules_named_by([records, records[1]]) == {"dockerflow.artifacts.rebuild"}


@pytest.mark.parametrize(
    "array",
    [
        np.array([[1.5, 2], [3, 4]]).view(np.matrix),
        np.array([[1, 2], [3, 4]], ">i2", order="F").view(np.matrix),
        np.char.array(["abc ", "d"]),
        np.char.array([b"abc", b"d"]),
    ],
    ids=repr,
)
def test_other_classes_of_array_come_back(array: Any) -> None:
    made = again(array)
    assert type(made) is type(array)
    assert (made.dtype, made.tolist()) == (array.dtype, array.tolist())
    assert modules_named_by(array) == {"dockerflow.artifacts.rebuild"}


def test_a_file_in_memory_comes_back_with_what_is_in_it(tmp_path: Path) -> None:
    """Not with the file: where the value is read it may be another one, or none."""
    array = np.memmap(tmp_path / "file", ">f4", "w+", shape=(3, 2))
    array[:] = [[1, 2], [3, 4], [5, 6]]
    made = again(array)
    assert type(made) is np.memmap
    assert (made.dtype, made.tolist(), made.filename) == (array.dtype, array.tolist(), None)
    assert modules_named_by(array) == {"dockerflow.artifacts.rebuild"}


def test_an_array_that_contains_itself_comes_back() -> None:
    array = np.empty(2, object)
    array[0], array[1] = {"whole": array}, np.arange(3)
    made = again(array)
    assert made[0]["whole"] is made
    assert made[1].tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    "words",
    [
        np.dtype((np.record, [("n", "i4")])),
        "f8",
        ">i4",
        "U5",
        "M8[s]",
        "O",
        "V3",
        RECORD,
        ALIGNED,
        TITLED,
        [("o", "O")],
    ],
    ids=str,
)
def test_data_types_come_back(words: Any) -> None:
    made = again([np.dtype(words)])[0]
    assert (made, made.isalignedstruct) == (np.dtype(words), np.dtype(words).isalignedstruct)
    assert modules_named_by(np.dtype(words)) == {"dockerflow.artifacts.rebuild"}
