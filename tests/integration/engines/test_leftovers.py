"""Containers that a killed scheduler made and did not come to start.

On engines of these tests' own: on this machine's, others make containers at the same time, of any age.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import docker
import pytest
from docker.models.containers import Container

from dockerflow.engines.leftovers import LABEL, remove_leftovers
from tests.conftest import BASE_IMAGE
from tests.engines.daemons import Engine

ANY_AGE = -60.0


@pytest.fixture
def made(engine: Engine) -> Iterator[Container]:
    """A container as a kill leaves it: made, with our label, never started."""
    container = engine.client.containers.create(BASE_IMAGE, ["true"], labels={LABEL: "left-behind"})
    yield container
    with contextlib.suppress(docker.errors.NotFound):
        container.remove()


def ids(engine: Engine) -> set[str]:
    found = engine.client.containers.list(all=True, filters={"label": f"{LABEL}=left-behind"})
    return {str(each.id) for each in found}


def test_a_container_that_was_never_started_is_removed_once_it_is_old(engine: Engine, made: Container) -> None:
    remove_leftovers(engine.client, engine.url)
    assert made.id in ids(engine)
    assert remove_leftovers(engine.client, engine.url, older_than=ANY_AGE) == 1
    assert made.id not in ids(engine)


def test_a_container_without_our_label_is_left_alone(engine: Engine) -> None:
    other = engine.client.containers.create(BASE_IMAGE, ["true"])
    remove_leftovers(engine.client, engine.url, older_than=ANY_AGE)
    other.remove()
