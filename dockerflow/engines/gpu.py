"""Whether an engine gives its containers GPUs. It says so in no other way than by starting one that asks for some."""

from __future__ import annotations

from contextlib import suppress

import docker
from docker.types import DeviceRequest

from dockerflow.engines.boundary import FOREIGN, translated
from dockerflow.engines.errors import NoGpu
from dockerflow.lazy_dataclasses import dataclass

__all__ = ["Wanted", "device_requests", "require"]


@dataclass(frozen=True)
class Wanted:
    """What a step asks for: `count` GPUs, in an image in which `python` can be started."""

    step: str
    image: str
    python: str
    count: int


def device_requests(count: int) -> list[DeviceRequest]:
    return [DeviceRequest(count=count, capabilities=[["gpu"]])]


def require(client: docker.DockerClient, url: str, wanted: Wanted) -> None:
    """Raise NoGpu unless the engine starts a container that asks for the GPUs."""
    api = client.api
    with translated("make a container with a GPU", url):
        host_config = api.create_host_config(device_requests=device_requests(wanted.count), network_mode="none")
        made = str(
            api.create_container(wanted.image, entrypoint=[wanted.python, "-c", ""], host_config=host_config)["Id"]
        )
    try:
        api.start(made)
    except FOREIGN as error:
        said = getattr(error, "explanation", None) or error
        raise NoGpu(
            f"step `{wanted.step}` asks for a GPU, and the engine at `{url}` cannot give it: {said}",
            "install the NVIDIA container toolkit on the engine's machine, or take `gpu` out of the step's resources",
        ) from error
    finally:
        with suppress(*FOREIGN):
            api.remove_container(made, force=True, v=True)
