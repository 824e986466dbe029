"""Whether an engine gives its containers GPUs, how many, and which one has which.

It says how many in no other way than by starting one that asks for them. One that asks for a number of them gets the
first ones, whoever else has those (`countToDevices` in https://github.com/moby/moby/blob/master/daemon/nvidia_linux.go):
so they are asked for one by one wherever they could be counted.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import docker
from docker.types import DeviceRequest

from dockerflow.engines.boundary import FOREIGN, translated
from dockerflow.engines.errors import NoGpu
from dockerflow.lazy_dataclasses import dataclass

__all__ = ["ALL", "Devices", "Wanted", "available", "device_requests", "listed", "numbers_of", "require"]

# What all GPUs of a machine are asked for by, and the driver's program to list them: see `nvidia-smi --help` and
# https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/docker-specialized.html.
ALL = [DeviceRequest(count=-1, capabilities=[["gpu", "utility"]])]
_LIST = "import os; os.execvp('nvidia-smi', ['nvidia-smi', '-L'])"
_LISTED = re.compile(r"^GPU \d+: ", re.MULTILINE)
_NONE = "No devices"

# How long the list is waited for, in seconds: a driver that is not in use takes a while to wake up.
_PATIENCE = 60


@dataclass(frozen=True)
class Wanted:
    """What a step asks for: `count` GPUs, in an image in which `python` can be started."""

    step: str
    image: str
    python: str
    count: int


class Devices:
    """Which of a host's GPUs the containers have that were started here: each those that the fewest others have, since
    a container keeps its own while it waits for a task. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._containers: Counter[int] = Counter()  # by GPU

    def take(self, asked: int | None, there: int | None) -> tuple[int, ...]:
        """Their numbers, for a container that asks for so many; none where nobody knows how many there are."""
        if not asked or there is None:
            return ()
        with self._lock:
            chosen = sorted(range(there), key=lambda number: self._containers[number])[:asked]
            self._containers.update(chosen)
        return tuple(sorted(chosen))

    def hold(self, numbers: Sequence[int]) -> tuple[int, ...]:
        """Those of a container that somebody else has started; the same numbers."""
        with self._lock:
            self._containers.update(numbers)
        return tuple(numbers)

    def give_back(self, numbers: Sequence[int]) -> None:
        with self._lock:
            self._containers.subtract(numbers)


def device_requests(count: int, numbers: Sequence[int] = ()) -> list[DeviceRequest]:
    """So many GPUs: those with these numbers, if there are any."""
    if numbers:
        return [DeviceRequest(device_ids=[str(number) for number in numbers], capabilities=[["gpu"]])]
    return [DeviceRequest(count=count, capabilities=[["gpu"]])]


def numbers_of(container: Mapping[str, Any]) -> tuple[int, ...]:
    """Of the GPUs that a container has asked for by number, as the engine describes it."""
    asked = container["HostConfig"].get("DeviceRequests") or ()
    return tuple(int(each) for one in asked for each in one.get("DeviceIDs") or () if each.isdigit())


def require(client: docker.DockerClient, url: str, wanted: Wanted) -> None:
    """Raise NoGpu unless the engine starts a container that asks for the GPUs."""
    with _started(client, url, wanted, device_requests(wanted.count), ""):
        pass


def available(client: docker.DockerClient, url: str, wanted: Wanted) -> int | None:
    """How many the engine gives a container that asks for all; None where the container cannot tell. `wanted` is who
    asks for some, whatever number. Raises NoGpu where the engine starts no such container."""
    api = client.api
    with _started(client, url, wanted, ALL, _LIST) as container_id, suppress(*FOREIGN):
        api.wait(container_id, timeout=_PATIENCE)
        return listed(api.logs(container_id, stdout=True, stderr=False).decode(errors="replace"))
    return None


def listed(text: str) -> int | None:
    """How many GPUs `nvidia-smi -L` lists, whatever they are divided into; None where that is no list."""
    count = len(_LISTED.findall(text))
    return count if count or text.startswith(_NONE) else None


@contextmanager
def _started(
    client: docker.DockerClient, url: str, wanted: Wanted, devices: list[DeviceRequest], program: str
) -> Iterator[str]:
    """A container with these devices that runs the program; it is gone afterwards."""
    api = client.api
    with translated("make a container with a GPU", url):
        host_config = api.create_host_config(device_requests=devices, network_mode="none")
        made = str(
            api.create_container(wanted.image, entrypoint=[wanted.python, "-c", program], host_config=host_config)["Id"]
        )
    try:
        _start(client, url, wanted, made)
        yield made
    finally:
        with suppress(*FOREIGN):
            api.remove_container(made, force=True, v=True)


def _start(client: docker.DockerClient, url: str, wanted: Wanted, container_id: str) -> None:
    try:
        client.api.start(container_id)
    except FOREIGN as error:
        said = getattr(error, "explanation", None) or error
        raise NoGpu(
            f"step `{wanted.step}` asks for a GPU, and the engine at `{url}` cannot give it: {said}",
            "install the NVIDIA container toolkit on the engine's machine, or take `gpu` out of the step's resources",
        ) from error
