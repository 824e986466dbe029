"""Which platform a command locks for, where nobody names one."""

from __future__ import annotations

import platform
from contextlib import closing

from dockerflow.config import Config
from dockerflow.environments.virtual_packages import PLATFORMS

_MACHINES = {"x86_64": "linux-64", "amd64": "linux-64", "aarch64": "linux-aarch64", "arm64": "linux-aarch64"}


def platform_here(config: Config) -> str:
    """That of the engine, or of this machine where none answers."""
    from dockerflow.engines.docker import DockerHost
    from dockerflow.engines.errors import EngineError

    try:
        with closing(DockerHost.connect(config.engine)) as host:
            return host.platform
    except EngineError:
        return _MACHINES.get(platform.machine(), PLATFORMS[0])
