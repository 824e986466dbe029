"""Every flow leaves the same here as on Metaflow, and our client answers about it what Metaflow's does."""

from __future__ import annotations

import random

import pytest

from tests.differential import case, generated
from tests.differential.case import Case
from tests.differential.comparison import compared

GENERATED = 6
IN_CONTAINERS = 6
TODAY = random.Random(generated.of_today()).sample(case.in_bank(), IN_CONTAINERS)


@pytest.mark.parametrize("name", case.in_bank())
def test_flow_of_the_bank_leaves_the_same(name: str) -> None:
    _compare(case.of_bank(name))


@pytest.mark.parametrize("seed", range(generated.of_today(), generated.of_today() + GENERATED))
def test_generated_flow_leaves_the_same(seed: int) -> None:
    """Again another day: `python -m tests.differential generated --seed SEED --count 1`."""
    _compare(generated.flow(seed))


@pytest.mark.usefixtures("docker_client", "test_channel")
@pytest.mark.parametrize("name", TODAY)
def test_flow_of_the_bank_leaves_the_same_in_containers(name: str) -> None:
    """Six flows, others every day; all of them: `make test-bank`."""
    _compare(case.of_bank(name), "docker")


def _compare(flow: Case, engine: str = "process") -> None:
    comparison = compared(flow, engine)
    if not comparison.same:
        pytest.fail(str(comparison), pytrace=False)
