"""numpy's random generators go on where they were."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from dockerflow.artifacts.generators import BIT_GENERATORS
from tests.unit.artifacts.values import again, modules_named_by

SEEDS = some.integers(0, 2**64)


@pytest.mark.parametrize("name", BIT_GENERATORS)
@given(SEEDS, some.integers(0, 9))
def test_a_generator_goes_on_where_it_was(name: str, seed: int, drawn: int) -> None:
    generator = np.random.Generator(getattr(np.random, name)(seed))
    generator.integers(0, 255, drawn, dtype="u1")  # keeps a part of a number for the next time
    made = again(generator)
    assert made.integers(0, 255, 20, dtype="u1").tolist() == generator.integers(0, 255, 20, dtype="u1").tolist()
    assert made.random() == generator.random()


@given(some.integers(0, 2**32 - 1), some.integers(0, 3))
def test_a_random_state_goes_on_where_it_was(seed: int, drawn: int) -> None:
    state = np.random.RandomState(seed)
    state.standard_normal(drawn)  # keeps every second one for the next time
    assert again(state).standard_normal(3).tolist() == state.standard_normal(3).tolist()


@given(SEEDS, some.integers(0, 3))
def test_what_a_generator_spawns_is_the_same(seed: int, spawned: int) -> None:
    generator = np.random.default_rng(seed)
    generator.spawn(spawned)
    assert again(generator).spawn(1)[0].random() == generator.spawn(1)[0].random()


@given(SEEDS)
def test_a_seed_sequence_gives_the_same_seeds(seed: int) -> None:
    seeds = np.random.SeedSequence(seed).spawn(2)[1]
    assert again(seeds).generate_state(4).tolist() == seeds.generate_state(4).tolist()
    assert again(seeds).spawn(1)[0].state == seeds.spawn(1)[0].state


def test_two_generators_on_one_source_stay_so() -> None:
    bits = np.random.PCG64(1)
    one, other = again([np.random.Generator(bits), np.random.Generator(bits)])
    assert one.bit_generator is other.bit_generator


@pytest.mark.parametrize(
    "value",
    [np.random.RandomState(1), np.random.default_rng(1), np.random.PCG64(1), np.random.RandomState(np.random.SFC64(1))],
    ids=lambda value: type(value).__name__,
)
def test_nothing_of_numpy_is_named(value: Any) -> None:
    assert modules_named_by(value) <= {"dockerflow.artifacts.generators", "dockerflow.artifacts.rebuild"}
