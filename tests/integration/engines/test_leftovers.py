"""Containers that a killed scheduler made and did not come to start."""

from __future__ import annotations

import contextlib

import docker
import pytest

from dockerflow.engines.leftovers import LABEL, remove_leftovers

URL = "the engine of the tests"


@pytest.fixture
def made(docker_client):
    """A container as a kill leaves it: made, with our label, never started."""
    container = docker_client.containers.create("debian:bookworm-slim", ["true"], labels={LABEL: "left-behind"})
    yield container
    with contextlib.suppress(docker.errors.NotFound):
        container.remove()


def ids(client) -> set[str]:
    return {each.id for each in client.containers.list(all=True, filters={"label": f"{LABEL}=left-behind"})}


def test_a_container_that_was_never_started_is_removed_once_it_is_old(docker_client, made):
    remove_leftovers(docker_client, URL)
    assert made.id in ids(docker_client)
    assert remove_leftovers(docker_client, URL, older_than=-60.0) >= 1
    assert made.id not in ids(docker_client)


def test_a_container_without_our_label_is_left_alone(docker_client):
    other = docker_client.containers.create("debian:bookworm-slim", ["true"])
    remove_leftovers(docker_client, URL, older_than=-60.0)
    other.remove()
