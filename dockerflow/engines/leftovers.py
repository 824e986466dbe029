"""Remove the containers that killed processes have left.

A step's container that was started ends with its scheduler by itself. Between making it and starting it there is a
moment in which a kill leaves it for ever; nobody starts it after that, so an old one in that state is waste, whoever
made it. A debugging session's container goes on when its terminal is gone: such a one is waste as soon as the process
that made it is no more.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import docker

from dockerflow import makers
from dockerflow.engines.boundary import translated

LABEL = "dockerflow.run"

# Seconds between making a container and starting it that no living scheduler takes, with clocks that differ a little.
ABANDONED = 600.0

# As long after it was made, a session's container that does not run is nobody's, wherever it was made.
_ENDED = 24 * 3600.0

# Beginnings of their names, by the labels that have their makers.
_SESSIONS = {makers.DEBUG: "dockerflow-debug-", makers.SPIN: "dockerflow-spin-"}


def remove_leftovers(client: docker.DockerClient, url: str, older_than: float = ABANDONED) -> int:
    """Remove every container of ours that was never started and is older, and those of sessions whose process of this
    machine is no more; how many there were."""
    with translated("look for containers that were left behind", url):
        found = {each["Id"] for each in (*_never_started(client, older_than), *_without_maker(client, older_than))}
        for container_id in found:
            with suppress(docker.errors.NotFound):  # somebody else was quicker
                client.api.remove_container(container_id, v=True, force=True)
    return len(found)


def _never_started(client: docker.DockerClient, older_than: float) -> Iterator[Any]:
    found = client.api.containers(all=True, filters={"label": LABEL, "status": "created"})
    return (each for each in found if _is_old(each, older_than))


def _without_maker(client: docker.DockerClient, older_than: float) -> Iterator[Any]:
    for each in client.api.containers(all=True, filters={"name": list(_SESSIONS.values())}):
        maker = next((each["Labels"][label] for label in _SESSIONS if label in (each["Labels"] or {})), None)
        if maker is not None and (makers.is_gone(maker) or _is_idle(each, older_than)):
            yield each


def _is_idle(container: Any, older_than: float) -> bool:
    limit = {"created": older_than, "exited": _ENDED, "dead": _ENDED}.get(container["State"])
    return limit is not None and _is_old(container, limit)


def _is_old(container: Any, older_than: float) -> bool:
    return bool(time.time() - container["Created"] >= older_than)
