"""What may go wrong between us and a container engine.

    EngineError
    ├── EngineNotFound     nothing answers at the engine's address
    │   └── HostNotReached a host of the configuration cannot be spoken to
    ├── EngineDenied       it answers, but not to this user
    ├── EngineTooOld       it answers in an API that is too old
    ├── ImageNotOnEngine   the engine does not have the image that a worker was to run in
    └── NoGpu              a step asks for a GPU, and the engine has none for it

Every exception of the Docker SDK and of the libraries below it becomes one of these: see `boundary`.
"""

from __future__ import annotations

from dockerflow.errors import DockerflowError

__all__ = [
    "EngineDenied",
    "EngineError",
    "EngineNotFound",
    "EngineTooOld",
    "HostNotReached",
    "ImageNotOnEngine",
    "NoGpu",
]


class EngineError(DockerflowError):
    """A container engine, or a container on it, did not do what was asked."""

    exit_code = 6


class EngineNotFound(EngineError):
    pass


class HostNotReached(EngineNotFound):
    """`reason` says why in words that can follow a colon; `hint` None: to have the host checked."""

    def __init__(self, host: str, reason: str, hint: str | None = None) -> None:
        super().__init__(f"host `{host}` cannot be reached: {reason}", hint or check_host(host))
        self.reason = reason


def check_host(host: str) -> str:
    """The hint for whatever may be wrong with a host."""
    return f"check the host with `dockerflow hosts check {host}`"


class EngineDenied(EngineError):
    pass


class EngineTooOld(EngineError):
    pass


class ImageNotOnEngine(EngineError):
    pass


class NoGpu(EngineError):
    pass
