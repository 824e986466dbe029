"""What a command prints in a container of an image, and where containers reach this machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from docker import DockerClient

from dockerflow.engines.networks import gateway_of

# As a step has it: another user than root, a root file system that cannot be written, no network.
AS_A_STEP = {"user": "12345", "read_only": True, "network_disabled": True}


def printed(client: DockerClient, image: str, command: Sequence[str], *, stderr: bool = False, **options: Any) -> str:
    """The output of a command that must succeed.

    It is read when the container has ended. Of a short one that is removed by itself Docker 20.10 may give none, and
    Podman may never end an answer that follows it.
    """
    container = client.containers.run(image, list(command), detach=True, **options)
    try:
        status = container.wait()["StatusCode"]
        assert status == 0, container.logs().decode()
        return str(container.logs(stderr=stderr).decode())
    finally:
        container.remove(force=True, v=True)


def bridge_gateway(client: DockerClient) -> str:
    found = gateway_of(client.api.inspect_network("bridge"))
    assert found is not None
    return found
