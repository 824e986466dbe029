"""What can go wrong while a machine is looked at or set up.

SetupError
├── EngineNotReady   no Docker engine, and none could be installed or started
├── BaseNotReady     no base image, neither pulled nor made
└── ChannelNotMade   the local conda channel could not be made as asked
"""

from __future__ import annotations

from dockerflow.errors import DockerflowError

__all__ = ["BaseNotReady", "ChannelNotMade", "EngineNotReady", "SetupError"]


class SetupError(DockerflowError):
    """What this machine lacks, and what its user can do about it."""

    exit_code = 10


class EngineNotReady(SetupError):
    """No engine answers. The hint says what to install or start."""


class BaseNotReady(SetupError):
    """The engine has no base image and there was no way to get one."""


class ChannelNotMade(SetupError):
    """A package that was asked for could not be made: not on PyPI, no wheel, no such Python here."""
