"""What an engine must be sent, by what it has."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockerflow.images.engine_layers import EngineLayers
from dockerflow.images.image import Layer, StepImage
from dockerflow.images.oci import ImageName, assemble


def image(names: str) -> StepImage:
    layers = [Layer(f"sha256:{name}", Path(name), 1, name) for name in names]
    return assemble(ImageName("dockerflow/step:x", "lock", "sha256:base"), "linux-64", "/bin", layers)


def chains(*names: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(f"sha256:{name}" for name in chain) for chain in names)


def titles(layers: tuple[Layer, ...]) -> str:
    return "".join(layer.title for layer in layers)


@pytest.mark.parametrize(
    ("has", "apart", "lacks"),
    [
        ([], False, "abcd"),
        (["abx", "a"], False, "cd"),
        (["abcd"], False, ""),
        (["abcde"], False, ""),
        (["bcd"], False, "abcd"),
        (["abx", "xd"], False, "cd"),
        (["abx", "xd"], True, "c"),
        (["dcba"], True, ""),
    ],
)
def test_an_engine_lacks_what_it_cannot_reuse(has: list[str], apart: bool, lacks: str) -> None:
    assert titles(EngineLayers(chains(*has), apart).lacking(image("abcd"))) == lacks


def test_what_an_engine_was_given_it_does_not_lack() -> None:
    engine = EngineLayers(chains("ax"), apart=False).and_those_of(image("abc"))
    assert titles(engine.lacking(image("abcd"))) == "d"
