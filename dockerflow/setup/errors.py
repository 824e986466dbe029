"""What can go wrong while a machine is looked at or set up.

SetupError
├── EngineNotReady   no Docker engine, and none could be installed or started
├── BaseNotReady     no base image, neither pulled nor made
├── ChannelNotMade   the local conda channel could not be made as asked
├── ProgramNotBuilt  a program could not be built from its sources
└── ServiceNotReady  the object server could not be started, or does not answer
"""

from __future__ import annotations

from dockerflow.errors import DockerflowError

__all__ = ["BaseNotReady", "ChannelNotMade", "EngineNotReady", "ProgramNotBuilt", "ServiceNotReady", "SetupError"]


class SetupError(DockerflowError):
    """What this machine lacks, and what its user can do about it."""

    exit_code = 10


class EngineNotReady(SetupError):
    """No engine answers. The hint says what to install or start."""


class BaseNotReady(SetupError):
    """The engine has no base image and there was no way to get one."""


class ChannelNotMade(SetupError):
    """A package that was asked for could not be made: not on PyPI, no wheel, no such Python here."""


class ProgramNotBuilt(SetupError):
    """A program that this machine lacks could not be built: no Go, no module proxy, or what the compiler said."""


class ServiceNotReady(SetupError):
    """The object server could not be started: its port is taken, it ended, or it gave no answer in time."""
