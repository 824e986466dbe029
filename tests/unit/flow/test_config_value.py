"""The value of a config: a dictionary with attributes that cannot be changed."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from dockerflow import ConfigValue

DATA = {"train": {"epochs": 3, "layers": [{"size": 1}, 2]}, "name": "x", "two words": 4}


@pytest.fixture
def value() -> ConfigValue:
    return ConfigValue(DATA)


def test_keys_are_attributes_at_every_level(value: ConfigValue) -> None:
    assert value.train.epochs == value["train"]["epochs"] == 3
    assert value.train.layers[0].size == 1


def test_it_is_a_dictionary(value: ConfigValue) -> None:
    assert value == DATA
    assert json.loads(json.dumps(value)) == DATA
    assert {**value.train} == DATA["train"]
    assert isinstance(value, dict)
    assert list(value) == list(DATA)
    assert dict.fromkeys(["a"], 1) == ConfigValue.fromkeys(["a"], 1)


def test_to_dict_gives_ordinary_dictionaries_at_every_level(value: ConfigValue) -> None:
    found = value.to_dict()
    assert found == DATA
    assert type(found["train"]) is type(found["train"]["layers"][0]) is dict


@pytest.mark.parametrize(
    "change",
    [
        lambda value: setattr(value, "name", 1),
        lambda value: delattr(value, "name"),
        lambda value: value.__setitem__("name", 1),
        lambda value: value.__delitem__("name"),
        lambda value: value.update(name=1),
        lambda value: value.train.pop("epochs"),
        lambda value: value.train.layers[0].setdefault("new", 1),
        lambda value: value.popitem(),
        lambda value: value.clear(),
        lambda value: value.__ior__({"name": 1}),
    ],
)
def test_it_cannot_be_changed(change: Callable[[Any], Any], value: ConfigValue) -> None:
    with pytest.raises(TypeError, match="a config cannot be changed"):
        change(value)
    assert value == DATA


def test_copies_and_pickles_are_equal_and_of_its_type(value: ConfigValue) -> None:
    for same in (value.copy(), copy.copy(value), copy.deepcopy(value), pickle.loads(pickle.dumps(value))):
        assert same == value
        assert type(same) is type(same.train) is ConfigValue


def test_key_that_is_not_there_is_named_with_one_like_it(value: ConfigValue) -> None:
    with pytest.raises(AttributeError, match=r"the config has no `trian`: did you mean `train`\?"):
        value.trian  # noqa: B018
    with pytest.raises(KeyError):
        value["trian"]
    assert "trian" not in value


def test_keys_that_are_names_are_listed_among_its_attributes(value: ConfigValue) -> None:
    assert {"train", "name"} <= set(dir(value))
    assert "two words" not in dir(value)
