"""Containers that a killed scheduler made and did not come to start, and those of sessions whose terminal was killed.

On engines of these tests' own: on this machine's, others make containers at the same time, of any age.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator

import docker
import pytest
from docker.models.containers import Container

from dockerflow import makers
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


def test_a_session_goes_on_while_its_process_lives_and_is_removed_when_that_is_gone(engine: Engine) -> None:
    """One of another machine is left alone: nobody here can know."""
    ask = [sys.executable, "-c", "from dockerflow import makers; print(makers.this_process())"]
    gone = subprocess.run(ask, check=True, capture_output=True, text=True).stdout.strip()
    by = {"gone": gone, "living": makers.this_process(), "elsewhere": f"{gone}-of-another-machine"}
    made = {
        name: engine.client.containers.run(
            BASE_IMAGE, ["sleep", "600"], name=f"dockerflow-debug-{name}", labels={makers.DEBUG: maker}, detach=True
        )
        for name, maker in by.items()
    }
    try:
        assert remove_leftovers(engine.client, engine.url) == 1
        left = {each.id for each in engine.client.containers.list()}
        assert [name for name, container in made.items() if container.id in left] == ["living", "elsewhere"]
    finally:
        for container in made.values():
            with contextlib.suppress(docker.errors.NotFound):
                container.remove(force=True)
