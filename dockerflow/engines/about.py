"""What an engine says about itself, and whether we can work with it.

Asked once, when it is connected to. `check_version` and `check_users` refuse what could not work.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

import docker

from dockerflow.engines.address import called
from dockerflow.engines.boundary import NEWER, translated
from dockerflow.engines.errors import EngineError, EngineTooOld
from dockerflow.lazy_dataclasses import dataclass

# The API of Docker 19.03: the first that we test nothing older than.
OLDEST_API = (1, 40)

# conda's name for what the engine runs on, by the engine's own name.
_PLATFORMS = {
    "x86_64": "linux-64",
    "amd64": "linux-64",
    "aarch64": "linux-aarch64",
    "arm64": "linux-aarch64",
    "ppc64le": "linux-ppc64le",
}


@dataclass(frozen=True)
class About:
    """What an engine answered to `version` and to `info`."""

    url: str
    version: Mapping[str, Any] = field(repr=False)
    info: Mapping[str, Any] = field(repr=False)

    @property
    def name(self) -> str:
        """The engine's own name: of its machine, as a rule."""
        return str(self.info.get("Name") or self.url)

    @property
    def cpus(self) -> int:
        return int(self.info["NCPU"])

    @property
    def memory(self) -> int:
        """In bytes."""
        return int(self.info["MemTotal"])

    @property
    def time(self) -> str:
        """Of the engine's own clock, when it was asked."""
        return str(self.info.get("SystemTime", ""))

    @property
    def is_podman(self) -> bool:
        return any("Podman" in str(each.get("Name")) for each in self.version.get("Components") or ())

    @property
    def is_rootless(self) -> bool:
        return any("rootless" in str(option) for option in self.info.get("SecurityOptions") or ())

    @property
    def platform(self) -> str:
        """The conda subdir of what the engine runs. Raises EngineError for a platform without one."""
        architecture, system = str(self.info.get("Architecture")), str(self.info.get("OSType"))
        if system != "linux" or architecture not in _PLATFORMS:
            raise EngineError(
                f"{called(self.url)} runs {system} on {architecture}, for which there are no step images",
                "use an engine that runs Linux containers on x86-64, arm64 or ppc64le",
            )
        return _PLATFORMS[architecture]


def ask(client: docker.DockerClient, url: str) -> About:
    """Raises EngineTooOld, or EngineError with what the engine says."""
    with translated("ask the engine about itself", url):
        about = About(url, client.version(), client.info())
    check_version(about.version, url)
    return about


def check_version(version: Mapping[str, Any], url: str) -> None:
    """`version` is what the engine says about itself. Raises EngineTooOld."""
    found = str(version.get("ApiVersion", "0.0"))
    if tuple(int(part) for part in found.split(".")) < OLDEST_API:
        oldest = ".".join(map(str, OLDEST_API))
        engine = f"Docker {version.get('Version')} with API {found}"
        raise EngineTooOld(f"{called(url)} is {engine}, and {oldest} is the oldest that works", NEWER)


def check_users(info: Mapping[str, Any], url: str) -> None:
    """`info` is what the engine says about itself. Raises EngineError for one whose containers have users of their own.

    A task there is nobody that this machine knows: it could neither read the store nor write what we can read.
    """
    if any("userns" in str(option) for option in info.get("SecurityOptions") or ()):
        raise EngineError(
            f"the engine at `{url}` maps the users in containers to others (`userns-remap`), who may not use the store",
            "take `userns-remap` out of the engine's daemon.json, or use a rootless engine, which needs no mapping",
        )
