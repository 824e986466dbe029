"""numpy's arrays and scalars of every kind."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np

NESTED = np.dtype([("a", "<i4"), ("b", "U5"), ("c", [("x", ">f8", (2,)), ("t", "M8[s]")])])
TITLED = np.dtype({"names": ["a"], "formats": ["<i4"], "titles": ["A title"], "offsets": [4], "itemsize": 16})
WITH_OBJECTS = np.dtype([("n", "<i4"), ("o", "O"), ("inner", [("m8", "m8[D]"), ("pair", "O", (2,))])])

_WHOLE = ["b1", "i1", "u1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8", ">i2", ">i8"]
_BASIC = [*_WHOLE, "<f2", "<f4", "<f8", "<c8", "<c16", ">f4", ">f8", ">c16", "S3", "U3", ">U3", "V4"]
_UNITS = ["Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as"]


def arrays() -> dict[str, Any]:
    counted = np.arange(24).reshape(2, 3, 4)
    made = {f"dtype {word}": _filled(word) for word in _BASIC}
    made.update({f"time {unit}": np.array([0, 7, "NaT"], f"M8[{unit}]") for unit in _UNITS})
    made.update({f"difference {unit}": np.array([-1, 7, "NaT"], f"m8[{unit}]") for unit in _UNITS})
    made["longdouble"] = np.array([1, 3, -2], "longdouble") / 7
    made["time by 25 s"] = np.array([1, 2], "m8[25s]")
    made["structure"] = np.array([(1, "ab", ((1.5, 2.5), "2020-01-01T00:00:01"))] * 3, NESTED)
    made["structure aligned"] = np.array([(1, 2.5)], np.dtype("i1,f8", align=True))
    made["structure with titles"] = np.array([(5,)], TITLED)
    made["records"] = np.rec.array([(1, "ab"), (2, "c")], dtype=[("n", ">i4"), ("s", "U2")])
    made["records with objects"] = np.rec.array([(1, {"a": 1})], dtype=[("n", "i4"), ("o", "O")])
    made["one record"] = made["records"][1]
    made["structure with objects"] = _with_objects()
    made["objects"] = np.array([1, "a", None, [1, 2], 2.5, b"x", {"a": 1}, Decimal("1.5")], object)
    made["objects 2-d"] = np.array([[1, [2]], [3, "x"]], object)
    made["objects 0-d"] = np.array({"a": 1}, object)
    made["arrays in objects"] = of_objects([np.arange(2), np.arange(3.0), None])
    made["0-d"] = np.array(5.5)
    made["0-d time"] = np.array("2020-01-01", "M8[D]")
    made["empty"] = np.array([], "f4")
    made["empty 2-d"] = np.zeros((0, 3), "i2")
    made["order C"], made["order F"] = counted, np.asfortranarray(counted)
    made["turned"], made["transposed"] = counted.T, counted.transpose(1, 0, 2)
    made["every other"], made["backwards"] = counted[:, ::2, 1:], counted[::-1, ::-1]
    made["one number repeated"] = np.broadcast_to(np.float32(3), (4, 2))
    made["read-only"] = _read_only(counted)
    made["not aligned"] = np.frombuffer(bytes(range(17)), "u1")[1:].view("<f8")
    made["scalars"] = [one[0] for name, one in made.items() if name.startswith(("dtype", "time", "difference"))]
    made["record type"] = np.dtype((np.record, [("n", "<i4")]))
    made["matrix"] = np.array([[1.5, 2], [3, 4]], ">f8").view(np.matrix)
    made["characters"] = np.char.array(["abc ", "d"])
    made.update({f"masked {name}": array for name, array in _masked().items()})
    if hasattr(np.dtypes, "StringDType"):
        words = np.dtypes.StringDType()
        made["variable text"] = np.array([["a", "long " * 20], ["", "ü\0x"]], words)
        made["variable text with missing"] = np.array(["a", np.nan], np.dtypes.StringDType(na_object=np.nan))
    return made


def _masked() -> dict[str, Any]:
    counted = np.arange(6.0).reshape(2, 3)
    return {
        "numbers": np.ma.masked_array([1.5, 2, 3], [True, False, True], fill_value=-1),
        "nothing": np.ma.masked_array([1, 2, 3]),
        "other order of bytes": np.ma.masked_array(np.arange(3, dtype=">i2"), [False, True, False]),
        "order F": np.ma.masked_array(np.asfortranarray(counted), counted > 3),
        "hard": np.ma.masked_array([1, 2], [True, False], hard_mask=True),
        "times": np.ma.masked_array(np.array(["2020-01-01", "NaT"], "M8[s]"), [True, False]),
        "text": np.ma.masked_array(["abc", "de"], [False, True], fill_value="?"),
        "objects": np.ma.masked_array(["a", None], [False, True], dtype=object),
        "structure": np.ma.masked_array([(1, 2.5)], [(True, False)], dtype=[("a", "<i4"), ("b", "<f8")]),
        "item": np.ma.masked,
    }


def generators() -> dict[str, Any]:
    """Random generators in the middle of their work."""
    made: dict[str, Any] = {
        name: getattr(np.random, name)(5) for name in ("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64")
    }
    made["RandomState"], made["Generator"] = np.random.RandomState(7), np.random.default_rng(7)
    made["RandomState of PCG64"] = np.random.RandomState(np.random.PCG64(3))
    for name in ("RandomState", "Generator"):
        made[name].standard_normal(3)
    made["SeedSequence"] = np.random.SeedSequence(7).spawn(3)[1]
    return made


def _filled(word: str) -> np.ndarray:
    if np.dtype(word).kind in "SUV":
        return np.array([b"a", b"", b"bcd"] if word[-2] != "U" else ["a", "", "bü"], word)
    made = np.array([0, 1, 3]).astype(word)
    if made.dtype.kind in "fc":
        made[:2] = np.nan, -np.inf
    return made


def _with_objects() -> np.ndarray:
    made = np.zeros(2, WITH_OBJECTS)
    made["n"], made["inner"]["m8"] = [7, 8], 3
    for at in (0, 1):
        made["o"][at] = {"at": at}
        made["inner"]["pair"][at] = ["x", at]
    return made


def of_objects(items: list[Any]) -> np.ndarray:
    made = np.empty(len(items), object)
    for at, item in enumerate(items):
        made[at] = item
    return made


def _read_only(array: np.ndarray) -> np.ndarray:
    made = array.copy()
    made.flags.writeable = False
    return made
