from __future__ import annotations

import struct
import sys
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from dockerflow.artifacts import codec, protocol
from dockerflow.artifacts.errors import CannotDecode
from tests.unit.artifacts.values import again, encoded

plain = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats(allow_nan=False) | some.text() | some.binary(),
    lambda inner: some.lists(inner) | some.dictionaries(some.text(), inner) | some.tuples(inner, inner),
)


@dataclass
class Model:
    weights: list[float]
    name: str


@settings(deadline=None)
@given(plain)
def test_plain_values_come_back_as_they_were(value: Any) -> None:
    assert again(value) == value
    assert encoded(value) == encoded(value)


def test_objects_come_back_by_their_class() -> None:
    model = Model([1.0], "m")
    assert again({"best": model, "again": model})["best"] == model


def test_one_object_in_two_places_stays_one() -> None:
    inner = [1]
    first, second = again([inner, inner])
    assert first is second


def test_a_value_may_contain_itself() -> None:
    value: list[Any] = []
    value.append(value)
    assert again(value)[0][0] is not value


def test_the_format_is_the_one_documented() -> None:
    numpy = pytest.importorskip("numpy")
    content = bytes(encoded(numpy.arange(4, dtype="<i8")))
    assert content[:8] == b"DFVALUE1"
    length, count, size = struct.unpack_from("<QQQ", content, 8)
    assert (count, size) == (1, 32)
    assert content[32 + length - 1 : 32 + length] == b"."
    assert content[-32:] == numpy.arange(4, dtype="<i8").tobytes()
    assert (len(content) - 32) % 64 == 0


def test_a_large_value_is_not_copied_to_be_encoded() -> None:
    large = b"x" * (1 << 20)
    assert any(chunk is large for chunk in codec.encode(large).chunks)


def test_the_type_is_named_as_it_is_imported() -> None:
    assert codec.encode(1).type_name == "int"
    assert codec.encode(Model([], "")).type_name == f"{__name__}.Model"
    assert codec.encode({"a": Model([], "")}).type_name == "dict"


def test_libraries_are_those_whose_classes_are_inside() -> None:
    numpy, pandas = pytest.importorskip("numpy"), pytest.importorskip("pandas")
    python = sys.version.split()[0]
    assert codec.encode([1, "a", Model([], "")]).libraries == {"python": python}
    assert codec.encode({"a": [numpy.float64(1)]}).libraries == {"python": python, "numpy": numpy.__version__}
    assert set(codec.encode([pandas.DataFrame({"a": [1]})]).libraries) == {"python", "numpy", "pandas"}


@pytest.mark.parametrize("cut", [0, 4, 8, 23, 24, 40, -1])
def test_bytes_that_are_cut_off_are_refused(cut: int) -> None:
    numpy = pytest.importorskip("numpy")
    with pytest.raises(CannotDecode, match=r"not an artifact|cut off"):
        codec.decode(encoded(numpy.arange(10))[:cut])


def test_what_cannot_be_loaded_says_what_wrote_it_and_what_is_here() -> None:
    content = encoded(Model([], "")).replace(b"test_codec", b"test_cadec")
    with pytest.raises(CannotDecode) as raised:
        codec.decode(content, codec.Written("", "", "films.Model", {"python": "3.7.1", "nothere": "1.5"}))
    message = str(raised.value)
    assert (
        "cannot load a `films.Model`: ModuleNotFoundError: No module named 'tests.unit.artifacts.test_cadec'" in message
    )
    assert (
        f"written with python 3.7.1, nothere 1.5; this Python has python {sys.version.split()[0]}, no nothere"
        in message
    )
    assert "hint:" in message


# --- Python 3.7


def test_the_unpickler_for_old_pythons_reads_what_new_ones_write() -> None:
    numpy, pandas = pytest.importorskip("numpy"), pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": [1.0, 2.0], "b": ["x", None]})
    pickled, buffers = codec.parts(memoryview(encoded([numpy.arange(5), frame, bytearray(b"abc"), {"k": (1, 2)}])))
    array, table, text, rest = protocol.loads_in_python(pickled, buffers)
    assert array.tolist() == [0, 1, 2, 3, 4]
    pandas.testing.assert_frame_equal(table, frame)
    assert (text, rest) == (bytearray(b"abc"), {"k": (1, 2)})


def test_what_an_old_python_writes_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    numpy = pytest.importorskip("numpy")
    monkeypatch.setattr(protocol, "HAS_PROTOCOL_5", False)
    monkeypatch.setattr(protocol, "PROTOCOL", 4)
    monkeypatch.setattr("dockerflow.artifacts.arrays.HAS_PROTOCOL_5", False)
    content = encoded(numpy.arange(6).reshape(2, 3))
    monkeypatch.undo()
    array = codec.decode(content)
    assert (array.tolist(), array.flags.writeable) == ([[0, 1, 2], [3, 4, 5]], True)
