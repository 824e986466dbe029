"""Every flow leaves the same here as on Metaflow, and our client answers about it what Metaflow's does.

A day has every second flow of the bank, flows made from the day's number, and a few flows in containers; the next day
has others. All of them: `make test-bank` and `make test-generated`. A few run once more with a store in a bucket.
"""

from __future__ import annotations

import random
import uuid
from datetime import date

import pytest

from tests.differential import case, generated
from tests.differential.case import Case
from tests.differential.comparison import compared
from tests.object_servers import Bucket

GENERATED = 6
IN_CONTAINERS = 6
ON_A_BUCKET = 4

TODAY = case.in_bank()[date.today().toordinal() % 2 :: 2]
TODAY_IN_CONTAINERS = random.Random(generated.of_today()).sample(TODAY, IN_CONTAINERS)


@pytest.mark.parametrize("name", TODAY)
def test_flow_of_the_bank_leaves_the_same(name: str) -> None:
    """Again another day: `python -m tests.differential NAME`."""
    _compare(case.of_bank(name))


@pytest.mark.parametrize("seed", range(generated.of_today(), generated.of_today() + GENERATED))
def test_generated_flow_leaves_the_same(seed: int) -> None:
    """Again another day: `python -m tests.differential generated --seed SEED --count 1`."""
    _compare(generated.flow(seed))


@pytest.mark.usefixtures("docker_client", "test_channel")
@pytest.mark.parametrize("name", TODAY_IN_CONTAINERS)
def test_flow_of_the_bank_leaves_the_same_in_containers(name: str) -> None:
    """Again another day: `python -m tests.differential NAME --engine docker`."""
    _compare(case.of_bank(name), "docker")


@pytest.mark.parametrize("name", random.Random(generated.of_today() + 1).sample(TODAY, ON_A_BUCKET))
def test_flow_of_the_bank_leaves_the_same_in_a_bucket(name: str, object_bucket: Bucket) -> None:
    _compare(case.of_bank(name), store=_variables_of(object_bucket))


@pytest.mark.usefixtures("docker_client", "test_channel")
@pytest.mark.parametrize("name", TODAY_IN_CONTAINERS[:2])
def test_flow_of_the_bank_leaves_the_same_in_containers_with_a_bucket(name: str, minio_bucket: Bucket) -> None:
    _compare(case.of_bank(name), "docker", _variables_of(minio_bucket))


def _variables_of(bucket: Bucket) -> dict[str, str]:
    return {"DOCKERFLOW_STORE": f"s3://{bucket.name}/{uuid.uuid4().hex}", **bucket.server.settings()}


def _compare(flow: Case, engine: str = "process", store: dict[str, str] | None = None) -> None:
    comparison = compared(flow, engine, store)
    if not comparison.same:
        pytest.fail(str(comparison), pytrace=False)
