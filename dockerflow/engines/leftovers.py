"""Remove the containers that a killed scheduler made and did not come to start.

A container that was started ends with its scheduler by itself. Between making it and starting it there is a moment in
which a kill leaves it for ever; nobody starts it after that, so an old one in that state is waste, whoever made it.
"""

from __future__ import annotations

import time
from contextlib import suppress

import docker

from dockerflow.engines.boundary import translated

LABEL = "dockerflow.run"

# Seconds between making a container and starting it that no living scheduler takes, with clocks that differ a little.
ABANDONED = 600.0


def remove_leftovers(client: docker.DockerClient, url: str, older_than: float = ABANDONED) -> int:
    """Remove every container of ours that was never started and is older; how many there were."""
    with translated("look for containers that were left behind", url):
        found = client.api.containers(all=True, filters={"label": LABEL, "status": "created"})
        old = [each["Id"] for each in found if time.time() - each["Created"] >= older_than]
        for container_id in old:
            with suppress(docker.errors.NotFound):  # somebody else was quicker
                client.api.remove_container(container_id, v=True)
    return len(old)
