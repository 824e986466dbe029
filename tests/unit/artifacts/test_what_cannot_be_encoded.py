"""The error names the part that is to blame, by the way to it."""

from __future__ import annotations

import functools
import threading
from collections import namedtuple
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dockerflow.artifacts import codec
from dockerflow.artifacts.errors import CannotEncode

Pair = namedtuple("Pair", "left right")


class Holder:
    def __init__(self, **values: Any) -> None:
        self.__dict__.update(values)


class Slotted:
    __slots__ = ("inner",)

    def __init__(self, inner: Any) -> None:
        self.inner = inner


class Refuses:
    def __reduce_ex__(self, protocol: Any) -> Any:
        raise RuntimeError("no pickling, please")


class Partly:
    """Pickles some of its attributes only."""

    def __init__(self) -> None:
        self.lock, self.rest = LOCK, LOCK

    def __getstate__(self) -> Any:
        return {"rest": self.rest}


LOCK = threading.Lock()


@pytest.mark.parametrize(
    ("value", "path", "kind"),
    [
        (LOCK, "model", "_thread.lock"),
        ([1, LOCK], "model[1]", "_thread.lock"),
        ({"callbacks": [1, 2, Holder(lock=LOCK)]}, 'model["callbacks"][2].lock', "_thread.lock"),
        ({3: (LOCK,)}, "model[3][0]", "_thread.lock"),
        (Pair(1, LOCK), "model.right", "_thread.lock"),
        (Slotted(LOCK), "model.inner", "_thread.lock"),
        (Partly(), "model.rest", "_thread.lock"),
        ([Refuses()], "model[0]", f"{__name__}.Refuses"),
        (functools.partial(print, LOCK), "model.args[0]", "_thread.lock"),
        ({"f": lambda: 1}, 'model["f"]', "function"),
        ([(x for x in [])], "model[0]", "generator"),
        (np.array([1, LOCK], object), "model[1]", "_thread.lock"),
        (pd.DataFrame({"a": [1], "b": [LOCK]}), 'model["b"].iloc[0]', "_thread.lock"),
        (pd.Series([LOCK]), "model.iloc[0]", "_thread.lock"),
        ([*range(100_000), LOCK, *range(100_000)], "model[100000]", "_thread.lock"),
        ({"a": [{}] * 5000, "b": [(n,) for n in range(5000)] + [{"c": LOCK}]}, 'model["b"][5000]["c"]', "_thread.lock"),
        (np.array([*map(str, range(1000)), LOCK], object), "model[1000]", "_thread.lock"),
    ],
)
def test_the_innermost_part_is_named(value: Any, path: str, kind: str) -> None:
    with pytest.raises(CannotEncode) as raised:
        codec.encode(value, "model")
    assert raised.value.message.startswith("artifact `model` cannot be stored: ")
    assert f"`{path}` " in raised.value.message
    assert f"is a `{kind}` that cannot be pickled" in raised.value.message


def test_the_hint_fits_what_is_to_blame() -> None:
    def local() -> None: ...

    for value, hint in [
        (local, "top level of a module"),
        (type("Local", (), {}), "classes by name"),
        ((x for x in []), "list(...)"),
        (LOCK, "local variable"),
    ]:
        with pytest.raises(CannotEncode) as raised:
            codec.encode(value)
        assert hint in str(raised.value.hint)


def test_a_value_that_refuses_for_no_part_of_its_own_is_named_itself() -> None:
    with pytest.raises(CannotEncode, match="no pickling, please"):
        codec.encode(Refuses(), "model")


def test_a_value_too_deep_to_pickle_ends_in_an_error_too() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(CannotEncode, match="RecursionError"):
        codec.encode(deep, "model")
