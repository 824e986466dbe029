"""What Python an image has, and which libraries: asked of a container of it, which may as little as a worker's.

What is put beside the image must go with both, and what a lock says of them is not known of an image of the user's own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import docker.errors
from docker import DockerClient

from dockerflow import confinement
from dockerflow.errors import DockerflowError
from dockerflow.images.own_python import LABEL
from dockerflow.lazy_dataclasses import dataclass

# Runs under Python 3.7, whose library cannot list what is installed.
_PROGRAM = r"""
import json, os, re, sys, sysconfig

found = {}
for folder in reversed(sys.path):
    try:
        names = os.listdir(folder or ".")
    except OSError:
        continue
    for name in names:
        told = re.match(r"(.+?)-([^-]+?)(-py[\d.]+)?\.(dist-info|egg-info)$", name)
        if told:
            found[told.group(1)] = told.group(2)
try:
    libc = os.confstr("CS_GNU_LIBC_VERSION") or ""
except (AttributeError, OSError, ValueError):
    libc = ""
print("\ndockerflow-there " + json.dumps({
    "version": ".".join(map(str, sys.version_info[:3])),
    "kind": sys.implementation.name + (" without a lock" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""),
    "libc": libc,
    "libraries": found,
}))
"""


@dataclass(frozen=True)
class There:
    """`libraries` are versions by distribution, by the names that package indexes have; `libc` is empty for another C
    library than GNU's."""

    version: str
    kind: str
    libc: str
    libraries: Mapping[str, str]

    def has(self, *names: str) -> bool:
        return any(name in self.libraries for name in names)


def look(client: DockerClient, image: str, python: str, user: str) -> There:
    """Raises DockerflowError for a Python that does not say what it is."""
    with _container(client, image, python, user) as container:
        client.api.start(container)
        client.api.wait(container)
        said = client.api.logs(container).decode(errors="replace")
    lines = [line for line in said.splitlines() if line.startswith("dockerflow-there ")]
    if not lines:
        raise DockerflowError(f"the Python `{python}` of the image `{image}` does not say what it has: {said[-300:]}")
    told: dict[str, Any] = json.loads(lines[-1].partition(" ")[2])
    told["libraries"] = {re.sub(r"[-_.]+", "-", name).lower(): found for name, found in told["libraries"].items()}
    return There(**told)


@contextmanager
def _container(client: DockerClient, image: str, python: str, user: str) -> Iterator[str]:
    container = client.api.create_container(
        image,
        entrypoint=[python],
        command=["-B", "-W", "ignore", "-c", _PROGRAM],
        user=user,
        working_dir="/",
        healthcheck={"test": ["NONE"]},
        host_config=client.api.create_host_config(**confinement.options(), network_mode="none"),
        labels={LABEL: image},  # one that is left behind is taken away by the next who looks for a Python
        use_config_proxy=False,  # it may have a password
    )["Id"]
    try:
        yield container
    finally:
        with suppress(docker.errors.APIError):
            client.api.remove_container(container, force=True, v=True)
